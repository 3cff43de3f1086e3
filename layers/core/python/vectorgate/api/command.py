"""One call of the API, parsed and validated: what the pipeline and every feature below it work with. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api.http import FileUpload, encode_json
from vectorgate.ids import ObjectId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.operations import Operation
    from vectorgate.ids import ProviderName

_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one call asks for. `provider` is None until the caller names it or the ownership of the ids tells.

    `headers` are those of the client's that the provider is to see; OpenAI's API has none. `idempotency_key` is the
    client's, `attempt` how often its SDK says it has tried before: None where repetitions are not looked for.
    """

    operation: Operation
    ids: Mapping[str, ObjectId] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    content: bytes | FileUpload | None = None
    provider: ProviderName | None = None
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    mock_response: Mapping[str, object] | None = None
    idempotency_key: str | None = None
    attempt: int | None = None

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the JSON, or of the form and its file, that was asked for: tells a repeated one from a new one.

        A file is read for it, at about a second for the largest one: little beside the sending.
        """
        if self.content is None:
            return None
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else _digest(self.content)

    def attached(self) -> ObjectId | None:
        """The one file that the body names, where there is room for one."""
        return self.body_ids()[0] if self.operation.body_ids == ("file_id",) else None

    def body_ids(self) -> list[ObjectId]:
        """The ids that the body names, in its order; their shape was checked by the model."""
        found = (value for path in self.operation.body_ids for value in _at(self.body, path.split(".")))
        return [ObjectId(str(value)) for value in found]


def _digest(upload: FileUpload) -> str:
    digest = hashlib.sha256(encode_json([sorted(upload.fields.items()), upload.filename, upload.content_type]))
    stream = upload.content.open()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _at(value: object, path: list[str]) -> Iterator[object]:
    """The values at a path such as `["files[]", "file_id"]`; none where a part is absent."""
    if not path:
        yield value
        return
    name, rest = path[0].removesuffix("[]"), path[1:]
    inner = cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
    for item in (inner if isinstance(inner, list) else []) if path[0].endswith("[]") else [inner]:
        if item is not None:
            yield from _at(item, rest)
