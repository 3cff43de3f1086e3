"""Validate the text fields of a file upload, and other values that arrive as strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vectorgate.api.schemas.parsing import Model, validate

if TYPE_CHECKING:
    from collections.abc import Mapping

# More digits than any integer field has; a longer text stays a string, and is refused as one.
_INTEGER = re.compile(r"-?[0-9]{1,100}")
_BRACKETS = re.compile(r"expires_after\[(\w{1,64})\]")


def validate_form(model: type[Model], fields: Mapping[str, str]) -> Model:
    """Validate the text fields of a form. `expires_after[anchor]` and `expires_after[seconds]` become one object.

    Errors name its fields as OpenAI does: `expires_after.seconds`.
    """
    body: dict[str, object] = {}
    nested: dict[str, object] = {}
    for name, value in fields.items():
        bracket = _BRACKETS.fullmatch(name)
        if bracket:
            nested[bracket[1]] = number(value) if bracket[1] == "seconds" else value
        else:
            body[name] = value
    return validate(model, {"expires_after": nested, **body} if nested else body)


def number(text: str) -> int | str:
    """The integer, or a text that is none as it is."""
    return int(text) if _INTEGER.fullmatch(text) else text
