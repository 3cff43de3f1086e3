"""The one model, as `GET /models` lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine import errors

if TYPE_CHECKING:
    from engine.model import Json

MODEL: Final = "embedded-extractive"
CREATED: Final = 1_795_910_400  # 2026-11-29


def listing() -> Json:
    """`GET /models`."""
    return {"object": "list", "data": [_render()]}


def retrieve(model: str) -> Json:
    """`GET /models/{model}`. NotFound."""
    if model != MODEL:
        raise errors.no_model(model)
    return _render()


def _render() -> Json:
    return {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "vectorgate"}
