"""Ownership of stores, files, batches and uploads. Only administrators change owners; foreign equals absent."""
