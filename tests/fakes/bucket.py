"""A versioned bucket in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.fakes.faults import InterruptedStream
from vectorgate.ingest.model import ObjectChange, ObjectLocation
from vectorgate.ingest.ports import SourceUnavailable, StoredObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.faults import FaultyEnvironment

BUCKET: Final = "ingest"


@dataclass
class Version:
    """One version of an object. `content` None: a delete marker."""

    content: bytes | None
    version: str
    sequencer: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class FakeBucket:
    """`Objects`. Each change of it returns the notification that S3 sends."""

    def __init__(self, environment: FaultyEnvironment) -> None:
        self._environment = environment
        self.objects: dict[ObjectLocation, list[Version]] = {}

    def put(self, key: str, content: bytes, *, metadata: Mapping[str, str] | None = None, **tags: str) -> ObjectChange:
        """Write an object."""
        place = ObjectLocation(BUCKET, key)
        number = self._next_number()
        version = Version(content, f"v{number}", f"{number:016X}", metadata or {}, tags)
        self.objects.setdefault(place, []).append(version)
        return ObjectChange(location=place, sequencer=version.sequencer, version=version.version)

    def remove(self, key: str) -> ObjectChange:
        """Write a delete marker."""
        place = ObjectLocation(BUCKET, key)
        number = self._next_number()
        self.objects.setdefault(place, []).append(Version(None, f"v{number}", f"{number:016X}"))
        return ObjectChange(location=place, sequencer=f"{number:016X}", deleted=True)

    def purge(self, key: str, version: str | None) -> ObjectChange:
        """Delete one version."""
        place = ObjectLocation(BUCKET, key)
        self.objects[place] = [each for each in self.objects[place] if each.version != version]
        return ObjectChange(location=place, sequencer=f"{self._next_number():016X}", version=version, deleted=True)

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """Return an object, or None if it has no content. SourceUnavailable when the environment has it fail."""
        self._environment.crash_point()
        if self._environment.fails():
            raise SourceUnavailable("s3")
        versions = self.objects.get(place, [])
        wanted = versions[-1:] if version is None else [each for each in versions if each.version == version]
        if not wanted or wanted[0].content is None:
            return None
        found, content = wanted[0], wanted[0].content
        stream = InterruptedStream(content) if self._environment.fails() else io.BytesIO(content)
        return StoredObject(
            size=len(content),
            version=found.version,
            content_type="text/plain",
            metadata=found.metadata,
            tags=found.tags,
            stream=stream,
        )

    def _next_number(self) -> int:
        return next(self._environment.numbers) + 1
