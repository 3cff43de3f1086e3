"""Identifiers, each its own type, and the patterns that they must match to become part of a key or path."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    RESPONSE = "response"
    ITEM = "response_item"  # of a response's output
    CONTAINER = "container"  # of a response's code interpreter


# The kind of the object that a path parameter names.
PATH_KINDS: Final[Mapping[str, ObjectKind]] = {
    "vector_store_id": ObjectKind.VECTOR_STORE,
    "file_id": ObjectKind.FILE,
    "batch_id": ObjectKind.BATCH,
    "upload_id": ObjectKind.UPLOAD,
    "response_id": ObjectKind.RESPONSE,
}
# Parameters of paths that name nothing which a tenant owns: the key decides who may use it.
PATH_NAMES: Final = frozenset({"model"})
# How OpenAI's ids of each kind begin, as its error messages say it; items of responses begin by their type.
ID_PREFIXES: Final[Mapping[ObjectKind, str]] = {
    ObjectKind.VECTOR_STORE: "vs_",
    ObjectKind.FILE: "file",
    ObjectKind.BATCH: "vsfb_",
    ObjectKind.UPLOAD: "upload_",
    ObjectKind.PART: "part_",
    ObjectKind.RESPONSE: "resp_",
    ObjectKind.CONTAINER: "cntr_",
}
# The prefixes that tell an id's kind: those above, and those of OpenAI's objects that are not served here.
_KNOWN_PREFIXES: Final = (
    *(prefix for kind, prefix in ID_PREFIXES.items() if kind is not ObjectKind.FILE),
    *("file-", "file_", "asst_", "batch_", "conv_", "ftjob-", "msg_", "run_", "step_", "thread_"),
)
# Matches every id that providers were seen to use, without '#', '/', '%', '.' and control characters.
OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
# Patterns as text are compiled at their first use: by few requests, or none.
# Names that customers choose (teams, users, end users): printable, without the '#' that separates key parts.
# A name in ASCII is one if it matches; another must be Unicode text besides (`is_label`).
LABEL = re.compile(r"[^#\x00-\x1f\x7f-\x9f]{1,256}")
_SURROGATE: Final = "[\ud800-\udfff]"

# Blanks at either end of a name, those without a width included: two names that look alike are one name.
_EDGES: Final = r"\A[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+\Z"
# Names of models, fine-tuned ones (`ft:gpt-4o:org::id`) and Azure's deployments included.
MODEL_MAX = 256
_MODEL: Final = r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"

TEAM_PREFIX = "team:"


def is_object_id(text: str) -> bool:
    """Whether `text` may be used as an object's id in a path, a key or an upstream request."""
    return OBJECT_ID.fullmatch(text) is not None


def is_of_another_kind(kind: ObjectKind, text: str) -> bool:
    """Whether `text` begins as OpenAI's ids of another kind do. False for a shape that OpenAI does not use.

    Azure's files are `assistant-...`, so that an unknown prefix does not tell the kind.
    """
    return not text.startswith(ID_PREFIXES[kind]) and text.startswith(_KNOWN_PREFIXES)


def normal_name(text: str) -> str:
    """The one form of a name that a customer chose: Unicode's NFC, without blanks at either end."""
    if text.isascii():
        return text.strip()
    from unicodedata import normalize  # noqa: PLC0415 - a megabyte, of which names in ASCII need nothing

    return re.sub(_EDGES, "", normalize("NFC", text))


def is_model_name(text: str) -> bool:
    """Whether `text` may be the name of a model."""
    return len(text) <= MODEL_MAX and re.fullmatch(_MODEL, text) is not None


def is_label(text: str) -> bool:
    """Whether `text` may name a team, user, end user or tag."""
    return LABEL.fullmatch(text) is not None and (text.isascii() or not re.search(_SURROGATE, text))


def tenant_of_team(team: str) -> TenantId:
    """The tenant of all keys of a team. Its prefix keeps a team that is named like a key's hash apart from that key."""
    return TenantId(TEAM_PREFIX + team)


def tenant_of_key(key_id: KeyId) -> TenantId:
    """The tenant of a key without a team."""
    return TenantId(f"key:{key_id}")


def team_of(tenant: TenantId) -> str | None:
    """The team of a tenant; None for the tenant of a key without a team."""
    return tenant.removeprefix(TEAM_PREFIX) if tenant.startswith(TEAM_PREFIX) else None
