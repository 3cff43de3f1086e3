"""The record of every operation, from before it is forwarded until its cost is booked. README.md has the invariants."""
