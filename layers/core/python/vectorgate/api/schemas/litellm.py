"""Fields of LiteLLM's own that its clients put beside OpenAI's: taken off before the body is validated.

Chosen from LiteLLM's list of parameters (`litellm.types.utils.all_litellm_params`) by one question: can the
call mean the same without it?

* Used here: `custom_llm_provider`, `user`, `mock_response`, `tags`.
* Dropped: names that trace a call (`litellm_*_id`, `litellm_metadata`), and wishes about retries, time, caching,
  logging and guardrails, which are the gateway's to decide.
* Left in place, and so refused as unknown: all that chooses or carries a host, a credential or a header (`api_base`,
  `api_key`, `base_url`, `api_version`, `headers`, `extra_*`, `litellm_credential_name`, `fallbacks`, `langfuse_*`),
  and ids that belong to the path (`vector_store_id`).

Only the top level is looked at. `metadata` is OpenAI's and stays. Of a form the same holds, but that
`mock_response` and `tags`, which are no text, are left in place as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from vectorgate.api.schemas.fields import WireModel
from vectorgate.api.schemas.parsing import validate

PROVIDER_MAX: Final = 64
USER_MAX: Final = 256
TAGS_MAX: Final = 32
TAG_MAX: Final = 128

USED: Final = frozenset({"custom_llm_provider", "user", "mock_response", "tags"})
USED_IN_FORMS: Final = frozenset({"custom_llm_provider", "user"})
DROPPED: Final = frozenset(
    {
        "cache",
        "caching",
        "drop_params",
        "guardrails",
        "litellm_call_id",
        "litellm_metadata",
        "litellm_session_id",
        "litellm_trace_id",
        "max_retries",
        "no-log",
        "num_retries",
        "request_timeout",
        "timeout",
    }
)


LITELLM_FIELDS: Final = USED | DROPPED


@dataclass(frozen=True, slots=True)
class LiteLLMFields:
    """What a client said to LiteLLM rather than to OpenAI. `mock_response` is the body it would like to be answered."""

    provider: str | None = None
    user: str | None = None
    mock_response: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()


class _Said(WireModel):
    """The fields as they arrive; null is as good as absent, for LiteLLM's own client sends it."""

    custom_llm_provider: Annotated[str, Field(min_length=1, max_length=PROVIDER_MAX)] | None = None
    user: Annotated[str, Field(max_length=USER_MAX)] | None = None
    mock_response: dict[str, Any] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=TAG_MAX)]], Field(max_length=TAGS_MAX)] | None = None


def take_litellm_fields(body: dict[str, object]) -> tuple[dict[str, object], LiteLLMFields]:
    """`body` without LiteLLM's fields, and those fields. Raises `InvalidRequest` if one that is used is malformed."""
    said = validate(_Said, {name: value for name, value in body.items() if name in USED})
    rest = {name: value for name, value in body.items() if name not in USED and name not in DROPPED}
    return rest, LiteLLMFields(said.custom_llm_provider, said.user, said.mock_response, tuple(said.tags or ()))


def take_litellm_form_fields(fields: Mapping[str, str]) -> tuple[dict[str, str], LiteLLMFields]:
    """The same of a form's text fields."""
    said = validate(_Said, {name: value for name, value in fields.items() if name in USED_IN_FORMS})
    rest = {name: value for name, value in fields.items() if name not in USED_IN_FORMS and name not in DROPPED}
    return rest, LiteLLMFields(said.custom_llm_provider, said.user)
