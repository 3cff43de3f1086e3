"""What MiniStack lacks to move aliases as CloudFormation and CodeDeploy do, put into it: see `install`.

It runs in the emulator's process. CodeDeploy's calls have the permissions of the group's role.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from ministack import app
from ministack.core import iam_actions, router
from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners, stacks

from tests.fakes.code_deploy import CodeDeploy, Deployment, Group, NotDeployed, Refused, report
from tests.harnesses import emulated_alarms, emulated_functions

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIAS: Final = "AWS::Lambda::Alias"
GROUP: Final = "AWS::CodeDeploy::DeploymentGroup"
DEPLOYMENTS: Final = Path(os.environ["HOME"]) / "deployments.jsonl"
CALLS: Final = {"PutLifecycleEventHookExecutionStatus": report}
OF_ALIASES: Final = {"GET": "GetAlias", "PUT": "UpdateAlias"}
_deployments: Final[dict[str, Deployment]] = {}
_groups: Final[dict[str, Mapping[str, Any]]] = {}  # properties, by name
_group_of: Final[dict[str, str]] = {}  # a deployment's
_numbers: Final = itertools.count(1)
_update_alias: Final = provisioners._lambda_alias_update
_on_a_thread: Final = stacks._runs_on_worker_thread
_lambda_action: Final = iam_actions._lambda_action
_resource_arn: Final = iam_actions.extract_resource_arn


def install(minute: float) -> None:
    """Let an update of an alias be a deployment of CodeDeploy's, in which a minute has so many seconds.

    Aliases share calls by their weights (emulated_functions), and alarms look at their own metric (emulated_alarms).
    """
    emulated_functions.install()
    emulated_alarms.install(minute)

    def alias_updated(place: str, old: Any, new: Any, stack: str, name: str | None = None) -> Any:
        policy = _policy(stack, name or "")
        if policy is None or old["FunctionVersion"] == new["FunctionVersion"]:
            return _update_alias(place, old, new, stack, name)
        if cloudformation._stacks[stack]["StackStatus"].startswith("UPDATE_ROLLBACK"):
            # What AWS does here is not documented: at once, for an alarm that is on would stop it.
            return _update_alias(place, old, new, stack, name)
        _deployed(policy, old, new, minute)
        return place, {"AliasArn": place}

    handlers = provisioners._RESOURCE_HANDLERS
    handlers[ALIAS] = {**handlers[ALIAS], "update": alias_updated}
    handlers["AWS::CodeDeploy::Application"] = {"create": _made, "delete": _forgotten}
    handlers["AWS::CodeDeploy::DeploymentGroup"] = {
        "create": _made_group,
        "update": _changed_group,
        "delete": _forgotten,
    }
    stacks._runs_on_worker_thread = lambda kind: kind == ALIAS or _on_a_thread(kind)
    router.SERVICE_PATTERNS["codedeploy"] = {"target_prefixes": ["CodeDeploy_20141006"]}
    app.SERVICE_HANDLERS["codedeploy"] = _answer
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codedeploy"] = "codedeploy"
    iam_actions._lambda_action = _action
    iam_actions.extract_resource_arn = _resource


def _policy(stack: str, name: str) -> dict[str, str] | None:
    """What the UpdatePolicy of an alias names; each is a resource of the stack."""
    every = cloudformation._stacks[stack]
    alias = json.loads(every["_template_body"])["Resources"].get(name, {})
    policy = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    if policy is None:
        return None
    return {key: every["_resources"][value["Ref"]]["PhysicalResourceId"] for key, value in policy.items()}


def _deployed(policy: Mapping[str, str], old: Mapping[str, str], new: Mapping[str, str], minute: float) -> None:
    """Let CodeDeploy move the alias. ValueError, which fails the update of the stack."""
    properties = _groups[policy["DeploymentGroupName"]]
    deployment = Deployment(
        id=f"d-{next(_numbers):09}",
        function=new["FunctionName"],
        alias=new["Name"],
        current=old["FunctionVersion"],
        target=new["FunctionVersion"],
        hook=policy.get("BeforeAllowTrafficHook"),
    )
    _deployments[deployment.id] = deployment
    _group_of[deployment.id] = f"{policy['ApplicationName']}/{policy['DeploymentGroupName']}"
    client = _clients(properties["ServiceRoleArn"])
    service = CodeDeploy(client("lambda"), client("cloudwatch"), time.time, time.sleep, minute)
    try:
        service.deploy(deployment, Group.of(properties))
    except NotDeployed as problem:
        raise ValueError(str(problem)) from problem
    finally:
        with DEPLOYMENTS.open("a") as log:
            log.write(json.dumps(deployment.record()) + "\n")


def _clients(role: str) -> Any:
    """Make clients with a role's permissions."""
    place = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:CodeDeploy"
    given = execution_credentials({"Role": role, "FunctionArn": place, "FunctionName": "CodeDeploy"})

    def client(service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
            region_name=get_region(),
            **{key.lower(): value for key, value in given.items()},
        )

    return client


def _made(name: str, properties: Any, stack: str) -> Any:
    del properties
    return f"{stack}-{name}", {}


def _made_group(name: str, properties: Any, stack: str) -> Any:
    _groups[f"{stack}-{name}"] = properties
    return f"{stack}-{name}", {}


def _changed_group(place: str, old: Any, new: Any, stack: str) -> Any:
    del old, stack
    _groups[place] = new
    return place, {}


def _forgotten(place: str, properties: Any) -> None:
    del properties
    _groups.pop(place, None)


async def _answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Answer a hook's report, the only call that is known."""
    del method, path, query
    action = headers["x-amz-target"].rpartition(".")[2]
    try:
        status, answer = 200, CALLS[action](_deployments, json.loads(body))
    except (Refused, KeyError) as problem:
        status, answer = 400, {"__type": str(problem), "message": action}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


def _action(method: str, path: str) -> Any:
    """MiniStack's own, and those of one alias, for which it knows ListAliases alone."""
    parts = [part for part in path.split("/") if part]
    if "aliases" in parts[:-1] and method in OF_ALIASES:
        return OF_ALIASES[method]
    if parts[-1] == "provisioned-concurrency" and method == "GET":
        return "GetProvisionedConcurrencyConfig"
    return _lambda_action(method, path)


def _resource(service: str, *request: Any, **given: Any) -> Any:
    """MiniStack's own, and the deployment group of a hook's report."""
    if service != "codedeploy":
        return _resource_arn(service, *request, **given)
    body = next(each for each in request if isinstance(each, bytes))
    group = _group_of.get(json.loads(body).get("deploymentId", ""), "")
    return f"arn:aws:codedeploy:{get_region()}:{get_account_id()}:deploymentgroup:{group}"
