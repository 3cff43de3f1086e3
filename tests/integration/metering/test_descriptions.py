"""The meter writes down how stores are described, for lists that cannot ask the provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import refusal
from vectorgate.bootstrap import build_meter
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.store_errors import StoreUnavailable
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    import openai

    from tests.harnesses.gateway import Connect, GatewayHarness

OPENAI = ProviderName("openai")


@pytest.fixture
def client(harness: GatewayHarness, connect: Connect) -> openai.OpenAI:
    return connect(harness.key("sk-described", team="red"))


def sample(harness: GatewayHarness, **changes: Any) -> None:
    """Sample the provider once."""
    harness.time.skip(60)
    build_meter(harness.settings, replace(harness.deps, **changes)).sampler.sample(OPENAI)


def test_a_store_is_last_known_as_the_meter_saw_it_at_its_last_change(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    store = client.vector_stores.create(name="x").id
    sample(harness)
    for usage in (77, 78):
        harness.openai.stores[store] |= {"usage_bytes": usage, "status": "in_progress", "name": f"{usage} bytes"}
        sample(harness)
    harness.upstream.always(refusal(500))
    (shown,) = client.vector_stores.list().data
    assert (shown.usage_bytes, shown.status, shown.name) == (78, "in_progress", "78 bytes")


def test_a_store_of_an_early_release_is_known_from_its_first_sample_on(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    store = client.vector_stores.create(name="x").id
    ref = ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(store))
    harness.stores.ownership.keep_snapshot(ref, TenantId("team:red"), None)  # type: ignore[arg-type]
    sample(harness)
    harness.upstream.always(refusal(500))
    (shown,) = client.vector_stores.list().data
    assert (shown.name, shown.status) == ("x", "completed")


def test_a_store_without_a_tenant_is_metered_and_not_described(harness: GatewayHarness) -> None:
    harness.openai.stores["vs_past"] = store_document("vs_past")
    sample(harness)
    assert [meter.id for meter in harness.stores.meters.meters(OPENAI)] == ["vs_past"]
    ref = ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId("vs_past"))
    assert harness.stores.ownership.owners([ref]) == {}


def test_a_description_that_cannot_be_written_stops_no_sample(
    harness: GatewayHarness, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.vector_stores.create(name="x")

    def refuse(*_: object) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(harness.stores.ownership, "keep_snapshot", refuse)
    sample(harness)
    assert len(harness.stores.meters.meters(OPENAI)) == 1
    store = client.vector_stores.list().data[0].id
    assert client.vector_stores.update(store, name="y").name == "y"
