"""Whether what is sent has the shape that openai's types declare: every type, every literal, and no member besides."""

from __future__ import annotations

from typing import Any, Final

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

EVENT: Final[TypeAdapter[Any]] = TypeAdapter(ResponseStreamEvent)
# What OpenAI sends and its types do not name: whether a response is stored, and the padding of a delta.
KNOWN_EXTRAS: Final = {"Response": {"store"}, "ResponseTextDeltaEvent": {"obfuscation"}}


def check(model: type[BaseModel] | TypeAdapter[Any], document: object) -> Any:
    """The document as the model. AssertionError, ValidationError."""
    adapter = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    found = adapter.validate_python(document, strict=True)
    check_extras(found)
    return found


def check_response(document: object) -> Response:
    """A Response object."""
    found: Response = check(Response, document)
    return found


def check_event(document: object) -> Any:
    """An event of a stream."""
    return check(EVENT, document)


def check_extras(value: object) -> None:
    """Refuse members that a type does not name, at every depth."""
    if isinstance(value, BaseModel):
        extras = set(value.model_extra or {}) - KNOWN_EXTRAS.get(type(value).__name__, set())
        assert not extras, f"{type(value).__name__} has no {extras}"
        for name in type(value).model_fields:
            check_extras(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            check_extras(item)
