"""`make smoke STACK=...`: try a deployed stack, say what was proven, and leave nothing behind."""
