"""The exporter's settings: which destinations the stack has, each with its queue, its dead letters and its secret."""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.exports.names import EVENTBRIDGE, NAMES, S3

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class QueueUrls:
    """A destination's queue, and the one for what the destination refuses."""

    queue: str
    failures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """The chosen destinations, by name; the secrets of those that have one; EventBridge's bus and S3's bucket."""

    queues: Mapping[str, QueueUrls] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    bus: str | None = None
    bucket: str | None = None


def from_environment() -> ExportSettings:
    """The settings of the exporter function."""
    return read(os.environ)


def read(environment: Mapping[str, str]) -> ExportSettings:
    """The settings in an environment. ValueError for one that is missing or empty."""
    chosen = [name for name in NAMES if _named("QUEUE", name) in environment]
    return ExportSettings(
        queues={
            name: QueueUrls(
                _required(environment, _named("QUEUE", name)), _required(environment, _named("FAILURES", name))
            )
            for name in chosen
        },
        secrets={
            name: _required(environment, _named("SECRET", name))
            for name in chosen
            if _named("SECRET", name) in environment
        },
        bus=_required(environment, "VECTORGATE_EXPORT_BUS") if EVENTBRIDGE in chosen else None,
        bucket=_required(environment, "VECTORGATE_EXPORT_BUCKET") if S3 in chosen else None,
    )


def _named(kind: str, destination: str) -> str:
    return f"VECTORGATE_EXPORT_{kind}_{destination.upper()}"


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the setting {name} is missing or empty")
    return value
