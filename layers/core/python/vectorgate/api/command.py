"""The command: one call of the API, parsed and validated. Plain data, and the input of every feature."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import FileUpload
    from vectorgate.api.operations import Operation
    from vectorgate.api.references import Feature, Reference
    from vectorgate.ids import ProviderName

CURSORS: Final = ("after", "before")  # the query parameters that name an object: where a page begins or ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One call. `provider` is the one that the caller names, or None: then the ownership of the ids decides.

    `body` is the parsed JSON, and `body_ids` are the ids in it, in its order. `content` is the encoded body, or an
    upload's file, which the pipeline closes; `fingerprint` is its SHA-256, None without content. `headers` are the
    client's headers that are forwarded; OpenAI's API has none. `mock_response` replaces the provider's answer.
    `references` and `features` are what the body of a response names; `model` is the model that the body or the path
    names. `earlier_tokens`: what the response that this one continues read and wrote, where that is known.
    `streamed`: the client asked for a stream of events.
    """

    operation: Operation
    ids: Mapping[str, ObjectId] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    body_ids: tuple[ObjectId, ...] = ()
    references: tuple[Reference, ...] = ()
    features: tuple[Feature, ...] = ()
    content: bytes | FileUpload | None = None
    fingerprint: str | None = None
    provider: ProviderName | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    model: str | None = None
    earlier_tokens: int | None = None
    streamed: bool = False
    mock_response: Mapping[str, object] | None = None

    @property
    def cursor_ids(self) -> Mapping[str, ObjectId]:
        """The ids in the query, by their parameter."""
        if self.operation.cursors is None:
            return {}
        return {name: ObjectId(self.query[name]) for name in CURSORS if name in self.query}
