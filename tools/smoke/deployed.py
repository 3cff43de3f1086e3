"""What AWS says of the stack's resources, compared with what this release deploys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.smoke.calls import Made

# The harness of an emulator sets it, for a provider without TLS.
EMULATED_SETTINGS: Final = {"VECTORGATE_PLAIN_HTTP"}
MAPPING_FIELDS: Final = (
    *("BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "MaximumRetryAttempts"),
    *("BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds", "StartingPosition"),
)


def the_table_is_kept(target: Target, made: Made) -> str:
    """Its keys, indexes and stream; deletion protection, restore to a point in time, and the attribute of its TTL."""
    del made
    client, name = target.aws("dynamodb"), target.outputs["TableName"]
    released, table = (
        target.release.of_type("AWS::DynamoDB::Table")["Table"],
        client.describe_table(TableName=name)["Table"],
    )
    equal("its keys", table["KeySchema"], released["KeySchema"])
    indexes = {each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in table["GlobalSecondaryIndexes"]}
    wanted = {each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in released["GlobalSecondaryIndexes"]}
    equal("its indexes", indexes, wanted)
    view = table.get("StreamSpecification", {}).get("StreamViewType")
    equal("its stream", view, released["StreamSpecification"]["StreamViewType"])
    prove(table.get("DeletionProtectionEnabled", False), "the table may be deleted")
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    prove(status == "ENABLED", "the table cannot be restored to a point in time")
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    equal("time to live", ttl.get("AttributeName"), released["TimeToLiveSpecification"]["AttributeName"])
    prove(ttl["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}, "time to live is off")
    return f"{name}, {len(indexes)} indexes"


def functions_are_as_released(target: Target, made: Made) -> str:
    """Role, time limit, memory, settings, and for `ingest` that Lambda does not stop it as a loop."""
    del made
    functions, shared = target.release.of_type("AWS::Serverless::Function"), target.release.shared
    for name, released in functions.items():
        found = target.aws("lambda").get_function_configuration(FunctionName=target.id(name))
        equal(f"{name}'s role", found["Role"].rpartition("/")[2], target.filled(released["Role"]).rpartition("/")[2])
        for field in ("Timeout", "MemorySize"):
            equal(f"{name}'s {field}", found[field], int({**shared, **released}[field]))
        own = released.get("Environment", {}).get("Variables", {})
        wanted = {key: target.filled(str(text)) for key, text in {**shared["Environment"]["Variables"], **own}.items()}
        settings = found["Environment"]["Variables"]
        emulated = EMULATED_SETTINGS if target.endpoint else set()
        equal(f"{name}'s settings", settings.keys() - emulated, wanted.keys())
        # A queue's URL has the emulator's own port, and a version's number is CloudFormation's.
        differing = [
            key
            for key, text in wanted.items()
            if settings[key] != text and "://" not in settings[key] and "${" not in text
        ]
        prove(not differing, f"{name} has other values of {differing}")
        if "RecursiveLoop" in released:
            loop = target.aws("lambda").get_function_recursion_config(FunctionName=target.id(name))
            equal(f"{name}'s recursive loop", loop["RecursiveLoop"], released["RecursiveLoop"])
    return f"{len(functions)} functions"


def queues_keep_what_fails(target: Target, made: Made) -> str:
    """Each queue's dead letters, and how long it keeps messages."""
    del made
    queues = target.release.of_type("AWS::SQS::Queue")
    for name, released in queues.items():
        found = target.aws("sqs").get_queue_attributes(QueueUrl=target.id(name), AttributeNames=["All"])["Attributes"]
        for field in ("MessageRetentionPeriod", "VisibilityTimeout"):
            if field in released:
                equal(f"{name}'s {field}", int(found[field]), released[field])
        wanted = released.get("RedrivePolicy")
        policy = json.loads(found.get("RedrivePolicy", "null"))
        if wanted is None:
            prove(policy is None, f"{name} has dead letters")
        else:
            prove(policy is not None, f"{name} has no dead letters")
            equal(f"{name}'s dead letters", policy["deadLetterTargetArn"], target.filled(wanted["deadLetterTargetArn"]))
            equal(f"{name}'s tries", int(policy["maxReceiveCount"]), wanted["maxReceiveCount"])
    return f"{len(queues)} queues"


def streams_and_queues_reach_their_functions(target: Target, made: Made) -> str:
    """Each event source mapping is enabled, with the release's filter, retries and dead letters."""
    del made
    mappings = list(_mappings(target))
    for name, function, wanted in mappings:
        source = target.filled(wanted["EventSourceArn"])
        every = target.aws("lambda").list_event_source_mappings(FunctionName=target.id(function))["EventSourceMappings"]
        found = [each for each in every if each["EventSourceArn"] == source]
        prove(len(found) == 1, f"{name}: {function} reads {source.rpartition(':')[2]} {len(found)} times")
        _compare_mapping(target, name, found[0], wanted)
    return f"{len(mappings)} event source mappings"


