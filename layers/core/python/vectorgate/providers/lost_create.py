"""Find out within the request the outcome of a create whose answer was lost, and send it again if it made nothing.

::

    lost ──> pause ──> list, newest first ──> an object with the tag: it is the answer
      ^                                  └──> none: note it in the ledger, and send again ──> an answer
      └─────────────────────────────────────────────────────────────────────────────────┘

A provider may execute an attempt after its list was read, so that two objects have the tag. Of these the sweep removes
the one that is not the answer: the note in the ledger, which is written first, says that there may be one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, BadGateway, OutcomeUnknown, UpstreamRefused
from vectorgate.api.http import Body, encode_json
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.providers.base import Call, UpstreamResponse
from vectorgate.providers.client import BACKOFF_SECONDS, MAX_ATTEMPTS, MIN_ATTEMPT_SECONDS, ProviderClient
from vectorgate.providers.openai import tag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.providers.base import Answer

MAX_SENT: Final = 4  # times that one create is sent, the first included: the official clients' three, and one
MAX_LOOKS: Final = 6  # at the list, which may fail as well: a provider that is down gets seven requests in all
MAX_PAUSE_SECONDS: Final = 2.0  # where the provider does not say when to ask again
MAX_PAGES: Final = 5  # of the list: more is made in these seconds than can be looked through
PAGE_SIZE: Final = "100"  # OpenAI's largest
MARGIN_S: Final = 5  # between the clocks of a provider's own servers
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class LostCreate:
    """A create with a tag, first sent at `sent_at` (the clock's monotonic second) by this client."""

    client: ProviderClient
    call: Call
    sent_at: float

    def recovered(self, lost: OutcomeUnknown) -> Answer:
        """The create's answer, found or got by sending it again. OutcomeUnknown when there is neither in time."""
        sent = 1
        for looks in range(1, MAX_LOOKS + 1):
            has_time = self._pause(lost, looks)
            try:
                found = self._find()
            except ApiError:
                if has_time:
                    continue
                break
            if found is not None:
                return found
            if not has_time or not self._may_send_again(lost, sent):
                break
            sent += 1
            try:
                return self.client.send(self.call)
            except OutcomeUnknown as error:
                lost = error
            except (UpstreamRefused, BadGateway) as error:
                # It was not executed this time; the earlier attempt may still be.
                if isinstance(error, UpstreamRefused) and error.status != _TOO_MANY:
                    raise lost from error
        raise lost

    def _pause(self, lost: OutcomeUnknown, looks: int) -> bool:
        """Wait as the provider asks, or with jitter; False, without waiting, when too little time is left for that."""
        jitter = self.client.randomness.fraction() * min(BACKOFF_SECONDS * 2 ** (looks - 1), MAX_PAUSE_SECONDS)
        delay = lost.delay if lost.delay is not None else jitter
        if delay + MIN_ATTEMPT_SECONDS > self.client.deadline - self.client.clock.monotonic():
            return False
        self.client.clock.sleep(delay)
        return True

    def _may_send_again(self, lost: OutcomeUnknown, sent: int) -> bool:
        """Whether to send again, noted by then. Not after a timeout, nor a 2xx: what it makes may not be listed yet."""
        most = MAX_SENT if self.client.attempts >= MAX_ATTEMPTS else self.client.attempts
        if sent >= most or not lost.transient or self.client.before_repeat is None:
            return False
        try:
            self.client.before_repeat()
        except ApiError as error:
            raise lost from error
        return True

    def _find(self) -> Answer | None:
        """The answer that describes the object with the tag; None if there is none. ApiError: no list can be read."""
        reader, query, newest_s = replace(self.client, attempts=1), {"limit": PAGE_SIZE, "order": "desc"}, 0
        for _ in range(MAX_PAGES):
            document = reader.send(Call(operation=BY_NAME["vector_stores.list"], query=query)).document or {}
            page = [item for item in _items(document) if isinstance(item, dict)]
            for item in page:
                if tag_of(item) == self.call.tag:
                    return self._answer(item)
            moments = [moment for moment in (item.get("created_at") for item in page) if isinstance(moment, int)]
            newest_s = max([newest_s, *moments])
            # By the provider's own clock: nothing that this call made is older than the call, counted from the newest.
            elapsed_s = self.client.clock.monotonic() - self.sent_at
            if not document.get("has_more") or not page or min(moments, default=0) < newest_s - elapsed_s - MARGIN_S:
                return None
            query = {**query, "after": str(page[-1].get("id"))}
        raise BadGateway("The provider's list is longer than there is time for.", code="list_too_long")

    def _answer(self, document: Mapping[str, object]) -> Answer:
        """What the provider would have answered to the create."""
        response = UpstreamResponse(status=200, headers={}, body=Body.of(encode_json(document)))
        return self.client.provider.answer(self.call.operation, response)


def _items(document: Mapping[str, object]) -> list[object]:
    data = document.get("data")
    return data if isinstance(data, list) else []
