"""Secrets of tests: no eight characters of one are in another, nor in any other text that a test makes."""

from __future__ import annotations

import json

MASTER_KEY = "sk-Mq7RwXz0Lp4TnB9vKc2J"
PROVIDER_KEY = "sk-proj_U3hYdE6sGfA1oZiW8xNb"


def secret_text(base_url: str, api_key: str = PROVIDER_KEY) -> str:
    """Return the JSON that a provider's secret holds."""
    return json.dumps({"type": "openai", "base_url": base_url, "api_key": api_key})
