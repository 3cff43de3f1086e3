"""The record of every operation, from before it is forwarded until its cost is settled. See README.md."""
