"""Exports: each settled row of the ledger, as one document, to an operator's other systems (docs/exports.md)."""
