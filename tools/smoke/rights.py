"""What each role may do, and what it may not, by IAM's own simulator.

Asked is every role for every action on items with every kind of row, for the queries of each index, for secrets,
queues, buckets, the bus, functions and logs, and for whatever else a statement of any role names: what the release's
policies allow has to be allowed, and all else denied. Nothing is sent to the services themselves: services alone may
take these roles on.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tools.smoke.release import listed
from tools.smoke.target import NotProven, Target, prove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tools.smoke.calls import Made

ITEM_ACTIONS: Final = tuple(
    f"dynamodb:{name}"
    for name in (
        *("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Query", "Scan"),
        *("BatchWriteItem", "DeleteTable", "UpdateTable"),
    )
)
KEYS: Final = "dynamodb:LeadingKeys"
ATTRIBUTES: Final = "dynamodb:Attributes"
SOURCE: Final = "events:source"
DETAIL_TYPE: Final = "events:detail-type"
SIMULATIONS_AT_ONCE: Final = 4  # IAM throttles more
SHOWN: Final = 5  # differences
# Of each type of resource: what is asked about it, and what of it is named.
ASKED: Final = {
    "AWS::SecretsManager::Secret": ("secretsmanager", ("GetSecretValue", "PutSecretValue", "DeleteSecret"), "{}"),
    "AWS::SQS::Queue": ("sqs", ("SendMessage", "ReceiveMessage", "DeleteMessage", "PurgeQueue"), "{}"),
    "AWS::Lambda::Function": ("lambda", ("InvokeFunction", "UpdateFunctionCode", "GetFunction"), "{}"),
    "AWS::Logs::LogGroup": ("logs", ("CreateLogStream", "PutLogEvents", "DeleteLogGroup"), "{}:log-stream:smoke"),
    "AWS::S3::Bucket": ("s3", ("GetObject", "GetObjectVersion", "PutObject", "DeleteObject"), "{}/usage/smoke"),
}


# Sources and types of events: a record's, a result's, and what no function of ours says.
EVENTS: Final = (
    ("vectorgate", "Usage Records"),
    ("vectorgate", "VectorStore Created"),
    ("smoke.stranger", "Usage Records"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Which of the actions a role may do to which of the ARNs, when a call has these condition keys."""

    role: str
    actions: tuple[str, ...]
    arns: tuple[str, ...]
    context: Mapping[str, Any]


def roles_have_their_rights_and_no_others(target: Target, made: Made) -> str:
    """Rows by their kind, also of calls that name several, attributes, secrets, queues, events and objects."""
    del made
    policies = {role: _statements(target, each) for role, each in target.release.of_type("AWS::IAM::Role").items()}
    questions = [each for role in policies for each in _questions(target, role, policies)]
    with ThreadPoolExecutor(SIMULATIONS_AT_ONCE) as pool:
        answers = list(pool.map(partial(_simulated, target), questions))
    wrong, rights = [], 0
    for question, allowed in zip(questions, answers, strict=True):
        expected = _expected(policies[question.role], question)
        rights += len(question.actions) * len(question.arns)
        wrong += [_said(question, each, may=each in allowed) for each in sorted(allowed ^ expected)]
    if wrong:
        raise NotProven(f"{len(wrong)} rights differ: {'; '.join(wrong[:SHOWN])}")
    return f"{rights} rights of {len(policies)} roles, {len(questions)} simulations"


def _said(question: Question, asked: tuple[str, str], *, may: bool) -> str:
    action, arn = asked
    return f"{question.role} {'may' if may else 'may not'} {action} {arn.rpartition(':')[2]} {dict(question.context)}"


