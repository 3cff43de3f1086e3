"""Objects and events that become files of vector stores, and what is set aside."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tools.smoke.calls import TEXT
from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.smoke.calls import Made

INGESTED_SECONDS: Final = 120
SET_ASIDE_SECONDS: Final = 60
MESSAGES: Final = 10  # the most that SQS gives at once


def an_object_is_ingested(target: Target, made: Made) -> str:
    """An object of the bucket is uploaded and attached, for the first sender that the stack knows."""
    del made
    sender, team = _sender(target, of_events=False)
    if sender is None:
        return "skipped: IngestSenders names no sender of objects"
    client = target.client(_key_of_team(target, team, "objects"))
    place = {"Bucket": target.outputs["IngestBucketName"], "Key": f"{sender}/{target.run}/tides.txt"}
    bucket = target.aws("s3")
    target.undo.append(lambda: _removed(client, target.run))
    target.undo.append(lambda: bucket.delete_object(**place))
    bucket.put_object(**place, Body=TEXT)

    def attached() -> str | None:
        stores = [each for each in client.vector_stores.list(limit=100).data if each.name == target.run]
        return next((each.id for each in stores if each.file_counts.completed == 1), None)

    return f"s3://{place['Bucket']}/{place['Key']} in " + target.within(
        INGESTED_SECONDS, attached, "it was not attached"
    )


def an_event_is_answered(target: Target, made: Made) -> str:
    """An event of the bus makes a store, for the first source that the stack knows."""
    del made
    source, team = _sender(target, of_events=True)
    if source is None:
        return "skipped: IngestSenders names no source of events"
    client, name = target.client(_key_of_team(target, team, "events")), f"{target.run}-event"
    target.undo.append(lambda: _removed(client, name))
    entry = {
        "EventBusName": target.outputs["IngestBusName"],
        "Source": source,
        "DetailType": "VectorStore Create Requested",
        "Detail": json.dumps({"name": name}),
    }
    answer = target.aws("events").put_events(Entries=[entry])
    prove(answer["FailedEntryCount"] == 0, f"the bus refused the event: {answer['Entries']}")

    def stored() -> str | None:
        return next((each.id for each in client.vector_stores.list(limit=100).data if each.name == name), None)

    return f"{source} in " + target.within(INGESTED_SECONDS, stored, "the event made no store")


def an_unknown_sender_is_set_aside(target: Target, made: Made) -> str:
    """An object of a sender whom the stack does not know goes to the dead letters, with the reason."""
    del made
    place = {"Bucket": target.outputs["IngestBucketName"], "Key": f"{target.run}/store/tides.txt"}
    bucket, queue = target.aws("s3"), target.aws("sqs")
    target.undo.append(lambda: bucket.delete_object(**place))
    bucket.put_object(**place, Body=TEXT)
    url = target.outputs["IngestFailuresUrl"]

    def reason() -> str | None:
        received = queue.receive_message(
            QueueUrl=url, MaxNumberOfMessages=MESSAGES, VisibilityTimeout=2, MessageAttributeNames=["All"]
        )
        for message in received.get("Messages", []):
            if target.run in message["Body"]:
                queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return str(message["MessageAttributes"]["reason"]["StringValue"])
        return None

    return target.within(SET_ASIDE_SECONDS, reason, "the object of an unknown sender was not set aside")


def exports_are_delivered(target: Target, made: Made) -> str:
    """Each destination that the stack has takes a test record."""
    del made
    given = target.release.parameters
    chosen = [name for name, parameter in DESTINATIONS.items() if given[parameter] not in {"", "off"}]
    for name in chosen:
        status, body = target.ask("POST", f"/health/services?service={name}", target.master_key)
        prove(status == HTTPStatus.OK, f"{name}: {status} {body}")
    return ", ".join(chosen) or "skipped: no destination"


DESTINATIONS: Final[Mapping[str, str]] = {
    "eventbridge": "ExportEvents",
    "webhook": "ExportWebhookSecretArn",
    "otel": "ExportOtelSecretArn",
    "slack": "ExportSlackSecretArn",
    "s3": "ExportS3",
}


def _sender(target: Target, *, of_events: bool) -> tuple[str | None, str]:
    """A sender, and its team. A source of events has dots in its name."""
    settings = target.aws("lambda").get_function_configuration(FunctionName=target.outputs["IngestFunction"])
    text = settings["Environment"]["Variables"]["VECTORGATE_INGEST_SENDERS"]
    if text.startswith("s3://"):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        text = target.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    senders: Mapping[str, str] = json.loads(text)
    return next(((name, team) for name, team in senders.items() if ("." in name) is of_events), (None, ""))


def _removed(client: Any, name: str) -> None:  # noqa: ANN401 - OpenAI's client
    for store in client.vector_stores.list(limit=100).data:
        if store.name == name:
            files = [each.id for each in client.vector_stores.files.list(store.id).data]
            client.vector_stores.delete(store.id)
            _ = [client.files.delete(file) for file in files]


def _key_of_team(target: Target, team: str, what: str) -> str:
    body = {"team_id": team, "create_team": True, "key_alias": f"{target.run}-{what}"}
    status, made = target.ask("POST", "/key/generate", target.master_key, body)
    prove(status == HTTPStatus.OK, f"/key/generate: {status} {made}")
    target.undo.append(lambda: target.ask("POST", "/key/delete", target.master_key, {"keys": [made["key"]]}))
    return str(made["key"])
