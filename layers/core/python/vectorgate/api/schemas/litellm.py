"""Split off the fields that LiteLLM's clients add to OpenAI's, before the body is validated.

They are selected from LiteLLM's parameters (`litellm.types.utils.all_litellm_params`) by whether the call has the same
meaning without them.

* Used: `custom_llm_provider`, `user`, `mock_response`, `tags`.
* Dropped: ids for tracing (`litellm_*_id`, `litellm_metadata`), and options of retries, timeouts, caching, logging and
  guardrails, which are the gateway's to decide.
* Left in place, and so refused as unknown: everything that selects a host, a credential or a header (`api_base`,
  `api_key`, `base_url`, `api_version`, `headers`, `extra_*`, `litellm_credential_name`, `fallbacks`, `langfuse_*`),
  and ids that belong in the path (`vector_store_id`).

Only top-level fields are considered. `metadata` is OpenAI's and stays. In a form, `mock_response` and `tags` are left
in place, too, because they are not text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.schemas.parsing import validate
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.schemas.litellm_used import UsedFields

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
    """The values of the used fields. `mock_response` is the body to answer with, instead of the provider's."""

    provider: str | None = None
    user: str | None = None
    mock_response: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()


def split_litellm_fields(body: dict[str, object]) -> tuple[dict[str, object], LiteLLMFields]:
    """Split `body` into the fields without LiteLLM's, and LiteLLM's. InvalidRequest when a used one is malformed."""
    used = _used(body, USED)
    rest = {name: value for name, value in body.items() if name not in USED and name not in DROPPED}
    return rest, LiteLLMFields(used.custom_llm_provider, used.user, used.mock_response, tuple(used.tags or ()))


def split_litellm_form_fields(fields: Mapping[str, str]) -> tuple[dict[str, str], LiteLLMFields]:
    """Split the text fields of a form in the same way. InvalidRequest."""
    used = _used(fields, USED_IN_FORMS)
    rest = {name: value for name, value in fields.items() if name not in USED_IN_FORMS and name not in DROPPED}
    return rest, LiteLLMFields(used.custom_llm_provider, used.user)


def _used(given: Mapping[str, object], names: frozenset[str]) -> UsedFields:
    from vectorgate.api.schemas.litellm_used import UsedFields  # noqa: PLC0415 - other clients send none of them

    return validate(UsedFields, {name: value for name, value in given.items() if name in names})
