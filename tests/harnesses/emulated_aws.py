"""Run MiniStack with the condition keys of IAM that it lacks, by which our roles are bounded.

`dynamodb:LeadingKeys` and `dynamodb:Attributes` of every request, a transaction's for each of its parts;
`events:source` and `events:detail-type` of PutEvents; and, in IAM's policy simulator, the keys that a caller gives it.
Besides, an HTTP API whose route asks for a signature refuses every other `Authorization`.
Run as a program, outside the repository's packages: MiniStack's functions import from their layers alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import zipfile
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import apigateway, iam

if TYPE_CHECKING:
    from collections.abc import Mapping

# Partition keys of the table and of its indexes.
PARTITIONS: Final = ("PK", "by_day_pk", "by_tenant_pk", "open_pk")
WORDS_OF_EXPRESSIONS: Final = frozenset(
    [
        "SET",
        "ADD",
        "REMOVE",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BETWEEN",
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "size",
    ]
)
_PARTS: Final[ContextVar[list[dict[str, Any]]]] = ContextVar("parts")
_GIVEN: Final[ContextVar[dict[str, Any]]] = ContextVar("given")
# What the functions asked of AWS, a line each.
ASKED: Final = Path(os.environ["HOME"]) / "asked.jsonl"
UNPACKED: Final = Path(os.environ["HOME"]) / "unpacked"
_UNPACKING: Final = threading.Lock()
_enforce: Final = iam_evaluator.enforce
_service_context: Final = iam_actions.dynamodb_service_context
_transaction_checks: Final = iam_actions.dynamodb_transaction_checks
_tag_context: Final = iam_actions.request_tag_context
_simulated: Final = iam._extract_simulate_params
_enforce_execute_api: Final = app._enforce_execute_api


class SharedArchive(zipfile.ZipFile):
    """An archive of a function or a layer. All environments have links to the one place where it is unpacked."""

    def namelist(self) -> list[str]:
        """The names in its root, which is what an environment has of its own."""
        return sorted({name.partition("/")[0] for name in super().namelist()})

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Unpack it where it was not, and link its root's names into the folder."""
        shared = UNPACKED / hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        with _UNPACKING:
            if not shared.exists():
                super().extractall(shared, members or super().namelist(), pwd)
        for name in self.namelist():
            (Path(path) / name).symlink_to(shared / name)


def partitions(call: Mapping[str, Any]) -> list[str]:
    """The partition keys that a call, or a part of a transaction, names."""
    keys = [call.get("Item"), call.get("Key")]
    for requests in call.get("RequestItems", {}).values():
        keys += requests.get("Keys", ()) if isinstance(requests, dict) else _written(requests)
    found = [key["PK"]["S"] for key in keys if key]
    queried = re.match(r"\s*(#?\w+)\s*=\s*(:\w+)", call.get("KeyConditionExpression", ""))
    if queried and call.get("ExpressionAttributeNames", {}).get(queried[1], queried[1]) in PARTITIONS:
        found.append(call["ExpressionAttributeValues"][queried[2]]["S"])
    return found


def _written(requests: list[dict[str, Any]]) -> list[Any]:
    return [each.get("PutRequest", {}).get("Item") or each["DeleteRequest"]["Key"] for each in requests]


def attributes(call: Mapping[str, Any]) -> list[str]:
    """The attributes that a call's key and expressions name, and those of the item that it puts."""
    names = call.get("ExpressionAttributeNames", {})
    kinds = ("UpdateExpression", "ConditionExpression", "ProjectionExpression", "FilterExpression")
    words = re.findall(r"(?<![:\w#])#?[A-Za-z_]\w*", " ".join(call.get(kind, "") for kind in kinds))
    named = {names.get(word, word) for word in words if word not in WORDS_OF_EXPRESSIONS}
    return sorted(named | set(call.get("Item", ())) | set(call.get("Key", ())))


def keys_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """The condition keys of a call. LeadingKeys is absent where a call names no partition, as for Scan."""
    named = {"dynamodb:LeadingKeys": partitions(call), "dynamodb:Attributes": attributes(call)}
    return {key: values for key, values in named.items() if values}


def service_context(body: bytes) -> dict[str, Any]:
    """MiniStack's own, and ours. A body that is no document is refused later."""
    call = json.loads(body or b"{}")
    return {**_service_context(body), **(keys_of(call) if isinstance(call, dict) else {})}


