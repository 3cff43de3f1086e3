"""Exports: each settled row of the ledger, as one document, to where people look already (docs/exports.md)."""
