"""Mistakes of the operator's, each told as one line."""

from __future__ import annotations


class CannotStart(Exception):
    """A mistake of the operator's. The message is the line that is printed, and never holds a credential."""


def one_line(error: Exception) -> str:
    """The message of an error, on one line."""
    return " ".join(str(error).split())
