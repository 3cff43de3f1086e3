"""Models of the bodies of the Responses API.

They validate the fields that the gateway reads, and name all others: a field that OpenAI does not document is refused,
and the content of one that it does is the provider's to validate. What a body names is `api.references`.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.fields import MIN_OUTPUT_TOKENS, Id, Metadata, WireModel, wrong_type
from vectorgate.ids import MODEL_MAX, is_model_name


def check_model(param: str, name: str) -> str:
    """Return `name` if it may name a model in a path. InvalidRequest on `param` otherwise."""
    if not is_model_name(name) or "/" in name:
        raise error_messages.bad_model(param)
    return name


def _check_model_name(name: str) -> str:
    if not is_model_name(name):
        raise PydanticCustomError("bad_model", "not a model's name")
    return name


def _check_input(value: object) -> object:
    """A text, or a list of items, which the provider validates; None is the same as absent."""
    if value is not None and not isinstance(value, str | list):
        raise wrong_type("one of a string or an array")
    return value


ModelName = Annotated[str, Field(min_length=1, max_length=MODEL_MAX), AfterValidator(_check_model_name)]
Input = Annotated[Any, PlainValidator(_check_input)]
Objects = list[dict[str, Any]]


class CreateResponse(WireModel):
    """`POST /responses`: every field of OpenAI's reference."""

    model: ModelName
    input: Input = None
    tools: Objects | None = None
    stream: bool | None = None
    background: bool | None = None
    store: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=MIN_OUTPUT_TOKENS)] | None = None
    previous_response_id: Id | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    user: str | None = None
    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    conversation: Any = None
    image: Any = None
    include: Any = None
    instructions: Any = None
    max_tool_calls: Any = None
    moderation: Any = None
    parallel_tool_calls: Any = None
    prompt: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning: Any = None
    safety_identifier: Any = None
    stream_options: Any = None
    temperature: Any = None
    text: Any = None
    tool_choice: Any = None
    top_logprobs: Any = None
    top_p: Any = None
    truncation: Any = None


class CountInputTokens(WireModel):
    """`POST /responses/input_tokens`."""

    model: ModelName
    input: Input = None
    tools: Objects | None = None
    previous_response_id: Id | None = None
    conversation: Any = None
    instructions: Any = None
    parallel_tool_calls: Any = None
    personality: Any = None
    reasoning: Any = None
    text: Any = None
    tool_choice: Any = None
    truncation: Any = None


class CompactResponse(WireModel):
    """`POST /responses/compact`."""

    model: ModelName
    input: Input = None
    previous_response_id: Id | None = None
    service_tier: str | None = None
    image: Any = None
    instructions: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