def transaction_checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
    """MiniStack's own; what each part names is kept for `enforce`, which is called for one after the other."""
    checks: list[tuple[str, str]] = _transaction_checks(action, body, region, account)
    if checks:
        parts = [part for each in json.loads(body)["TransactItems"] for part in each.values()]
        _PARTS.set([keys_of(part) for part in parts])
    return checks


def enforce(access_key: str, action: str, service: str, region: str, **given: Any) -> Any:
    """Enforce the policies, on a part of a transaction by what that part names, and write down what was asked."""
    context = given.get("service_context") or {}
    if "dynamodb:EnclosingOperation" in context:
        given["service_context"] = context = {**context, **_PARTS.get().pop(0)}
    denied = _enforce(access_key, action, service, region, **given)
    _write_down(access_key, action, context, allowed=denied is None)
    return denied


def _write_down(access_key: str, action: str, context: Mapping[str, Any], *, allowed: bool) -> None:
    """A line for each kind of row that a role's call names, or one without a kind."""
    arn = getattr(iam_evaluator.resolve_principal(access_key or "", get_account_id()), "arn", "")
    if ":assumed-role/" not in arn:
        return
    kinds = {key.partition("#")[0] for key in context.get("dynamodb:LeadingKeys", ())} or {""}
    asked = {"role": arn.split("/")[1], "action": action, "allowed": allowed}
    with ASKED.open("a") as log:
        log.writelines(json.dumps({**asked, "kind": kind}) + "\n" for kind in sorted(kinds))


def tag_context(service: str, action: str, body: bytes, params: Any) -> Any:
    """MiniStack's own, and what the entries of PutEvents say."""
    context = _tag_context(service, action, body, params)
    if action != "events:PutEvents":
        return context
    entries = json.loads(body)["Entries"]
    kinds = {each.get("DetailType") for each in entries}
    detail_type = kinds.pop() if len(kinds) == 1 else "several"
    return {**context, "events:source": [each.get("Source") for each in entries], "events:detail-type": detail_type}


def enforce_execute_api(*request: Any, **given: Any) -> Any:
    """MiniStack's own, and the refusal of what is no signature. `request`: API, stage, method, path, headers, query."""
    *route, headers, _ = request
    is_signed = headers.get("authorization", "").startswith("AWS4-HMAC-SHA256")
    if app._execute_api_authorization_type(*route) == "AWS_IAM" and not is_signed:
        return apigateway._jwt_forbidden()
    return _enforce_execute_api(*request, **given)


def simulated(params: Any) -> Any:
    """MiniStack's own, with the context that the caller gives."""
    given: dict[str, Any] = {}
    entry = 1
    while name := iam._p(params, f"ContextEntries.member.{entry}.ContextKeyName"):
        place = f"ContextEntries.member.{entry}.ContextKeyValues.member"
        values: list[str] = []
        while value := iam._p(params, f"{place}.{len(values) + 1}"):
            values.append(value)
        several = iam._p(params, f"ContextEntries.member.{entry}.ContextKeyType") == "stringList"
        given[name.lower()] = values if several else values[0]
        entry += 1
    actions, _ = _simulated(params)
    arns: list[str] = []
    while arn := iam._p(params, f"ResourceArns.member.{len(arns) + 1}"):
        arns.append(arn)
    _GIVEN.set(given)
    return actions, arns or ["*"]


def results(actions: list[str], arns: list[str], principal: str, account: str, policies: Any) -> str:
    """What the simulator answers, of each action on each resource."""
    members = ""
    for action, arn in [(action, arn) for action in actions for arn in arns]:
        context = iam_evaluator.EvalContext(
            principal, "User", account, action, arn, iam.get_region(), service_context=_GIVEN.get()
        )
        allowed = policies and iam_evaluator.evaluate(context, policies).decision == "Allow"
        members += (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{arn}</EvalResourceName>"
            f"<EvalDecision>{'allowed' if allowed else 'implicitDeny'}</EvalDecision></member>"
        )
    return members


if __name__ == "__main__":
    iam_actions.dynamodb_service_context = service_context
    iam_actions.dynamodb_transaction_checks = transaction_checks
    iam_actions.request_tag_context = tag_context
    iam_evaluator.enforce = enforce
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedArchive})
    iam._extract_simulate_params = simulated
    iam._build_simulate_results_real = results
    app._enforce_execute_api = enforce_execute_api
    if "RELEASE_MINUTE" in os.environ:
        sys.path.append(str(Path(__file__).parents[2]))  # of this process, and of no function's
        from tests.harnesses import emulated_releases

        emulated_releases.install(float(os.environ["RELEASE_MINUTE"]))
    app.main()
