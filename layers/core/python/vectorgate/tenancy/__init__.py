"""Ownership of stores, files, batches and uploads. An owner never changes; to others the object does not exist."""
