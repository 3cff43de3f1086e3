"""Names of the request headers that the gateway reads: LiteLLM's where OpenAI has none."""

from __future__ import annotations

from typing import Final

END_USER: Final = ("x-litellm-end-user-id", "x-litellm-customer-id")  # the first one present counts
TAGS: Final = "x-litellm-tags"  # separated by commas
PROVIDER: Final = "custom-llm-provider"  # a header, or a query parameter of the same name
IDEMPOTENCY_KEY: Final = "idempotency-key"
RETRY_COUNT: Final = "x-stainless-retry-count"  # earlier attempts, as the official SDKs declare them
# Seconds after which the official SDKs stop waiting: Python's, and those of other languages.
CLIENT_SECONDS: Final = ("x-stainless-read-timeout", "x-stainless-timeout")
