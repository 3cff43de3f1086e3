"""Signed webhooks, as Standard Webhooks (standardwebhooks.com) has them: one POST for each record.

::

    webhook-id: 019a...                    the record's id: the same at each attempt
    webhook-timestamp: 1772600767          when this attempt was signed
    webhook-signature: v1,<base64 of HMAC-SHA256(key, "<id>.<timestamp>.<body>")>
    {"type": "usage.record", "timestamp": "2026-03-04T05:06:07.000Z", "data": {...}}

Two keys, with a space between them, are two signatures, so that a receiver can go from one to the next.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import JSON, encode_json
from vectorgate.classes import dataclass
from vectorgate.exports.names import WEBHOOK
from vectorgate.exports.ports import DeliveryFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.clock import Clock
    from vectorgate.exports.http import Address, Post
    from vectorgate.exports.record import Record

PREFIX: Final = "whsec_"
EVENT_TYPE: Final = "usage.record"
LEAST_KEY: Final = 24  # bytes, as the standard has it
MOST_KEY: Final = 64


@dataclass(frozen=True, slots=True)
class Webhook:
    """Destination: a signed POST for each record."""

    post: Post
    address: Callable[[], Address]
    clock: Clock
    name: str = WEBHOOK
    at_once: int = 1

    def deliver(self, records: Sequence[Record]) -> None:
        """One POST for each record."""
        address = self.address()
        keys = signing_keys(address.signing_key or "")
        for record in records:
            body = encode_json({"type": EVENT_TYPE, "timestamp": record["ended_at"], "data": record})
            self.post(address, body, signed_headers(keys, str(record["id"]), self.clock.unix_s(), body))


def signing_keys(text: str) -> list[bytes]:
    """The keys of an address. DeliveryFailed unless there are some, each `whsec_` and 24 to 64 bytes in base64."""
    try:
        keys = [base64.b64decode(each.removeprefix(PREFIX), validate=True) for each in text.split()]
    except ValueError:  # also for what is not ASCII
        keys = []
    if not keys or not all(LEAST_KEY <= len(key) <= MOST_KEY for key in keys):
        raise DeliveryFailed("the signing_key of a webhook is whsec_ and 24 to 64 bytes in base64")
    return keys


def signed_headers(keys: Sequence[bytes], message_id: str, unix_s: int, body: bytes) -> dict[str, str]:
    """The headers of a message. Pure."""
    signed = b".".join([message_id.encode(), str(unix_s).encode(), body])
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {
        "content-type": JSON,
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
