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
    """What one call asks for. `provider` is None until the caller names it or the ownership of the ids decides it.

    `body` is the parsed JSON, `content` what is sent of it, or the file of an upload. `headers` are those of the
    client's that the provider is to see; OpenAI's API has none.
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

    def fingerprint(self) -> str | None:
        """SHA-256 of the JSON, or of the form and its file; None for a call without a body.

        A file is read for it, at about a second for the largest one: little beside the sending.
        """
        if self.content is None:
            return None
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).hexdigest()
        return _upload_digest(self.content)

    def attached_file(self) -> ObjectId | None:
        """The one file that the body names, for an operation that attaches one."""
        return self.body_ids()[0] if self.operation.body_ids == ("file_id",) else None

    def body_ids(self) -> list[ObjectId]:
        """The ids that the body names, in its order; their shape was checked by the model."""
        found = (value for path in self.operation.body_ids for value in _values_at(self.body, path.split(".")))
        return [ObjectId(str(value)) for value in found]

    def close(self) -> None:
        """Close the file of an upload. Nothing reads it afterwards."""
        if isinstance(self.content, FileUpload):
            self.content.content.close()


def _upload_digest(upload: FileUpload) -> str:
    digest = hashlib.sha256(encode_json([sorted(upload.fields.items()), upload.filename, upload.content_type]))
    stream = upload.content.open()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _values_at(value: object, path: list[str]) -> Iterator[object]:
    """The values at a path such as `["files[]", "file_id"]`; none where a part is absent."""
    if not path:
        yield value
        return
    name, rest = path[0].removesuffix("[]"), path[1:]
    inner = cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
    for item in (inner if isinstance(inner, list) else []) if path[0].endswith("[]") else [inner]:
        if item is not None:
            yield from _values_at(item, rest)
