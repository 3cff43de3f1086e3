"""A write that is asked for twice is done once: explicit keys, and the retries that the SDKs make by themselves."""
