"""Execute a repeated write once: idempotency keys, and the automatic retries of the official SDKs."""