def _statements(target: Target, role: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The role's statements, with the ARNs of the stack's own resources."""
    every = [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    shared: dict[str, Any] = {"Condition": {}}
    return [shared | _filled(target, {**each, "Resource": listed(each["Resource"])}) for each in every]


def _filled(target: Target, part: Any) -> Any:  # noqa: ANN401 - a part of a statement
    if isinstance(part, dict):
        return {key: _filled(target, each) for key, each in part.items()}
    return [_filled(target, each) for each in part] if isinstance(part, list) else target.filled(part)


def _questions(target: Target, role: str, policies: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Question]:
    statements = [each for every in policies.values() for each in every]
    table = target.arn("Table")
    rows = _kinds(statements, table)
    for kind in rows:
        yield Question(role, ITEM_ACTIONS, (table,), {KEYS: [kind]})
    (released,) = target.release.of_type("AWS::DynamoDB::Table").values()
    indexes = tuple(f"{table}/index/{each['IndexName']}" for each in released["GlobalSecondaryIndexes"])
    for kind in sorted({rows[0], *(kind for index in indexes for kind in _kinds(statements, index))}):
        yield Question(role, ("dynamodb:Query", "dynamodb:Scan"), indexes, {KEYS: [kind]})
    yield from _transactions(role, policies[role], table, rows)
    for name in sorted({name for each in policies[role] for name in _patterns(each, ATTRIBUTES, "StringNotLike")}):
        yield Question(role, ("dynamodb:UpdateItem",), (table,), {KEYS: ["BUD#smoke"], ATTRIBUTES: ["spent", name]})
    for each in policies[role]:
        if own := _patterns(each, ATTRIBUTES, "StringEquals"):
            for names in (own, [*own, "smoke"]):
                keys = {KEYS: [key.replace("*", "smoke") for key in _patterns(each, KEYS, "StringLike")]}
                yield Question(role, ("dynamodb:UpdateItem",), (table,), {**keys, ATTRIBUTES: names})
    for kind, (service, actions, form) in ASKED.items():
        arns = tuple(form.format(arn.removesuffix(":*")) for arn in target.arns(kind))
        yield Question(role, tuple(f"{service}:{action}" for action in actions), arns, {})
    buses = target.arns("AWS::Events::EventBus")
    for source, detail_type in EVENTS:
        yield Question(role, ("events:PutEvents",), buses, {SOURCE: [source], DETAIL_TYPE: detail_type})
    yield from _others(role, statements)


def _others(role: str, statements: Sequence[Mapping[str, Any]]) -> Iterator[Question]:
    """Each service's actions on all that the statements name, but those that are about rows and events."""
    named: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[set[str], set[str]]] = {}
    for each in statements:
        condition = each.get("Condition", {})
        if not any(operator.startswith("ForAllValues:") for operator in condition):
            context = tuple(condition.get("StringEquals", {}).items())
            for action in listed(each["Action"]):
                actions, arns = named.setdefault((action.partition(":")[0], context), (set(), set()))
                actions.add(action)
                arns.update(arn if arn == "*" else arn.replace("*", "smoke") for arn in listed(each["Resource"]))
    for (_, context), (actions, arns) in sorted(named.items()):
        there = sorted(arn for arn in arns if "${" not in arn)  # an emulator lacks some resources
        yield Question(role, tuple(sorted(actions)), tuple(there), dict(context))


def _kinds(statements: Sequence[Mapping[str, Any]], arn: str) -> list[str]:
    """A partition key of each kind that the statements about a table, or an index, name."""
    about = [each for each in statements if arn in each["Resource"]]
    return sorted({key.replace("*", "smoke") for each in about for key in _patterns(each, KEYS, "StringLike")})


def _transactions(
    role: str, statements: Sequence[Mapping[str, Any]], table: str, kinds: Sequence[str]
) -> Iterator[Question]:
    """A call that names a row that is allowed, and one that is not."""
    for action in ("dynamodb:BatchGetItem", "dynamodb:PutItem"):
        own = [
            pattern.replace("*", "smoke")
            for each in statements
            if action in listed(each["Action"])
            for pattern in _patterns(each, KEYS, "StringLike")
        ]
        foreign = [kind for kind in kinds if kind not in own]
        if own and foreign:
            yield Question(role, (action,), (table,), {KEYS: [own[0], foreign[0]]})


def _patterns(statement: Mapping[str, Any], key: str, operator: str) -> list[str]:
    return listed(statement.get("Condition", {}).get(f"ForAllValues:{operator}", {}).get(key, []))


def _simulated(target: Target, question: Question) -> set[tuple[str, str]]:
    if not question.arns:
        return set()
    pages = (
        target.aws("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=target.arn(question.role),
            ActionNames=list(question.actions),
            ResourceArns=list(question.arns),
            ContextEntries=[
                {
                    "ContextKeyName": name,
                    "ContextKeyValues": listed(value),
                    "ContextKeyType": "stringList" if isinstance(value, list) else "string",
                }
                for name, value in question.context.items()
            ],
        )
    )
    return {
        (each["EvalActionName"], each["EvalResourceName"])
        for page in pages
        for each in page["EvaluationResults"]
        if each["EvalDecision"] == "allowed"
    }


def _expected(statements: Sequence[Mapping[str, Any]], question: Question) -> set[tuple[str, str]]:
    return {
        (action, arn)
        for action in question.actions
        for arn in question.arns
        if any(_allows(each, action, arn, question.context) for each in statements)
    }


def _allows(statement: Mapping[str, Any], action: str, arn: str, context: Mapping[str, Any]) -> bool:
    return (
        action in listed(statement["Action"])
        and any(fnmatchcase(arn, pattern) for pattern in statement["Resource"])
        and all(
            _met(operator, context.get(key), listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _met(operator: str, given: Any, wanted: Sequence[str]) -> bool:  # noqa: ANN401 - one value or several
    """IAM's operators, as far as the release uses them."""
    values = [] if given is None else listed(given)
    match operator:
        case "Null":
            return (given is None) is (wanted == ["true"])
        case "StringEquals":
            return given is not None and all(value in wanted for value in values)
        case "ForAllValues:StringEquals":
            return all(value in wanted for value in values)
        case "ForAllValues:StringLike":
            return all(any(fnmatchcase(value, pattern) for pattern in wanted) for value in values)
        case "ForAllValues:StringNotLike":
            return not any(fnmatchcase(value, pattern) for value in values for pattern in wanted)
        case _:
            prove(False, f"the smoke run does not know IAM's operator {operator}")
            return False
