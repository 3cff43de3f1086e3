"""Faults to plant in template.yaml or alarms.yaml, and the check of `make smoke` that has to notice each.

A change that does not find its subject raises: a fault that is planted nowhere would be noticed by nothing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.helpers.sam import resources_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Template = dict[str, Any]
LEADING: Final = "dynamodb:LeadingKeys"


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault. `check`: the one of the smoke run that fails for it; `change`: plants it in the template.

    `parameters`: of the stack in which it shows, sound or broken.
    """

    name: str
    check: str
    change: Callable[[Template], None]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def planted_in(self, template: Mapping[str, Any]) -> Template:
        """A copy of the template with the fault. LookupError if it is as before."""
        # No parts in common, as YAML's anchors leave them: the fault is planted at one place.
        broken: Template = apart(template)
        self.change(broken)
        if broken == template:
            raise LookupError(f"{self.name}: changes nothing")
        return broken


def apart(value: Any) -> Any:
    """A copy of which no two parts are the same object."""
    if isinstance(value, dict):
        return {key: apart(part) for key, part in value.items()}
    return [apart(each) for each in value] if isinstance(value, list) else copy.copy(value)


def properties(template: Template, name: str) -> dict[str, Any]:
    """The properties of a resource."""
    found: dict[str, Any] = resources_with(template, name)[name]["Properties"]
    return found


def statement(template: Template, role: str, sid: str) -> dict[str, Any]:
    """A statement of a role. LookupError unless there is exactly one."""
    found = [each for every in _statements(template, role) for each in map(_inner, every) if each.get("Sid") == sid]
    if len(found) != 1:
        raise LookupError(f"{role} has {len(found)} statements {sid}")
    return found[0]


