"""The meter: on a schedule, resolves open rows, samples stored bytes, and charges the days that are over.

The admin function, which has no provider's key, reads providers through it: `{"read": {"provider", "operation", ...}}`.
It deletes a store for its owner: `{"delete": {"provider", "vector_store_id", "tenant", "alias"}}`. It compares OpenAI's
bill with our records: `{"bill": {"first_day", "last_day"}}`, days since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from vectorgate.api.errors import ApiError, Unavailable, UpstreamRefused
from vectorgate.bootstrap import SEARCH_PROVIDER, deployed_gateway, deployed_meter, deployed_telemetry
from vectorgate.entrypoints.function import Event, Function
from vectorgate.ids import ObjectId, ProviderName, TenantId
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.metering.worker import MeterWorker
    from vectorgate.providers.reader import Document

    Result: TypeAlias = "Mapping[str, object]"


def act(event: Event, meter: MeterWorker) -> Result:
    """Run one tick, one read, one deletion or one comparison. The schedule's event has no content."""
    deletion = event.get("delete")
    if deletion is not None:
        from vectorgate.gateway.store_deletion import StoreDeletion  # noqa: PLC0415 - no tick needs a gateway

        return deleted(deletion, StoreDeletion(deployed_gateway()))
    read, bill = event.get("read"), event.get("bill")
    if read is None and bill is None:
        return meter.tick()
    bills = meter.bill.document if meter.bill is not None else None
    documents = ReaderDocuments(meter.reconciler.reader, without=SEARCH_PROVIDER, bills=bills)
    return answered(read, documents) if bill is None else billed(bill, documents)


def answered(read: object, documents: ReaderDocuments) -> Result:
    """The document that was read, or the error. ValueError for an event that is not a read."""
    if not isinstance(read, dict):
        raise ValueError("not a read")  # noqa: TRY004 - an event's content
    provider, operation = ProviderName(str(read["provider"])), str(read["operation"])
    return _result(lambda: documents.get(provider, operation, ids=read["ids"], query=read["query"]))


def billed(bill: object, documents: ReaderDocuments) -> Result:
    """The comparison, or the error. ValueError for an event that asks for none."""
    first, last = (bill.get("first_day"), bill.get("last_day")) if isinstance(bill, dict) else (None, None)
    if not isinstance(first, int) or not isinstance(last, int):
        raise ValueError("not days")  # noqa: TRY004 - an event's content
    return _result(lambda: documents.bill(first, last))


def _result(read: Callable[[], Document]) -> Result:
    try:
        return {"document": read()}
    except StoreError:
        error: ApiError = Unavailable("The database cannot be reached at this moment.", code="store_unavailable")
    except ApiError as raised:
        error = raised
    refused = isinstance(error, UpstreamRefused)
    return {"error": {**error.envelope()["error"], "status": error.status, "refused": refused}}


def deleted(deletion: object, delete: Callable[[ProviderName, ObjectId, TenantId, str], None]) -> Result:
    """The id of the deleted store, or the error that it ended with. ValueError for what is no deletion."""
    if not isinstance(deletion, dict):
        raise ValueError("not a deletion")  # noqa: TRY004 - an event's content
    store_id, tenant = ObjectId(str(deletion["vector_store_id"])), TenantId(str(deletion["tenant"]))
    try:
        delete(ProviderName(str(deletion["provider"])), store_id, tenant, str(deletion["alias"]))
    except ApiError as error:
        return {"error": {**error.envelope()["error"], "status": error.status}}
    return {"deleted": store_id}


handler = Function(act, deployed_meter, deployed_telemetry)
