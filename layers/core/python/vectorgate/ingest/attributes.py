"""A file's attributes from an object's metadata and tags. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.schemas.fields import KEY_MAX, PROPERTIES_MAX, VALUE_MAX
from vectorgate.ingest.model import PermanentFailureError

if TYPE_CHECKING:
    from collections.abc import Mapping


def file_attributes(metadata: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    """All metadata and tags, as strings. PermanentFailureError if they contradict or exceed a file's limits.

    Neither takes precedence: the other value would be dropped silently.
    """
    for name in metadata.keys() & tags.keys():
        if metadata[name] != tags[name]:
            raise PermanentFailureError(f"Metadata and tags give '{name[:KEY_MAX]}' different values.")
    attributes = {**metadata, **tags}
    if len(attributes) > PROPERTIES_MAX:
        raise PermanentFailureError(
            f"{len(attributes)} metadata entries and tags: a file has at most {PROPERTIES_MAX} attributes."
        )
    for name, value in attributes.items():
        if not 0 < len(name) <= KEY_MAX:
            raise PermanentFailureError(
                f"The name of the metadata or tag '{name[:KEY_MAX]}...' is longer than {KEY_MAX} characters."
            )
        if len(value) > VALUE_MAX:
            raise PermanentFailureError(
                f"The value of the metadata or tag '{name}' is longer than {VALUE_MAX} characters."
            )
    return attributes
