"""Local mode compares OpenAI's bill: the admin key reads the reports, and the gateway's key the stores."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from local.app import LocalMode
from local.options import Options
from local.provider_settings import read_upstreams
from tests.factories.secrets import MASTER_KEY, PROVIDER_KEY, secret_text
from tests.fakes.openai import FakeOpenAI
from tests.fakes.openai_reports import ADMIN_KEY, DAY, FakeReports
from tests.fakes.upstream import FaultyUpstream

if TYPE_CHECKING:
    from pathlib import Path


def test_the_bill_is_read_with_the_admin_key_and_compared(tmp_path: Path) -> None:
    openai = FakeOpenAI()
    openai.reports = reports = FakeReports(openai, time.time)
    yesterday = int(time.time()) // DAY - 1
    reports.days[yesterday].searches["vs_past"] = 4
    with FaultyUpstream(openai.act) as upstream:
        keys = {"OPENAI_API_KEY": PROVIDER_KEY, "OPENAI_BASE_URL": upstream.url, "OPENAI_ADMIN_KEY": ADMIN_KEY}
        mode = LocalMode(
            Options(
                database=tmp_path / "ledger.db",
                secret=secret_text(upstream.url),
                admin_secret=read_upstreams(keys, "127.0.0.1", 1).admin_secret,
                master_key=MASTER_KEY,
                meter_seconds=600,
            )
        )
        try:
            event = {
                "rawPath": "/spend/reconcile",
                "headers": {"authorization": f"Bearer {MASTER_KEY}"},
                "requestContext": {"http": {"method": "GET"}},
            }
            result = mode.admin(event, None)
        finally:
            mode.close()
    found: Any = json.loads(str(result["body"]))
    assert (result["statusCode"], len(found["days"]), found["is_captured"]) == (200, 7, False)
    assert found["vector_stores"][0]["file_search_calls"]["difference"] == 4
    keyed = {(each.path.startswith("/v1/organization/"), each.headers["authorization"]) for each in upstream.received}
    assert keyed == {(True, f"Bearer {ADMIN_KEY}"), (False, f"Bearer {PROVIDER_KEY}")}
