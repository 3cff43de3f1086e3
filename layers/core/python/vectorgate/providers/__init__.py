"""What differs between providers, as pure functions: build the upstream request, read the upstream answer. No I/O."""
