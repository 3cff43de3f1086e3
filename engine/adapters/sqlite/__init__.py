"""Rows, queue and index in SQLite: `catalogue.db`, and an index file for each store."""
