"""The meter: on a schedule, resolves open rows, samples stored bytes, and charges the days that are over.

The admin function, which has no provider's key, reads providers through it: `{"read": {"provider", "operation", ...}}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from vectorgate.api.errors import ApiError, UpstreamRefused
from vectorgate.bootstrap import SEARCH_PROVIDER, deployed_meter
from vectorgate.entrypoints.function import Event, Function
from vectorgate.ids import ProviderName
from vectorgate.providers.documents import ReaderDocuments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.metering.worker import MeterWorker

    Result: TypeAlias = "Mapping[str, object]"


def act(event: Event, meter: MeterWorker) -> Result:
    """Run one tick, or one read. The schedule's event has no content."""
    read = event.get("read")
    if read is None:
        return meter.tick()
    return answered(read, ReaderDocuments(meter.reconciler.reader, without=SEARCH_PROVIDER))


def answered(read: object, documents: ReaderDocuments) -> Result:
    """The document that was read, or the error. ValueError for an event that is not a read."""
    if not isinstance(read, dict):
        raise ValueError("not a read")  # noqa: TRY004 - an event's content
    try:
        document = documents.get(
            ProviderName(str(read["provider"])), str(read["operation"]), ids=read["ids"], query=read["query"]
        )
    except ApiError as error:
        refused = isinstance(error, UpstreamRefused)
        return {"error": {**error.envelope()["error"], "status": error.status, "refused": refused}}
    return {"document": document}


handler = Function(act, deployed_meter)
