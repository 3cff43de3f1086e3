"""`vectorgate doctor` from outside: a URL and a key are enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.fakes.upstream import answer
from vectorgate.client.cli.doctor.check import clock_check

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness
    from tests.integration.cli.conftest import Ran, Run


def results(ran: Ran) -> dict[str, Any]:
    return {each["check"]: (each["result"], each["advice"]) for each in ran.json}


def test_a_gateway_that_is_well_passes_with_an_administrator_s_key(vectorgate: Run) -> None:
    ran = vectorgate("doctor --json", wall=time.time)  # the server's dates are the machine's
    assert (ran.code, {result for result, _ in results(ran).values()}) == (0, {"ok"})
    assert list(results(ran)) == [
        *("route", "transport", "clock", "table", "secrets", "prices", "key", "provider: stores", "provider: files")
    ]


def test_a_wrong_url_stops_it_and_a_wrong_key_is_found(vectorgate: Run, harness: GatewayHarness) -> None:
    assert results(vectorgate("doctor --json --url http://127.0.0.1:9"))["route"][0] == "failed"
    elsewhere = vectorgate(f"doctor --json --url {harness.upstream.url}")
    assert (elsewhere.code, list(results(elsewhere))) == (1, ["route"])
    wrong = vectorgate("doctor --json --key sk-wrong")
    assert (wrong.code, results(wrong)["key"][0], "provider" in results(wrong)) == (1, "failed", False)
    client = vectorgate(f"doctor --json --key {harness.key('sk-red', team='red')}")
    assert (results(client)["key"][0], results(client)["provider"][0]) == ("ok", "skipped")


def test_a_provider_that_refuses_or_whose_secret_is_gone_is_found(vectorgate: Run, harness: GatewayHarness) -> None:
    body = {"error": {"message": "no", "type": "invalid_request_error", "code": "invalid_api_key", "param": None}}
    harness.upstream.always(answer(401, body))
    refused = vectorgate("doctor --json")
    assert refused.code == 1
    assert "providers set openai" in results(refused)["provider: stores"][1]
    harness.secret_source.text = "{}"
    harness.time.skip(400)
    assert results(vectorgate("doctor --json"))["secrets"] == (
        "failed",
        "write the provider's key: vectorgate providers set openai",
    )


def test_a_clock_that_is_off_is_a_warning_and_fails_where_aws_would_refuse_its_signatures() -> None:
    date, now = "Wed, 04 Mar 2026 05:06:07 GMT", 1_772_600_767.0
    skews = (0.0, -4.0, 30.0, -400.0)
    checks = [clock_check("clock", date, now + skew) for skew in skews]
    assert [str(each.result) for each in checks] == ["ok", "ok", "warning", "failed"]
    assert "400 s behind" in checks[-1].found
    assert str(clock_check("clock", None, now).result) == "skipped"
