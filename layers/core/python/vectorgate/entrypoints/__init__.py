"""Lambda entry points: one module for each function, whose `functions/<name>/app.py` imports its handler."""
