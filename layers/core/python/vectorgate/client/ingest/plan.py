"""The plan of a run: the folder's files compared with the journal's records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vectorgate.client.ingest.journal import WITHOUT_UPLOAD
from vectorgate.client.ingest.scan import is_gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from vectorgate.client.ingest.journal import FileRecord
    from vectorgate.client.ingest.processing import Processing
    from vectorgate.client.ingest.scan import Scan, ScannedFile
    from vectorgate.client.ingest.selection import Selection


@dataclass
class Plan:
    """The steps of a run. `refused`: files whose present content the provider has refused, with its reason."""

    upload: list[ScannedFile] = field(default_factory=list)
    describe: list[FileRecord] = field(default_factory=list)
    unchanged: list[FileRecord] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    delete: list[FileRecord] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes to upload."""
        return sum(file.size for file in self.upload)


def plan(found: Scan, records: Mapping[str, FileRecord], asked: Processing) -> Plan:
    """The steps for the files that were found, in their order."""
    steps = Plan()
    for file in found.files:
        record = records.get(file.path)
        if record is None or record.sha256 != file.sha256:
            steps.upload.append(file)
        elif record.state == "refused":
            steps.refused.append((file.path, record.reason))
        elif record.state != "done" or record.replaces or record.chunking != asked.chunking_for(record):
            steps.upload.append(file)
        elif record.attributes != asked.attributes_for(record):
            steps.describe.append(record)
        else:
            steps.unchanged.append(record)
    return steps


def removed(root: Path, records: Iterable[FileRecord], selection: Selection) -> list[FileRecord]:
    """The records of files that are no longer in the folder. Files that are not selected stay in the store."""
    present = (record for record in records if record.state not in WITHOUT_UPLOAD or record.replaces)
    return [record for record in present if selection.has(record.path) and is_gone(root, record.path)]
