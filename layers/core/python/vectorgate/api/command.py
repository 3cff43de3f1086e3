"""One call of the API, parsed and validated: what the pipeline and every feature below it work with. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import FileUpload
    from vectorgate.api.operations import Operation
    from vectorgate.ids import ObjectId, ProviderName


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one call asks for. `provider` is None until the caller names it or the ownership of the ids decides it.

    `body` is the parsed JSON, `body_ids` are the ids that it names, in its order; `content` is what is sent of it, or
    the file of an upload, which the pipeline closes; `fingerprint` is the SHA-256 of that, None without any. `headers`
    are those of the client's that the provider is to see; OpenAI's API has none.
    """

    operation: Operation
    ids: Mapping[str, ObjectId] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    body_ids: tuple[ObjectId, ...] = ()
    content: bytes | FileUpload | None = None
    fingerprint: str | None = None
    provider: ProviderName | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    mock_response: Mapping[str, object] | None = None
