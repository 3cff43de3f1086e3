"""The egress: the HTTP adapter, its transport, timeouts and outcomes."""
