"""The schema of the fields of LiteLLM's clients that are used: see `litellm`."""

from typing import Annotated, Any, Final

from pydantic import Field

from vectorgate.api.schemas.fields import TAG_MAX, TAGS_MAX, WireModel

PROVIDER_MAX: Final = 64
USER_MAX: Final = 256


class UsedFields(WireModel):
    """Null counts as absent, because LiteLLM's client sends it."""

    custom_llm_provider: Annotated[str, Field(min_length=1, max_length=PROVIDER_MAX)] | None = None
    user: Annotated[str, Field(max_length=USER_MAX)] | None = None
    mock_response: dict[str, Any] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=TAG_MAX)]], Field(max_length=TAGS_MAX)] | None = None
