"""The release's check: a hook of CodeDeploy's, called before a new version gets traffic.

It makes one real read through each new version (`checks`), and tells CodeDeploy whether the deployment goes on. An
event without a deployment, such as `{}`, is answered with the problems alone.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from vectorgate.aws.client import aws_client
from vectorgate.classes import dataclass
from vectorgate.entrypoints.function import Event, Function
from vectorgate.entrypoints.release_check import settings as configuration
from vectorgate.entrypoints.release_check.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools import Logger

READ_SECONDS: Final = 35  # of a version: its cold start, and its own 30
REPORT_SECONDS: Final = 10
CONNECT_SECONDS: Final = 2
ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """`versions`: ARNs by function. `functions`, `deployments`: the clients of Lambda and CodeDeploy."""

    versions: Mapping[str, str]
    functions: Any
    deployments: Any
    logger: Logger

    def problems(self) -> dict[str, str]:
        """Why versions must get no traffic, by function."""
        found = {name: self._problem(name, version) for name, version in sorted(self.versions.items())}
        return {name: problem for name, problem in found.items() if problem is not None}

    def _problem(self, name: str, version: str) -> str | None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the clients

        payload = json.dumps(CHECKS[name].event).encode()
        try:
            result = self.functions.invoke(FunctionName=version, Payload=payload)
            answer = result["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            return f"it cannot be invoked: {type(error).__name__}"
        return "it crashes, or does not start" if "FunctionError" in result else CHECKS[name].problem(answer)

    def report(self, event: Event, *, succeeded: bool) -> None:
        """Tell CodeDeploy whether the deployment goes on. ClientError; CodeDeploy then gives it up after an hour."""
        self.deployments.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Succeeded" if succeeded else "Failed",
        )


def act(event: Event, check: ReleaseCheck) -> Mapping[str, object]:
    """Check every new version; the problems, which are none where the release is sound."""
    problems = check.problems()
    if problems:
        check.logger.error("release refused", extra={"problems": problems})
    if "DeploymentId" in event:
        check.report(event, succeeded=not problems)
    return {"problems": problems}


@cache
def deployed_check() -> ReleaseCheck:
    """The check of this function. ValueError without a version."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415 - importing a module of ours loads no library

    settings = configuration.from_environment()

    def client(service: str, read_s: float) -> Any:  # noqa: ANN401 - the service's
        region, endpoint_url = settings.region, settings.endpoint_url
        return aws_client(
            service,
            region=region,
            endpoint_url=endpoint_url,
            connect_s=CONNECT_SECONDS,
            read_s=read_s,
            attempts=ATTEMPTS,
        )

    return ReleaseCheck(
        settings.versions, client("lambda", READ_SECONDS), client("codedeploy", REPORT_SECONDS), Logger()
    )


handler = Function(act, deployed_check)
