"""The settings of the release's check: the new version of each function that answers callers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "VECTORGATE_VERSION_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSettings:
    """`versions`: the ARN of each function's new version, by the function's name: api, stream, admin, invoke."""

    versions: Mapping[str, str]
    region: str | None = None
    endpoint_url: str | None = None


def from_environment() -> ReleaseSettings:
    """The settings of this function."""
    return read(os.environ)


def read(environment: Mapping[str, str]) -> ReleaseSettings:
    """The settings in an environment. ValueError where no version is named."""
    named = {name.removeprefix(_PREFIX).lower(): arn for name, arn in environment.items() if name.startswith(_PREFIX)}
    if not named or not all(named.values()):
        raise ValueError(f"{_PREFIX}<FUNCTION> names the new version of each function")
    return ReleaseSettings(
        versions=named,
        region=environment.get("AWS_REGION"),
        endpoint_url=environment.get("VECTORGATE_AWS_ENDPOINT"),
    )
