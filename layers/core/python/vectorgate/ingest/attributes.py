"""From an object's metadata and tags to a file's attributes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.schemas.fields import KEY_MAX, PROPERTIES_MAX, VALUE_MAX
from vectorgate.ingest.model import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping


def attributes_of(metadata: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    """Both, as texts, and nothing else. Rejected when they contradict each other or are more than a file can have.

    Neither wins over the other: whichever did, the other would be dropped without a word.
    """
    for name in metadata.keys() & tags.keys():
        if metadata[name] != tags[name]:
            raise Rejected(f"Metadata and tags give '{name[:KEY_MAX]}' different values.")
    attributes = {**metadata, **tags}
    if len(attributes) > PROPERTIES_MAX:
        raise Rejected(f"{len(attributes)} metadata entries and tags: a file has at most {PROPERTIES_MAX} attributes.")
    for name, value in attributes.items():
        if not 0 < len(name) <= KEY_MAX:
            raise Rejected(f"The metadata or tag '{name[:KEY_MAX]}...' is named by more than {KEY_MAX} characters.")
        if len(value) > VALUE_MAX:
            raise Rejected(f"The value of the metadata or tag '{name}' is longer than {VALUE_MAX} characters.")
    return attributes
