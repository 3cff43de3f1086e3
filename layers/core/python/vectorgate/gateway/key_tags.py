"""The tags in the record of a call by a key that has tags. Pure."""

from __future__ import annotations

from vectorgate.gateway.parser import MAX_TAGS, MAX_TAGS_LENGTH


def recorded_tags(of_key: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """The key's tags, then the call's own, each once, within the limits that `checked_tags` sets for either alone.

    From the first of its own that has no room, the call's are left out: no call is refused for its key's tags.
    """
    tags = tuple(dict.fromkeys((*of_key, *own)))[:MAX_TAGS]
    while sum(map(len, tags)) > MAX_TAGS_LENGTH:
        tags = tags[:-1]
    return tags
