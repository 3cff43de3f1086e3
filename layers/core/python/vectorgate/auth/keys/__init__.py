"""Virtual keys: the API keys that the gateway issues to its callers."""
