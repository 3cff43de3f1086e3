"""The columns that teams and end users share."""

from __future__ import annotations

from typing import Final

from vectorgate.client.cli.output import Column, Kind

BUDGET: Final = (
    Column("spend", "spend", Kind.USD),
    Column("budget", "max_budget", Kind.USD),
    Column("period", "budget_duration"),
    Column("resets", "budget_reset_at", Kind.TIME),
    Column("blocked", "blocked", Kind.FLAG),
)
DETAILS: Final = (
    Column("soft budget", "soft_budget", Kind.USD),
    Column("reserved", "reserved", Kind.USD),
    Column("storage not charged yet", "pending_storage_spend", Kind.USD),
    Column("requests a minute", "rpm_limit", Kind.NUMBER),
    Column("tokens a minute", "tpm_limit", Kind.NUMBER),
    Column("requests at a time", "max_parallel_requests", Kind.NUMBER),
    Column("spend by call type", "spend_by_call_type"),
    Column("metadata", "metadata"),
)
CLEARED: Final = ("max_budget", "soft_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests")
