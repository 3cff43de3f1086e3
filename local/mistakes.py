"""Mistakes of the operator, each printed as one line."""

from __future__ import annotations


class CannotStart(Exception):
    """A mistake of the operator. The message is the line that is printed, and never contains a credential."""


def one_line(error: Exception) -> str:
    """The message of an error, on one line."""
    return " ".join(str(error).split())
