"""The request headers that mean something here, by name. LiteLLM's names where OpenAI has none."""

from __future__ import annotations

from typing import Final

END_USER: Final = ("x-litellm-end-user-id", "x-litellm-customer-id")  # the first that is there counts
TAGS: Final = "x-litellm-tags"  # separated by commas
PROVIDER: Final = "custom-llm-provider"  # a header, or a query parameter of the same name
IDEMPOTENCY_KEY: Final = "idempotency-key"
RETRY_COUNT: Final = "x-stainless-retry-count"  # how often the official SDKs say that they tried before