def _inner(each: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = each["Fn::If"][1] if "Fn::If" in each else each
    return inner


def _statements(template: Template, role: str) -> list[list[dict[str, Any]]]:
    return [policy["PolicyDocument"]["Statement"] for policy in properties(template, role)["Policies"]]


def sid_of(template: Template, role: str, action: str, kind: str) -> str:
    """The statement by which a role may do an action to rows of a kind. LookupError if there is none."""
    for every in _statements(template, role):
        for each in map(_inner, every):
            keys = each.get("Condition", {}).get("ForAllValues:StringLike", {}).get(LEADING, [])
            if action in _listed(each["Action"]) and f"{kind}#*" in _listed(keys):
                return str(each["Sid"])
    raise LookupError(f"{role} may not {action} {kind}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def setting(*place: str | int, to: Any) -> Callable[[Template], None]:
    """Set a part of a resource's properties, which is there. The first of `place` is the resource."""

    def change(template: Template) -> None:
        name, *path, last = place
        part: Any = properties(template, str(name))
        for step in path:
            part = part[step]
        _ = part[last]
        part[last] = to

    return change


def adding(name: str, field: str, value: Any) -> Callable[[Template], None]:
    """Give a resource a property that it does not have."""
    return lambda template: properties(template, name).update({field: value})


def without(*place: str) -> Callable[[Template], None]:
    """Remove a part of a resource's properties, or the resource."""

    def change(template: Template) -> None:
        part: Any = resources_with(template, place[0])
        *path, last = place if len(place) == 1 else (place[0], "Properties", *place[1:])
        for step in path:
            part = part[step]
        del part[last]

    return change


def may_not(role: str, action: str, kind: str) -> Callable[[Template], None]:
    """A role lacks the right to do an action to rows of a kind: the statement names another kind."""

    def change(template: Template) -> None:
        found = statement(template, role, sid_of(template, role, action, kind))
        keys = found["Condition"]["ForAllValues:StringLike"]
        keys[LEADING] = [f"NOT{kind}#*" if each == f"{kind}#*" else each for each in _listed(keys[LEADING])]

    return change


def wide(role: str, action: str, kind: str) -> Callable[[Template], None]:
    """A role may do an action to every row."""

    def change(template: Template) -> None:
        found = statement(template, role, sid_of(template, role, action, kind))
        found["Condition"]["ForAllValues:StringLike"][LEADING] = "*"

    return change


def lacking(role: str, sid: str) -> Callable[[Template], None]:
    """A role lacks a statement."""

    def change(template: Template) -> None:
        lost = statement(template, role, sid)
        for every in _statements(template, role):
            every[:] = [each for each in every if _inner(each) is not lost]

    return change


def may_also(role: str, sid: str, action: str) -> Callable[[Template], None]:
    """A statement of a role allows one more action."""

    def change(template: Template) -> None:
        found = statement(template, role, sid)
        found["Action"] = [*_listed(found["Action"]), action]

    return change


def no_longer(role: str, action: str, kind: str) -> Callable[[Template], None]:
    """The statement by which a role may do an action to rows of a kind lacks that action, and keeps its others."""

    def change(template: Template) -> None:
        found = statement(template, role, sid_of(template, role, action, kind))
        found["Action"] = [each for each in _listed(found["Action"]) if each != action]

    return change


def writes_limit(template: Template) -> None:
    """A role of the front door may name a budget's limit."""
    found = statement(template, "ApiRole", sid_of(template, "ApiRole", "dynamodb:UpdateItem", "BUD"))
    found["Condition"]["ForAllValues:StringNotLike"]["dynamodb:Attributes"].remove("max_budget")


def lost_routes(*events: str) -> Callable[[Template], None]:
    """The admin function lacks routes, whose requests then reach the clients' function."""

    def change(template: Template) -> None:
        for event in events:
            path = properties(template, "Admin")["Events"].pop(event)["Properties"]["Path"]
            del properties(template, "GatewayApi")["DefinitionBody"]["paths"][path]

    return change


def fast_route(template: Template, event: str) -> None:
    """A route of the administrator has no limit of its own."""
    del properties(template, "Admin")["Events"][event]["Properties"]["RouteSettings"]


def open_route(template: Template, path: str) -> None:
    """A route asks for nothing before the virtual key."""
    (method,) = properties(template, "GatewayApi")["DefinitionBody"]["paths"][path].values()
    del method["security"]


def dropping_filter(template: Template) -> None:
    """The stream's filter lets rows through that are begun, and not those that are answered."""
    (pattern,) = properties(template, "UsageLogger")["Events"]["Stream"]["Properties"]["FilterCriteria"]["Filters"]
    pattern["Pattern"] = pattern["Pattern"].replace("answered", "began")


OTHER_QUEUE: Final = {"Fn::GetAtt": ["IngestFailures", "Arn"]}
STREAM: Final = ("Events", "Stream", "Properties")
BROKEN: Final = (
    Broken(
        "time to live is off", "the_table_is_kept", setting("Table", "TimeToLiveSpecification", "Enabled", to=False)
    ),
    Broken("the table may be deleted", "the_table_is_kept", setting("Table", "DeletionProtectionEnabled", to=False)),
    Broken(
        "no restore to a point in time",
        "the_table_is_kept",
        setting("Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled", to=False),
    ),
    Broken(
        "Lambda stops ingest as a loop", "functions_are_as_released", setting("Ingest", "RecursiveLoop", to="Terminate")
    ),
    Broken("the api has the meter's time", "functions_are_as_released", setting("Api", "Timeout", to=60)),
    Broken("ingest has no dead letters", "queues_keep_what_fails", without("IngestQueue", "RedrivePolicy")),
    Broken("answered rows are dropped", "streams_and_queues_reach_their_functions", dropping_filter),
    Broken(
        "what is given up goes to another queue",
        "streams_and_queues_reach_their_functions",
        setting("UsageLogger", *STREAM, "DestinationConfig", "OnFailure", "Destination", to=OTHER_QUEUE),
    ),
    Broken(
        "a crash repeats the whole batch",
        "streams_and_queues_reach_their_functions",
        setting("Ingest", "Events", "Messages", "Properties", "FunctionResponseTypes", to=[]),
    ),
    Broken("the bus's rule is off", "schedules_and_rules_are_on", adding("IngestRule", "State", "DISABLED")),
    Broken(
        "the meter's schedule is off",
        "schedules_and_rules_are_on",
        lambda template: properties(template, "Meter")["Events"]["Tick"]["Properties"].update(State="DISABLED"),
    ),
    Broken(
        "the bucket may be public",
        "buckets_are_private",
        setting("IngestBucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy", to=False),
    ),
    Broken("logs are kept for ever", "logs_end", without("ApiLogs", "RetentionInDays")),
    Broken("an alarm is missing", "alarms_are_as_released", without("UnpricedAlarm")),
    Broken(
        "an alarm watches another metric", "alarms_are_as_released", setting("LagAlarm", "MetricName", to="Invocations")
    ),
    Broken(
        "the alarms watch another stack's functions",
        "alarms_are_as_released",
        setting("Alarms", "Parameters", "FunctionPrefix", to="other"),
    ),
    Broken("an alarm sends nothing", "alarms_are_as_released", adding("CrashesAlarm", "ActionsEnabled", value=False)),
    Broken("an alarm is never on", "alarms_are_set_off", setting("CrashesAlarm", "Threshold", to=1_000_000)),
    Broken(
        "the dashboard is empty", "the_dashboard_is_there", setting("Dashboard", "DashboardBody", to='{"widgets": []}')
    ),
    Broken("an administrator has no limit", "the_front_door_is_limited", partial(fast_route, event="SpendReprice")),
    Broken(
        "requests have no limit",
        "the_front_door_is_limited",
        setting("GatewayApi", "DefaultRouteSettings", "ThrottlingRateLimit", to=10_000),
    ),
    Broken(
        "a route asks for no signature",
        "calls_without_what_the_authorizer_asks_for_are_refused",
        partial(open_route, path="/key/{proxy+}"),
        {"Authorizer": "AWS_IAM", "StreamingUrl": "off"},
    ),
    Broken(
        "every page may call",
        "pages_of_named_origins_alone_may_call",
        lambda template: template["Globals"]["Function"]["Environment"]["Variables"].update(
            VECTORGATE_CORS_ORIGINS="https://app.example.com,https://stranger.invalid"
        ),
    ),
    Broken("the streaming URL asks for IAM", "the_second_url_is_there", setting("StreamUrl", "AuthType", to="AWS_IAM")),
    Broken(
        "the api's function reads every row",
        "roles_have_their_rights_and_no_others",
        wide("ApiRole", "dynamodb:GetItem", "KEY"),
    ),
    Broken(
        "the api's function writes keys",
        "roles_have_their_rights_and_no_others",
        may_also("ApiRole", "ReadKeysAndOperations", "dynamodb:PutItem"),
    ),
    Broken("the api's function raises limits", "roles_have_their_rights_and_no_others", writes_limit),
    Broken(
        "the usage logger reads the provider's secret",
        "roles_have_their_rights_and_no_others",
        lambda template: properties(template, "UsageLoggerRole")["Policies"].append(
            copy.deepcopy(properties(template, "MeterRole")["Policies"][0])
        ),
    ),
    Broken(
        "the audit can be changed",
        "roles_have_their_rights_and_no_others",
        may_also("AdminRole", "RecordChanges", "dynamodb:UpdateItem"),
    ),
    Broken("aliases stay", "roles_have_their_rights_and_no_others", lacking("ReleaseRole", "MoveAliases")),
    Broken(
        "the meter writes all of a row",
        "roles_have_their_rights_and_no_others",
        lambda template: statement(template, "MeterRole", "ListOpenOperations")["Condition"].popitem(),
    ),
    Broken(
        "any source may say what is spent",
        "roles_have_their_rights_and_no_others",
        lambda template: statement(template, "ExporterRole", "PublishRecords").pop("Condition"),
    ),
    Broken(
        "the administrator's route is lost",
        "administrators_routes_lead_to_the_admin_function",
        lost_routes("Team"),
    ),
    Broken("keys cannot be made", "a_key_is_made", may_not("AdminRole", "dynamodb:PutItem", "KEY")),
    Broken("a client reaches /spend/logs", "strangers_are_refused", lost_routes("SpendLogs", "SpendReports")),
    Broken(
        "the provider's secret is closed", "a_store_is_made_and_searched", lacking("ApiRole", "ReadProviderSecrets")
    ),
    Broken("ownership cannot be read", "what_is_foreign_is_absent", may_not("ApiRole", "dynamodb:BatchGetItem", "OWN")),
    Broken("sums cannot be added to", "the_call_is_settled", may_not("UsageLoggerRole", "dynamodb:UpdateItem", "USE")),
    Broken("invoke cannot read keys", "the_invoke_function_answers", may_not("InvokeRole", "dynamodb:GetItem", "KEY")),
    Broken("the meter finds no open rows", "the_meter_ticks", may_not("MeterRole", "dynamodb:Query", "OPEN")),
    Broken(
        "the bucket tells of no objects", "an_object_is_ingested", without("IngestBucket", "NotificationConfiguration")
    ),
    Broken(
        "the rule knows other events",
        "an_event_is_answered",
        setting("IngestRule", "EventPattern", "detail-type", to=["File Attach Requested"]),
    ),
    Broken(
        "nothing can be set aside",
        "an_unknown_sender_is_set_aside",
        lacking("IngestRole", "SendMessagesAgainAndSetThemAside"),
    ),
    Broken("records cannot be published", "exports_are_delivered", lacking("ExporterRole", "PublishRecords")),
    Broken(
        "a key cannot be deleted",
        "a_deleted_store_and_key_open_nothing",
        no_longer("AdminRole", "dynamodb:DeleteItem", "KEY"),
    ),
)
