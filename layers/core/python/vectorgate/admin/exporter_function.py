"""Tests of destinations by the exporter function: the admin function has none of their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.admin.meter_function import InvocationFailed, invocation
from vectorgate.api.errors import Unavailable
from vectorgate.exports.ports import Checked

if TYPE_CHECKING:
    from vectorgate.settings import Settings


class ExporterFunction:
    """ExportCheck by Lambda's Invoke. Nothing is chosen where there is no such function."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, destination: str) -> Checked:
        """One invocation. Unavailable where it fails."""
        name, region, endpoint_url = self._settings.export_function, self._settings.region, self._settings.endpoint_url
        if name is None:
            return Checked(chosen=())
        try:
            answer = invocation(name, {"check": destination}, region, endpoint_url)
        except InvocationFailed as failure:
            message = f"The exporter function cannot be reached: {failure}."
            raise Unavailable(message, code="service_unavailable") from failure
        error, chosen = answer.get("error"), answer.get("chosen")
        return Checked(
            error=None if error is None else str(error),
            chosen=tuple(map(str, chosen)) if isinstance(chosen, list) else None,
        )
