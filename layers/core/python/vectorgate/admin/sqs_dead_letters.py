"""The dead-letter queues of the stack, as SQS counts and shows them. boto3 is imported at the first look."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from vectorgate.admin.dead_letter_queues import SHOWN, DeadLetter, DeadLetterQueue, Retried, no_such_queue
from vectorgate.api.errors import Unavailable
from vectorgate.aws.client import aws_client

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.settings import Settings

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 5
ATTEMPTS: Final = 2
_REDRIVE: Final = " On AWS, SQS moves them back, or purges the queue: the admin function may only look at it."
COUNT: Final = "ApproximateNumberOfMessages"


class SqsDeadLetters:
    """DeadLetters on SQS. Messages are received for no time: each stays visible to other receivers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def queues(self) -> Sequence[DeadLetterQueue]:
        """GetQueueAttributes of each queue, and ReceiveMessage of one that is not empty."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - at the first look

        try:
            return [self._queue(name, url) for name, url in self._settings.dead_letters.items()]
        except (BotoCoreError, ClientError) as error:
            message = "The dead-letter queues cannot be read at this moment."
            raise Unavailable(message, code="service_unavailable") from error

    def retry(self, queue: str, ids: Collection[str] | None) -> Retried:
        """InvalidRequest: SQS moves them back."""
        del ids
        raise no_such_queue(queue, _REDRIVE)

    def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """InvalidRequest: SQS purges a queue."""
        del ids
        raise no_such_queue(queue, _REDRIVE)

    def _queue(self, name: str, url: str) -> DeadLetterQueue:
        sqs = _client(self._settings.region, self._settings.endpoint_url)
        count = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[COUNT])["Attributes"][COUNT])
        return DeadLetterQueue(name=name, count=count, letters=self._letters(sqs, url) if count else ())

    @staticmethod
    def _letters(sqs: Any, url: str) -> list[DeadLetter]:  # noqa: ANN401 - SQS's client
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=SHOWN,
            VisibilityTimeout=0,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["reason"],
        )
        return [_letter(message) for message in answer.get("Messages", ())]


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue")
    return DeadLetter(id=message["MessageId"], at_ms=int(message["Attributes"]["SentTimestamp"]), reason=reason)


@cache
def _client(region: str | None, endpoint_url: str | None) -> Any:  # noqa: ANN401 - SQS's
    times = {"connect_s": CONNECT_TIMEOUT_S, "read_s": READ_TIMEOUT_S}
    return aws_client("sqs", region=region, endpoint_url=endpoint_url, attempts=ATTEMPTS, **times)
