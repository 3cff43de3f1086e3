"""Identifiers, each its own type, and the patterns that they must match to become part of a key or path."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import NewType

OperationId = NewType("OperationId", str)  # UUIDv7, canonical text
KeyId = NewType("KeyId", str)  # SHA-256 of a virtual key, 64 hex digits: what LiteLLM's logs call `api_key`
TenantId = NewType("TenantId", str)  # "team:<team_id>", else "key:<KeyId>": see tenant_of_team, tenant_of_key
ObjectId = NewType("ObjectId", str)  # vs_..., file-..., vsfb_...
ProviderName = NewType("ProviderName", str)


class ObjectKind(StrEnum):
    """The kinds of objects that a tenant owns."""

    VECTOR_STORE = "vector_store"
    FILE = "file"
    BATCH = "file_batch"
    UPLOAD = "upload"
    PART = "upload_part"


# Matches every id that providers were seen to use, without '#', '/', '%', '.' and control characters.
OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
# Names that customers choose (teams, users, end users): printable, without the '#' that separates key parts.
LABEL = re.compile(r"[^#\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,256}")

TEAM_PREFIX = "team:"
_UUID7_VERSION = 0x7 << 76
_UUID7_VARIANT = 0b10 << 62


def is_object_id(text: str) -> bool:
    """Whether `text` may be used as an object's id in a path, a key or an upstream request."""
    return OBJECT_ID.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether `text` may name a team, user, end user or tag."""
    return LABEL.fullmatch(text) is not None


def tenant_of_team(team: str) -> TenantId:
    """The tenant of all keys of a team. Its prefix keeps a team that is named like a key's hash apart from that key."""
    return TenantId(TEAM_PREFIX + team)


def tenant_of_key(key_id: KeyId) -> TenantId:
    """The tenant of a key without a team."""
    return TenantId(f"key:{key_id}")


def team_of(tenant: TenantId) -> str | None:
    """The team of a tenant; None for the tenant of a key without a team."""
    return tenant.removeprefix(TEAM_PREFIX) if tenant.startswith(TEAM_PREFIX) else None


def uuid7(unix_ms: int, random_bits: int) -> OperationId:
    """RFC 9562 UUIDv7 of 48 bits of time and 74 of randomness: sorts by time."""
    rand_a, rand_b = (random_bits >> 62) & 0xFFF, random_bits & ((1 << 62) - 1)
    value = (unix_ms & ((1 << 48) - 1)) << 80 | _UUID7_VERSION | rand_a << 64 | _UUID7_VARIANT | rand_b
    text = f"{value:032x}"
    return OperationId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def unix_ms_of(operation_id: OperationId) -> int:
    """The time of the id, in milliseconds since 1970."""
    return int(operation_id[:8] + operation_id[9:13], 16)


def key_id_of(secret: str) -> KeyId:
    """The id of a virtual key: its SHA-256. The key itself is never stored.

    Plain SHA-256 is enough because the key is 256 random bits: there is no dictionary to try.
    """
    return KeyId(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())
