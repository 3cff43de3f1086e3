"""Releases by CodeDeploy's canaries under load, good ones and bad: what clients see, and what the ledger holds.

MiniStack has no CodeDeploy: tests/fakes/code_deploy.py is one, whose minutes are shorter (emulated_releases.py).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.harnesses.aws_stack import emulator, upstream
from tests.harnesses.released_stack import FAILURES_TOLERATED, MINUTE, NAME, Defect, ReleasedStack
from tests.helpers.template import TEMPLATE, listed, statements
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harnesses.stack_load import StackLoad

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive, pytest.mark.timeout(900)]

CALLS: Final = 20  # answered before and after each release
MARGIN: Final = 1.0  # seconds, for calls that are drawn while an alias moves
MISSING: Final = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:missing-abcdef"
SHIFTED: Final = ("admin", "api", "invoke", "stream")  # in this order: the emulator updates one resource after another
DEFAULT: Final = TEMPLATE["Parameters"]["ReleaseType"]["Default"]  # others have the shortest canary
HOOK: Final = ("Failed", "HOOK_EXECUTION_FAILURE")
ALARM: Final = ("Stopped", "ALARM_ACTIVE")
WRONG_KEY: Final = Defect("providers/openai.py", "api_key.reveal()", "api_key.reveal()[1:]")
CRASH: Final = Defect("gateway/pipeline.py", "context = self._prepared(", "context = self._prepared[1](")
# What the new version cannot do with these parameters, and what finds it out. A crash sets off an alarm as well, which
# may be earlier than the hook's report: a minute is short here, and functions without an alias crash before.
REFUSED: Final = (
    ({"AzureSecretArn": MISSING}, {HOOK}),  # read a secret
    ({"CorsOrigins": "nonsense"}, {HOOK, ALARM}),  # answer
    ({"Prices": '[{"id": "nonsense"}]'}, {HOOK, ALARM}),  # start
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleasedStack]:
    """The stack, in an emulated AWS of its own. At the end: nothing was denied, but the secret of what was taken back.

    Roles have no versions: theirs is taken back before or after the function that reads it.
    """
    home = tmp_path_factory.mktemp("releases")
    with upstream(home) as provider, emulator(home, minute=MINUTE) as aws:
        yield ReleasedStack(aws, provider)
        assert {each for each in aws.denied() if "secretsmanager:GetSecretValue" not in each} == set()


def test_a_good_release_gets_a_tenth_of_the_calls_and_then_all_and_none_is_lost(released: ReleasedStack) -> None:
    released.wait_until_quiet()
    old, _ = released.versions("api")
    since = time.time()
    with released.load() as load:
        load.go_on(CALLS)
        deployments = released.release()
        load.go_on(CALLS)
    assert (load.failures, load.unknown) == ([], [])
    assert tuple(deployments) == SHIFTED
    for function, deployment in deployments.items():
        assert (deployment["status"], deployment["hook_status"]) == ("Succeeded", "Succeeded")
        assert [share for _, share in deployment["shifts"]] == [0.1, 1]
        assert released.versions(function) == (deployment["target"], {})
    assert deployments["api"]["current"] == old != deployments["api"]["target"]
    for function in ("api", "invoke"):
        deployment = deployments[function]
        (begun, _), (ended, _) = deployment["shifts"]
        assert set(released.calls(deployment, since, begun)) == {deployment["current"]}
        during = released.calls(deployment, begun, ended)
        # Of some 130 calls of api, fewer than four are one run in a thousand; of invoke's thirty, none one in twenty.
        fewest = 4 if function == "api" else 0
        assert fewest <= during.count(deployment["target"]) < len(during) / 3
        assert set(released.calls(deployment, ended + MARGIN)) == {deployment["target"]}
    released.assert_ledger_has(load)
    assert released.asked_by("ReleaseRole") == {
        action for each in statements("ReleaseRole") for action in listed(each["Action"])
    }
    hook = ("TryVersions", "ReportToCodeDeploy")
    assert released.asked_by("ReleaseCheckRole") == {
        each["Action"] for each in statements("ReleaseCheckRole") if each["Sid"] in hook
    }


def test_a_release_that_its_hook_refuses_gets_no_call(released: ReleasedStack) -> None:
    released.wait_until_quiet()
    before = {function: released.versions(function) for function in SHIFTED}
    begun = time.time()
    with released.load() as load:
        for parameters, ends in REFUSED:
            load.go_on(CALLS)
            ((function, deployment),) = released.refuse(**parameters).items()
            assert (function, deployment["shifts"]) == (SHIFTED[0], [])
            assert any(status == deployment["status"] and code in deployment["problem"] for status, code in ends)
            assert {function: released.versions(function) for function in SHIFTED} == before
            released.wait_until_quiet()  # the hook's own calls of a version that crashes are errors, too
        load.go_on(CALLS)
    for function in ("api", "invoke"):
        assert set(released.calls({"function": f"{NAME}-{function}"}, begun)) == {before[function][0]}
    assert (load.failures, load.unknown) == ([], [])
    released.assert_ledger_has(load)


def taken_back(released: ReleasedStack, alarm: str, template: str) -> StackLoad:
    """Release what the alarm takes back while api has a tenth of its calls, under load, which is returned.

    Its clients try nothing again: each call that the new version fails is an error of theirs, of OpenAI's form.
    """
    released.wait_until_quiet()
    before = {function: released.versions(function) for function in SHIFTED}
    with released.load(retries=0) as load:
        load.go_on(CALLS)
        deployments = released.refuse(template, ReleaseType=DEFAULT)
        load.go_on(CALLS)
    assert tuple(deployments) == SHIFTED[:2], (deployments, load.failures)
    stopped = deployments["api"]
    assert (stopped["status"], stopped["hook_status"]) == ("Stopped", "Succeeded")
    assert [share for _, share in stopped["shifts"]] == [0.1, 0]
    assert alarm in stopped["problem"]
    assert {function: released.versions(function) for function in SHIFTED} == before
    (begun, _), (ended, _) = stopped["shifts"]
    assert set(released.calls(stopped, ended + MARGIN)) == {stopped["current"]}
    failed = released.calls(stopped, begun, ended + MARGIN).count(stopped["target"])
    assert 0 < len(load.failures) <= failed
    assert all("InternalServerError: Error code: 50" in each for each in load.failures), load.failures
    return load


def test_a_release_whose_calls_a_provider_refuses_is_taken_back_by_what_failed(
    released: ReleasedStack, tmp_path: Path
) -> None:
    load = taken_back(released, "FailedCallsAlarm", released.with_a_defect(tmp_path / "built", WRONG_KEY))
    failed = [row for row in released.assert_ledger_has(load) if row.error_code == "provider_credential_refused"]
    assert {(row.state, row.status_code) for row in failed} == {(State.VOIDED, 502)}
    assert len(failed) == len(load.failures) > FAILURES_TOLERATED


def test_a_release_with_a_defect_is_taken_back_by_its_first_crash(released: ReleasedStack, tmp_path: Path) -> None:
    load = taken_back(released, "CrashesAlarm", released.with_a_defect(tmp_path / "built", CRASH))
    released.assert_ledger_has(load)  # a call that crashes before it has a row has changed nothing


def test_an_alarm_that_is_on_stops_a_release_before_its_hook_is_asked(released: ReleasedStack) -> None:
    released.wait_until_quiet()
    before = {function: released.versions(function) for function in SHIFTED}
    moments = [datetime.now(UTC) + timedelta(seconds=MINUTE * number) for number in range(-1, 4)]
    released.put_failures(moments)  # the first in a minute that is over: alarms look at no other
    ((_, deployment),) = released.refuse().items()
    assert (deployment["status"], deployment["hook_status"], deployment["shifts"]) == ("Stopped", None, [])
    assert "FailedCallsAlarm" in deployment["problem"]
    assert {function: released.versions(function) for function in SHIFTED} == before
