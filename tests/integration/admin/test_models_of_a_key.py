"""What a key may do with models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.admin.test_keys_and_spend import app, generated, key_info
from vectorgate.api.http import Body, Request

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness


def test_what_a_key_may_do_with_models_is_set_shown_changed_and_removed(harness: GatewayHarness) -> None:
    fields = {"models": ["gpt-5*"], "allowed_tools": ["mcp"], "max_output_tokens": 500, "tpm_limit": 10_000}
    key = generated(harness, **fields)
    _, document = key_info(harness, key)
    assert {name: document["info"][name] for name in fields} == fields
    removed: dict[str, object] = dict.fromkeys(fields)
    status, document = app(harness, "POST", "/key/update", {"key": key, **removed})
    assert (status, {name: document[name] for name in fields}) == (200, {**removed, "models": []})


@pytest.mark.parametrize(
    "fields", [{"models": ["a b"]}, {"models": ["a*b"]}, {"allowed_tools": [""]}, {"max_output_tokens": 1}]
)
def test_a_name_or_a_number_that_no_key_can_have_is_refused(harness: GatewayHarness, fields: dict[str, object]) -> None:
    assert app(harness, "POST", "/key/generate", fields)[0] == 400


def test_a_key_that_was_made_before_there_were_models_may_use_none(harness: GatewayHarness) -> None:
    key = generated(harness)
    assert key_info(harness, key)[1]["info"]["models"] == []
    request = Request(
        method="POST",
        path="/v1/responses",
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        body=Body.of(b'{"model": "gpt-5-mini", "input": "hi"}'),
    )
    assert harness.gateway.handle(request).status == 403
