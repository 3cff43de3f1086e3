"""Ingestion in `template.yaml`: the queues, the bucket and the rule."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from botocore.session import get_session

from tests.helpers.template import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    TEMPLATE,
)
from vectorgate.api.operations import MIB, UPLOAD_BODY
from vectorgate.gateway.pipeline import DEADLINE_SECONDS
from vectorgate.ingest.ingestor import START_WITHIN_SECONDS, UPLOAD_SECONDS
from vectorgate.ingest.model import DetailType
from vectorgate.ingest.sqs_handler import MAX_AGE_S
from vectorgate.metering.model import DAY_S


def test_an_invocation_of_ingest_ends_before_its_messages_are_visible_again() -> None:
    function, queue = FUNCTIONS["Ingest"], RESOURCES["IngestQueue"]["Properties"]
    messages = function["Events"]["Messages"]["Properties"]
    assert START_WITHIN_SECONDS + UPLOAD_SECONDS + 2 * DEADLINE_SECONDS < function["Timeout"] <= 900
    waits = messages["MaximumBatchingWindowInSeconds"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + waits
    assert function["EphemeralStorage"]["Size"] * MIB >= 2 * UPLOAD_BODY
    assert messages["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert messages["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]}


def test_ingest_leaves_a_new_accounts_environments_to_the_api_by_default() -> None:
    scaling = FUNCTIONS["Ingest"]["Events"]["Messages"]["Properties"]["ScalingConfig"]
    limits = get_session().get_service_model("lambda").shape_for("MaximumConcurrency").metadata
    parameter = TEMPLATE["Parameters"]["IngestConcurrency"]
    assert scaling == {"MaximumConcurrency": {"Ref": "IngestConcurrency"}}
    assert parameter["Default"] == parameter["MinValue"] == limits["min"]
    assert parameter["MaxValue"] == limits["max"]


def test_no_message_of_ingest_is_lost_before_it_is_given_up() -> None:
    failures = {"Fn::GetAtt": ["IngestFailures", "Arn"]}
    for name in ("IngestQueue", "IngestFailures"):
        queue = RESOURCES[name]["Properties"]
        assert queue["SqsManagedSseEnabled"]
        assert queue["MessageRetentionPeriod"] == 14 * DAY_S > MAX_AGE_S + DAY_S / 2
    assert RESOURCES["IngestQueue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == failures
    (target,) = RESOURCES["IngestRule"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == failures
    lifecycle = RESOURCES["IngestBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["NoncurrentVersionExpiration"]["NoncurrentDays"] * DAY_S > MAX_AGE_S for rule in lifecycle)


def test_only_our_bucket_and_our_rule_send_to_the_queues_of_ingest() -> None:
    bucket, name = RESOURCES["IngestBucket"]["Properties"], "IngestQueuePolicy"
    of_bucket, of_rule = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    text, given = of_bucket["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert text == "arn:${AWS::Partition}:s3:::${Bucket}"
    assert given == {"Bucket": bucket["BucketName"]}
    assert of_bucket["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    (of_dead_letters,) = RESOURCES["IngestFailuresPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    for statement in (of_rule, of_dead_letters):
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["IngestRule", "Arn"]}}}
    assert RESOURCES["IngestBucket"]["DependsOn"] == name
    assert all(each["Action"] == "sqs:SendMessage" for each in (of_bucket, of_rule, of_dead_letters))


def test_the_ingest_bucket_is_versioned_private_and_outlives_the_stack() -> None:
    bucket = RESOURCES["IngestBucket"]
    properties = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(properties["PublicAccessBlockConfiguration"].values())
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (statement,) = RESOURCES["IngestBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_rule_lets_requests_through_and_not_our_own_results() -> None:
    wanted = set(RESOURCES["IngestRule"]["Properties"]["EventPattern"]["detail-type"])
    asked = {body["detail-type"] for body in bodies() if "detail-type" in body}
    assert wanted == asked
    assert not wanted & {kind.value for kind in DetailType}


def test_the_samples_are_of_kinds_that_the_bucket_notifies_of() -> None:
    notified = RESOURCES["IngestBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    kinds = [record["eventName"] for body in bodies() for record in body.get("Records", ())]
    assert kinds
    assert all(any(fnmatchcase(f"s3:{kind}", each["Event"]) for each in notified) for kind in kinds)
    assert all(each["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]} for each in notified)


def bodies() -> list[Any]:
    """What is in the messages of ingest's sample events."""
    events = [json.loads(path.read_text()) for path in ROOT.glob("events/ingest_*.json")]
    return [json.loads(record["body"]) for event in events for record in event["Records"]]


def test_ingest_may_send_to_its_own_queue_for_as_long_as_a_message_is_postponed() -> None:
    assert FUNCTIONS["Ingest"]["RecursiveLoop"] == "Allow"


def test_the_documented_right_to_put_events_holds_for_calls_with_several_of_them() -> None:
    (policy,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/ingest.md").read_text("utf-8"), re.DOTALL)
    (puts,) = (each for each in json.loads(policy)["Statement"] if each["Action"] == "events:PutEvents")
    assert puts["Condition"] == {  # as the ingest function's own, whose calls have up to ten
        "ForAllValues:StringEquals": {"events:source": "com.example.crm"},
        "Null": {"events:source": "false"},
    }
