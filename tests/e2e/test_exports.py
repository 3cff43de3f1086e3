"""By default, a settled record is in an event of the stack's bus: stream -> exporter -> queue -> EventBridge."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from tests.harnesses.aws_stack import eventually

if TYPE_CHECKING:
    from tests.harnesses.aws_stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_settled_record_is_in_an_event_of_the_stacks_bus(stack: Stack, key: str) -> None:
    sqs, events, bus = stack.aws.client("sqs"), stack.aws.client("events"), stack.outputs["IngestBusName"]
    url = sqs.create_queue(QueueName="usage-records")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="usage-records", EventBusName=bus, EventPattern=json.dumps({"detail-type": ["Usage Records"]}))
    events.put_targets(Rule="usage-records", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    with closing(
        OpenAI(api_key=key, base_url=f"{stack.aws.url}/v1", default_headers={"Host": stack.host}, max_retries=0)
    ) as client:
        store = client.vector_stores.create(name="exported")
        client.vector_stores.delete(store.id)
    found: list[dict[str, Any]] = []

    def both() -> bool | None:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            records = json.loads(message["Body"])["detail"]["records"]
            found.extend(record for record in records if record.get("vector_store_id") == store.id)
        return (
            True if {each["operation"] for each in found} >= {"vector_stores.create", "vector_stores.delete"} else None
        )

    eventually(both, 60, "the records of the store")
    row = stack.row(found[0]["id"])
    assert row is not None
    assert (row["state"], found[0]["version"], found[0]["team_id"]) == ({"S": "settled"}, 1, "red")
