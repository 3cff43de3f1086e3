"""What the model cannot do is refused, before anything is done, with a message that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import errors
from engine.responses.models import MODEL

if TYPE_CHECKING:
    from engine.responses.request import CreateResponse, Prompted, WithTools


def check_prompted(body: Prompted) -> None:
    """Refuse another model, and nothing to read. InvalidRequest."""
    if body.model != MODEL:
        raise errors.unknown_model(body.model)
    if not body.input and body.previous_response_id is None:
        raise errors.missing_input()


def check(body: WithTools) -> None:
    """Refuse what every request could ask for. InvalidRequest, NotFound."""
    check_prompted(body)
    if body.conversation is not None:
        found = body.conversation if isinstance(body.conversation, str) else str(body.conversation.get("id"))
        raise errors.no_conversation(found)
    kind = body.text.format.get("type")
    if kind != "text":
        raise errors.unsupported("text.format", f"it quotes text, and writes no '{kind}'")
    _check_reasoning(body)


def _check_reasoning(body: WithTools) -> None:
    for name, value in (body.reasoning or {}).items():
        if value not in (None, "none"):
            raise errors.unsupported(f"reasoning.{name}", "it does not reason")


def check_new(body: CreateResponse) -> None:
    """Refuse what a new response could ask for besides. InvalidRequest, NotFound."""
    check(body)
    if body.prompt is not None:
        raise errors.no_prompt(str(body.prompt.get("id")))
    if body.moderation is not None:
        raise errors.unsupported("moderation", "it has no moderation model")
    if body.top_logprobs or "message.output_text.logprobs" in body.include:
        raise errors.unsupported("top_logprobs", "a quotation has no probabilities")
    if body.background and not body.store:
        raise errors.background_needs_store()
