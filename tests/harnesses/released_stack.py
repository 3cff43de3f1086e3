"""A stack that is released again and again, on an emulator with CodeDeploy: what its releases and its calls did."""

from __future__ import annotations

import itertools
import math
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.harnesses.aws_deployment import NotUpdated, deploy, prepared, stored, update
from tests.harnesses.aws_stack import BUILT, eventually
from tests.harnesses.stack_ledger import differences, ledger, settled
from tests.harnesses.stack_load import DOMAIN, StackLoad
from vectorgate.ledger.rollups import CREATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tests.harnesses.aws_stack import Emulator
    from vectorgate.ledger.entry import LedgerEntry

NAME: Final = "released"
MINUTE: Final = 4.0  # seconds of the emulated minute
FAILURES_TOLERATED: Final = 0  # a slow machine sends a new version few calls in five of these minutes
NESTED: Final = "-Alarms-"  # in the names of alarms.yaml's
PARAMETERS: Final = {
    "DomainName": DOMAIN,
    "CertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/1234abcd",
    "ReleaseType": "Canary10Percent5Minutes",
    "FailedCallsTolerated": str(FAILURES_TOLERATED),
}


@dataclass(frozen=True, slots=True)
class Defect:
    """Code in a module that is `broken` where it was `sound`."""

    module: str
    sound: str
    broken: str


class ReleasedStack:
    """The stack, with a key of team `red`."""

    def __init__(self, aws: Emulator, provider: str) -> None:
        self.aws = aws
        self.stack = deploy(aws, provider, NAME, **PARAMETERS)
        self._template = stored(aws, prepared(aws))
        self._numbers = itertools.count(2)
        self._stores = itertools.count()
        body = {"team_id": "red", "create_team": True}
        made = self.stack.ask("POST", "/key/generate", key=self.stack.master_key, body=body, host=DOMAIN)
        assert made.status == 200, made
        self._key = made.body["key"]

    def load(self, **given: Any) -> StackLoad:
        """Clients of the HTTP API and of the alias of `invoke`."""
        return StackLoad(self.aws, self._key, f"{NAME}-invoke:live", numbers=self._stores, **given)

    def release(self, template: str | None = None, **parameters: str) -> dict[str, Any]:
        """Publish new versions, with other code or parameters. The deployments, by function. NotUpdated."""
        known = len(self.aws.lines("deployments"))
        update(self.aws, NAME, template or self._template, Release=str(next(self._numbers)), **parameters)
        return self._deployments(known)

    def refuse(self, template: str | None = None, **parameters: str) -> dict[str, Any]:
        """Publish new versions of which one is taken back, and with it the stack. The deployments up to that one."""
        known = len(self.aws.lines("deployments"))
        with pytest.raises(NotUpdated):
            self.release(template, **parameters)
        return self._deployments(known)

    def with_a_defect(self, folder: Path, defect: Defect) -> str:
        """The URL of the template with other code. `folder`: where it is built, which does not exist."""
        shutil.copytree(BUILT / "CoreLayer", folder / "CoreLayer", ignore=shutil.ignore_patterns("__pycache__"))
        for part in [each for each in BUILT.iterdir() if each.is_dir() and each.name != "CoreLayer"]:
            (folder / part.name).symlink_to(part)
        place = folder / "CoreLayer/python/vectorgate" / defect.module
        sound = place.read_text()
        assert sound.count(defect.sound) == 1
        place.write_text(sound.replace(defect.sound, defect.broken))
        return stored(self.aws, prepared(self.aws, folder))

    def _deployments(self, known: int) -> dict[str, Any]:
        return {each["function"].removeprefix(f"{NAME}-"): each for each in self.aws.lines("deployments")[known:]}

    def versions(self, function: str) -> tuple[str, dict[str, float]]:
        """The version of an alias, and the weights of others."""
        alias = self.aws.client("lambda").get_alias(FunctionName=f"{NAME}-{function}", Name="live")
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    def calls(self, deployment: dict[str, Any], since: float, until: float = math.inf) -> list[str]:
        """The version that each call through the deployment's alias got between two times."""
        found = [each for each in self.aws.lines("calls") if each["function"] == deployment["function"]]
        return [each["version"] for each in found if since <= each["at"] < until]

    def asked_by(self, role: str) -> set[str]:
        """What a role of the template asked."""
        return {each["action"] for each in self.aws.lines("asked") if each["role"].startswith(f"{NAME}-{role}-")}

    def wait_until_quiet(self) -> None:
        """Wait until no alarm that takes a release back is on; they look at five minutes."""
        watch = self.aws.client("cloudwatch")

        def quiet() -> bool | None:
            alarms = watch.describe_alarms(StateValue="ALARM", AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]
            return None if [each for each in alarms if NESTED not in each["AlarmName"]] else True

        eventually(quiet, 20 * MINUTE, "no alarm is on")

    def put_failures(self, moments: Sequence[datetime]) -> None:
        """Count more failed calls than are tolerated, at each of these times."""
        named = [{"Name": "service", "Value": NAME}]
        data = [
            {"MetricName": "Failures", "Dimensions": named, "Value": FAILURES_TOLERATED + 1.0, "Timestamp": moment}
            for moment in moments
        ]
        self.aws.client("cloudwatch").put_metric_data(Namespace="vectorgate", MetricData=data)

    def assert_ledger_has(self, load: StackLoad) -> list[LedgerEntry]:
        """Wait until every row is final: each store of a client is in one of them, and the sums are theirs."""
        stores = ledger(self.aws, self.stack)
        rows = settled(stores)
        created = [row.vector_store_id for row in rows if row.operation == CREATE and row.succeeded]
        twice = [store for store, times in Counter(created).items() if times > 1]
        lost = set(load.created) - set(created)
        wrong = differences(stores, rows)
        assert (twice, lost, wrong) == ([], set(), []), f"twice: {twice}; without a row: {lost}; sums: {wrong}"
        return rows
