"""What the template makes for exports: for each chosen destination, and for no other."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.helpers.alarms import nested_on_condition
from tests.helpers.template import (
    FUNCTIONS,
    NO_VALUE,
    RESOURCES,
    TEMPLATE,
    called,
    holds,
    listed,
    of_type,
    resolved,
    secrets_of,
    statements,
    variables,
)
from vectorgate.exports import aws, http, lines, names, settings
from vectorgate.settings import read

ARN: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
OFF: Final = {"ExportEvents": "off"}
CHOICES: Final = {
    "eventbridge": ("Events", {"ExportEvents": "on"}),
    "webhook": ("Webhook", {"ExportWebhookSecretArn": f"{ARN}webhook"}),
    "otel": ("Otel", {"ExportOtelSecretArn": f"{ARN}otel"}),
    "slack": ("Slack", {"ExportSlackSecretArn": f"{ARN}slack"}),
    "s3": ("S3", {"ExportS3": "on"}),
}


def made(given: dict[str, str]) -> set[str]:
    """The resources of exports that a stack has with these parameters."""
    conditional = {name: each["Condition"] for name, each in RESOURCES.items() if "Condition" in each}
    return {
        name
        for name, condition in conditional.items()
        if condition.startswith("Exports") and holds(TEMPLATE["Conditions"][condition], given)
    } | {name for name in nested_on_condition(given) if name.startswith("Export")}


def allowed(given: dict[str, str]) -> list[dict[str, Any]]:
    """What the exporter may do with these parameters."""
    (policy,) = RESOURCES["ExporterRole"]["Properties"]["Policies"]
    return list(resolved(policy["PolicyDocument"]["Statement"], given))


def test_nothing_is_made_where_nothing_is_chosen_and_events_are_by_default() -> None:
    assert made(OFF) == set()
    assert made({}) == made(OFF | {"ExportEvents": "on"})
    assert settings.read(variables("Exporter", OFF)).queues == {}
    assert list(settings.read(variables("Exporter", {})).queues) == ["eventbridge"]


def test_each_destination_has_its_own_queue_dead_letters_and_rights_and_no_others() -> None:
    assert set(CHOICES) == set(names.NAMES)
    for name, (part, chosen) in CHOICES.items():
        given = OFF | chosen
        own = {each for each in made(given) if not each.startswith("Exporter") and not each.endswith("Alarm")}
        bucket = {"ExportBucket", "ExportBucketPolicy"} if name == "s3" else set()
        assert own == {f"Export{part}{kind}" for kind in ("Queue", "Failures", "Mapping")} | bucket
        read = settings.read(variables("Exporter", given))
        assert dict(read.queues) == {name: settings.QueueUrls(f"Export{part}Queue", f"Export{part}Failures")}
        secrets = [value for value in chosen.values() if value.startswith(ARN)]
        assert list(read.secrets.values()) == secrets_of("ExporterRole", given) == secrets
        assert (read.bus, read.bucket) == (
            "IngestBus" if name == "eventbridge" else None,
            "ExportBucket" if name == "s3" else None,
        )
        named = json.dumps(allowed(given))
        for other, _ in CHOICES.values():
            assert (f"Export{other}Queue" in named) is (other == part)
        for sid, choice in (("PublishRecords", "eventbridge"), ("KeepRecords", "s3"), ("MarkAlerts", "slack")):
            assert (sid in named) is (choice == name), sid


def test_queues_in_order_are_fifo_and_all_give_up_after_days() -> None:
    function = RESOURCES["Exporter"]["Properties"]
    for name, (part, _) in CHOICES.items():
        queue, dead, mapping = (
            RESOURCES[f"Export{part}{kind}"]["Properties"] for kind in ("Queue", "Failures", "Mapping")
        )
        fifo = name in names.IN_ORDER
        assert queue.get("FifoQueue", False) is dead.get("FifoQueue", False) is fifo
        called_so = [called("Fn::Sub", each["QueueName"]["Fn::Sub"], {}) for each in (queue, dead)]
        assert [aws.FIFO in each for each in called_so] == [fifo, fifo]
        assert all(len(each["QueueName"]["Fn::Sub"][0].replace("${Prefix}", "p" * 51)) <= 80 for each in (queue, dead))
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == 14 * 86_400
        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [f"Export{part}Failures", "Arn"]}
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "ExportConcurrency"}}
        assert mapping["BatchSize"] <= (1_000 if name == "s3" else 10)  # of a FIFO queue, and of what has no window
    assert function["Timeout"] > 10 * http.SECONDS


def told(given: dict[str, str]) -> set[str]:
    """The functions that name the rows of new stores."""
    return {name for name in FUNCTIONS if read(variables(name, given) | {"VECTORGATE_TABLE": "-"}).exported_in_order}


def test_the_functions_that_settle_know_of_exports_in_order_before_the_exporter_reads_the_stream() -> None:
    settling = {"UsageLogger", "Meter"}
    assert told({}) == set()
    for name, (_, chosen) in CHOICES.items():
        in_order = name in names.IN_ORDER
        assert told(OFF | chosen) == (settling if in_order else set())
        assert ("ReadOperations" in json.dumps(allowed(OFF | chosen))) is in_order
    assert set(RESOURCES["ExporterStreamMapping"]["DependsOn"]) == settling


def test_the_exporter_reads_the_stream_for_as_long_as_it_has_a_record() -> None:
    mapping = RESOURCES["ExporterStreamMapping"]["Properties"]
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (-1, -1)
    assert (mapping["MaximumBatchingWindowInSeconds"], mapping["BatchSize"]) == ({"Ref": "ExportSeconds"}, 100)
    for given, prefixes in (({}, ["OP#"]), (CHOICES["slack"][1], ["USE#store#", "OP#"])):
        filters = resolved(mapping["FilterCriteria"]["Filters"], given)
        keys = [json.loads(each["Pattern"])["dynamodb"]["Keys"]["PK"]["S"] for each in filters]
        assert keys == [[{"prefix": prefix}] for prefix in prefixes]
    assert json.loads(filters[-1]["Pattern"])["dynamodb"]["NewImage"] == {"state": {"S": ["settled"]}}
    assert all(json.loads(each["Pattern"])["eventName"] == ["INSERT", "MODIFY"] for each in filters)  # no removals
    readers = [each for each in of_type("AWS::Lambda::EventSourceMapping").values() if "StartingPosition" in each]
    assert len(readers) == 1  # and the usage logger's: the stream takes no third


def test_the_role_publishes_our_events_alone_and_writes_below_one_prefix() -> None:
    own = {each["Sid"]: each for each in statements("ExporterRole")}
    assert own["PublishRecords"]["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": aws.EVENT_SOURCE},  # a key with several values
        "Null": {"events:source": "false"},
        "StringEquals": {"events:detail-type": aws.DETAIL_TYPE},
    }
    assert own["KeepRecords"]["Resource"]["Fn::Sub"] == f"${{ExportBucket.Arn}}/{lines.PREFIX}/*"
    writes = [each for each in own.values() if "dynamodb:PutItem" in listed(each["Action"])]
    assert [each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for each in writes] == ["ALERT#*"]
    assert NO_VALUE not in own.values()
