"""Implementations of `engine.ports`: SQLite for rows, index and queue, a folder for bytes, wordllama for embeddings."""
