"""What is said of the ledger: rollups, and the spend log."""
