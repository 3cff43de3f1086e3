"""Rows as a table, JSON or CSV: each command states its columns, and this package writes them."""

from vectorgate.client.cli.output.columns import Column, Kind
from vectorgate.client.cli.output.render import Format, show, show_one

__all__ = ["Column", "Format", "Kind", "show", "show_one"]