def _compare_mapping(target: Target, name: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    prove(found["State"] in {"Enabled", "Enabling", "Updating"}, f"{name} is {found['State']}")
    for field in MAPPING_FIELDS:
        if field in wanted:
            equal(f"{name}'s {field}", str(found.get(field)), str(wanted[field]))
    equal(f"{name}'s filters", _filters(found), _filters(wanted))
    failures = wanted.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if failures is not None:
        given = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        equal(f"{name}'s dead letters", given, target.filled(failures))


def _filters(mapping: Mapping[str, Any]) -> list[Any]:
    return [json.loads(each["Pattern"]) for each in mapping.get("FilterCriteria", {}).get("Filters", [])]


def _mappings(target: Target) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The release's mappings, those of the functions' events included: name, function, properties."""
    for name, each in target.release.of_type("AWS::Lambda::EventSourceMapping").items():
        yield name, each["FunctionName"].strip("${}"), each
    for function, each in target.release.of_type("AWS::Serverless::Function").items():
        for name, event in each.get("Events", {}).items():
            if event["Type"] in {"SQS", "DynamoDB"}:
                given = event["Properties"]
                yield f"{function}{name}", function, {**given, "EventSourceArn": given.get("Queue") or given["Stream"]}


def schedules_and_rules_are_on(target: Target, made: Made) -> str:
    """The meter's schedule and the rule of the bus are enabled, and have their targets."""
    del made
    rules = [(name, each) for name, (kind, each) in target.resources.items() if kind == "AWS::Events::Rule"]
    for name, physical in rules:
        bus, _, rule = physical.rpartition("|")
        place = {"EventBusName": target.id("IngestBus")} if bus or name == "IngestRule" else {}
        found = target.aws("events").describe_rule(Name=rule, **place)
        prove(found["State"] == "ENABLED", f"{name} is {found['State']}")
        targets = target.aws("events").list_targets_by_rule(Rule=rule, **place)["Targets"]
        prove(bool(targets), f"{name} has no target")
        wanted = target.release.of_type("AWS::Events::Rule").get(name, {}).get("EventPattern")
        if wanted is not None:
            equal(f"{name}'s pattern", json.loads(found["EventPattern"]), wanted)
    schedules = [(name, each) for name, (kind, each) in target.resources.items() if kind == "AWS::Scheduler::Schedule"]
    for name, physical in schedules:
        state = target.aws("scheduler").get_schedule(Name=physical)["State"]
        prove(state == "ENABLED", f"{name} is {state}")
    ticks = [found for found, _ in (*rules, *schedules) if found.startswith("Meter")]
    prove(len(ticks) == 1, f"the meter has {len(ticks)} schedules")
    return ", ".join(sorted(name for name, _ in (*rules, *schedules)))


def buckets_are_private(target: Target, made: Made) -> str:
    """Versions where the release keeps them, no public access, and the notifications of objects."""
    del made
    buckets, client = target.release.of_type("AWS::S3::Bucket"), target.aws("s3")
    for name, released in buckets.items():
        bucket = target.id(name)
        wanted = released.get("VersioningConfiguration", {}).get("Status")
        equal(f"{name}'s versions", client.get_bucket_versioning(Bucket=bucket).get("Status"), wanted)
        access = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        equal(f"{name}'s public access", access, released["PublicAccessBlockConfiguration"])
        found = client.get_bucket_notification_configuration(Bucket=bucket).get("QueueConfigurations", [])
        told = {(event, each["QueueArn"]) for each in found for event in each["Events"]}
        asked = released.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        equal(f"{name}'s notifications", told, {(each["Event"], target.filled(each["Queue"])) for each in asked})
    return f"{len(buckets)} buckets"


def logs_end(target: Target, made: Made) -> str:
    """Each log group is kept for as long as the stack says."""
    del made
    groups = target.release.of_type("AWS::Logs::LogGroup")
    pages = target.aws("logs").get_paginator("describe_log_groups").paginate()
    kept = {each["logGroupName"]: each.get("retentionInDays") for page in pages for each in page["logGroups"]}
    for name, released in groups.items():
        equal(f"{name}'s days", kept.get(target.id(name)), int(released["RetentionInDays"]))
    return f"{len(groups)} log groups"


def equal(what: str, found: Any, wanted: Any) -> None:  # noqa: ANN401 - whatever is compared
    """Go on if both are the same; lists of named things in any order. NotProven."""
    if isinstance(found, list) and isinstance(wanted, list):
        found, wanted = (sorted(each, key=lambda part: json.dumps(part, sort_keys=True)) for each in (found, wanted))
    prove(found == wanted, f"{what}: {str(found)[:150]}, not {str(wanted)[:150]}")
