"""Local mode looks at once for what a call made whose answer was lost, however seldom its meter runs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from local.app import LocalMode
from local.options import Options
from tests.factories.secrets import MASTER_KEY, secret_text
from tests.fakes.listing_provider import ListingOpenAI
from tests.fakes.upstream import FaultyUpstream, refusal
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 5.0


def ask(mode: LocalMode, method: str, body: str = "") -> tuple[int, Any]:
    event = {
        "rawPath": "/v1/vector_stores",
        "headers": {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"},
        "requestContext": {"http": {"method": method}},
        "body": body,
    }
    result = mode.api(event, None)
    return int(str(result["statusCode"])), json.loads(str(result["body"]))


def test_a_lost_create_is_its_creators_within_five_seconds(tmp_path: Path) -> None:
    openai = ListingOpenAI(now=time.time)
    with FaultyUpstream(openai.act) as upstream:
        mode = LocalMode(
            Options(
                database=tmp_path / "ledger.db",
                secret=secret_text(upstream.url),
                master_key=MASTER_KEY,
                meter_seconds=600,
            )
        )
        try:
            # Nor can the provider's list be read within the request.
            upstream.always(lambda *call: (refusal(500) if call[1].method == "GET" else openai.unseen)(*call))
            assert ask(mode, "POST", '{"name":"x"}')[0] == 502
            upstream.always(openai.act)
            (store,) = within(SECONDS, lambda: ask(mode, "GET")[1]["data"])
        finally:
            mode.close()
    assert [store["id"]] == list(openai.stores)
