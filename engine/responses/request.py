"""What a client may send to the Responses API: the gateway's schemas, with the values that OpenAI documents.

The gateway leaves values to the provider, and here is one. A top-level field that is null counts as absent, as OpenAI's
types allow. What a field means to a model that only quotes is decided elsewhere: `support` refuses what it cannot do,
and sampling parameters have no effect on it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, PlainValidator, model_validator

from vectorgate.api import schemas
from vectorgate.api.schemas import validate
from vectorgate.api.schemas.fields import Id, Metadata, StoreId, Text, WireModel, at_most, check_size, wrong_type
from vectorgate.api.schemas.filters import BoundedFilter
from vectorgate.api.schemas.responses import ModelName

INPUT_CHARS: Final = 10_485_760  # of one text; OpenAI's limit
TOOLS_MAX: Final = 128
ITEMS_MAX: Final = 10_000  # not OpenAI's
STORES_MAX: Final = 50  # not OpenAI's
RESULTS: Final = 20  # of a search that names no number; OpenAI's default

LIST_LIMIT: Final = 20
NUMBERS: Final = frozenset({"limit", "starting_after"})

Query = TypeVar("Query", bound=WireModel)
Object = dict[str, Any]
Tools = Annotated[list[Object], at_most(TOOLS_MAX)]
LongText = Annotated[str, Field(max_length=INPUT_CHARS)]
Includable = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


def _check_input(value: object) -> object:
    if isinstance(value, list):
        check_size(value, ITEMS_MAX)
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise wrong_type("an object", index)
    elif not isinstance(value, str):
        raise wrong_type("one of a string or an array of input items")
    return value


def _check_tool_choice(value: object) -> object:
    if not isinstance(value, str | dict):
        raise wrong_type("one of a string or an object")
    return value


class TextConfig(WireModel):
    """The form of the answer."""

    format: Object = Field(default={"type": "text"})
    verbosity: Literal["low", "medium", "high"] | None = None


class StreamOptions(WireModel):
    """`include_obfuscation`: whether deltas are padded, so that their sizes tell nothing."""

    include_obfuscation: bool = True


class Prompted(WireModel):
    """What every request that gives the model something to read has."""

    model: ModelName
    input: Annotated[str | list[Object], PlainValidator(_check_input)] = Field(default=[])
    instructions: LongText | None = None
    previous_response_id: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, body: object) -> object:
        return {name: value for name, value in body.items() if value is not None} if isinstance(body, dict) else body


class WithTools(Prompted):
    """What a new response and a count of its tokens have in common."""

    conversation: str | Object | None = None
    parallel_tool_calls: bool = True
    reasoning: Object | None = None
    text: TextConfig = TextConfig()
    tool_choice: Annotated[str | Object, PlainValidator(_check_tool_choice)] = "auto"
    tools: Tools = Field(default=[])
    truncation: Literal["auto", "disabled"] = "disabled"


class CompactResponse(Prompted, schemas.CompactResponse):
    """`POST /responses/compact`."""


class CountInputTokens(WithTools, schemas.CountInputTokens):
    """`POST /responses/input_tokens`."""

    tools: Tools = Field(default=[])


class CreateResponse(WithTools, schemas.CreateResponse):
    """`POST /responses`. Options of a service (priorities, compaction, images) are accepted, and change nothing."""

    background: bool = False
    include: list[Includable] = Field(default=[])
    max_tool_calls: Annotated[int, Field(ge=1)] | None = None
    metadata: Metadata = Field(default={})
    moderation: Object | None = None
    prompt: Object | None = None
    prompt_cache_key: Text | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: Text | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] = "auto"
    store: bool = True
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    temperature: float = Field(default=1.0, ge=0.0, le=2.0)
    tools: Tools = Field(default=[])
    top_logprobs: int = Field(default=0, ge=0, le=20)
    top_p: float = Field(default=1.0, ge=0.0, le=1.0)


class HybridSearch(WireModel):
    """The weights of meaning and of words in a score."""

    embedding_weight: float = Field(ge=0.0)
    text_weight: float = Field(ge=0.0)


class FileSearchRanking(WireModel):
    """The ranker of a file search, and the least score of what it returns."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: float = Field(default=0.0, ge=0.0, le=1.0)
    hybrid_search: HybridSearch | None = None


class FileSearchTool(WireModel):
    """`{"type": "file_search"}`."""

    type: Literal["file_search"]
    vector_store_ids: Annotated[list[StoreId], at_most(STORES_MAX)] = Field(min_length=1)
    filters: BoundedFilter | None = None
    max_num_results: int = Field(default=RESULTS, ge=1, le=50)
    ranking_options: FileSearchRanking = FileSearchRanking()


class RetrieveQuery(WireModel):
    """`GET /responses/{response_id}`."""

    include: list[Includable] = Field(default=[])
    include_obfuscation: bool = True
    starting_after: Annotated[int, Field(ge=0)] | None = None
    stream: bool = False


class InputItemsQuery(WireModel):
    """`GET /responses/{response_id}/input_items`. Cursors are ids of items."""

    include: list[Includable] = Field(default=[])
    limit: Annotated[int, Field(ge=0, le=100)] = LIST_LIMIT
    order: Literal["asc", "desc"] = "desc"
    after: Id | None = None
    before: Id | None = None


def parse_query(model: type[Query], pairs: Sequence[tuple[str, str]]) -> Query:
    """A query string as a model; unknown and empty parameters are ignored. InvalidRequest."""
    known = {name: _value(name, value) for name, value in pairs if name in model.model_fields and value}
    # openai's clients repeat `include[]`; API Gateway joins what is repeated.
    include = [each for name, value in pairs if name in {"include", "include[]"} for each in value.split(",")]
    return validate(model, {**known, "include": include})


def _value(name: str, value: str) -> object:
    """The value that a text stands for; a text that stands for none is refused as one."""
    if name in NUMBERS and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value)
