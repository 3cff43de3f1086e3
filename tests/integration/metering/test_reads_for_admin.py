"""The admin function reads a provider through the meter function, and has no provider's key itself."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.factories.secrets import MASTER_KEY
from vectorgate.admin import meter_function
from vectorgate.admin.meter_function import MeterFunction
from vectorgate.api.errors import ApiError, NotFound
from vectorgate.bootstrap import build_meter
from vectorgate.entrypoints import meter as meter_entrypoint
from vectorgate.entrypoints.meter import handler
from vectorgate.ids import ProviderName, TenantId

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness

OPENAI = ProviderName("openai")


class FakeLambda:
    """Lambda's Invoke of one meter function. `failing`: its answer says that the function failed."""

    def __init__(self, harness: GatewayHarness) -> None:
        self.meter = handler.bound_to(build_meter(harness.settings, harness.deps))
        self.failing = False
        self.reachable = True

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "vg-meter"
        if not self.reachable:
            raise EndpointConnectionError(endpoint_url="-")
        content = json.dumps(self.meter(json.loads(Payload), None)).encode()
        return {"Payload": io.BytesIO(content)} | ({"FunctionError": "Unhandled"} if self.failing else {})


@pytest.fixture
def aws(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> FakeLambda:
    """The deployment's Lambda."""
    fake = FakeLambda(harness)
    monkeypatch.setattr(meter_function, "_client", lambda *_: fake)
    return fake


@pytest.mark.usefixtures("aws")
def test_a_list_and_an_object_are_read_through_the_meter_function(harness: GatewayHarness) -> None:
    made = harness.openai._new_store({"name": "old"})
    reads = MeterFunction("vg-meter")
    listed = reads.get(OPENAI, "vector_stores.list", query={"limit": "100", "order": "asc"})
    assert listed["data"] == [{**made, "bytes": 0}]
    assert reads.get(OPENAI, "vector_stores.retrieve", ids={"vector_store_id": made["id"]}) == {**made, "bytes": 0}


@pytest.mark.usefixtures("aws")
def test_the_providers_refusal_and_an_unknown_provider_are_those_errors_again() -> None:
    reads = MeterFunction("vg-meter")
    for provider, status in ((OPENAI, 404), (ProviderName("other"), 400)):
        with pytest.raises(ApiError) as caught:
            reads.get(provider, "vector_stores.retrieve", ids={"vector_store_id": "vs_none"})
        assert caught.value.status == status


def test_a_store_is_deleted_through_the_meter_function_by_its_owner_alone(
    aws: FakeLambda, harness: GatewayHarness, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_entrypoint, "deployed_gateway", lambda: harness.gateway)
    made = connect(harness.key("sk-red", team="red")).vector_stores.create(name="s")
    functions = MeterFunction("vg-meter")
    for tenant, provider, status in (("team:blue", OPENAI, 404), ("team:red", ProviderName("other"), 400)):
        with pytest.raises(ApiError) as caught:
            functions.delete_store(provider, made.id, TenantId(tenant), "administrator")
        assert caught.value.status == status
    functions.delete_store(OPENAI, made.id, TenantId("team:red"), "administrator")
    assert harness.rows()[-1].key_alias == "administrator"
    assert made.id not in harness.openai.stores
    with pytest.raises(ValueError, match="not a deletion"):
        aws.meter({"delete": "x"}, None)


@pytest.mark.usefixtures("aws")
def test_a_bill_is_compared_by_the_meter_function_and_is_404_without_an_admin_key() -> None:
    with pytest.raises(NotFound) as caught:
        MeterFunction("vg-meter").bill(20_500, 20_501)
    assert (caught.value.status, caught.value.code) == (404, "admin_key_not_configured")


def test_what_cannot_be_read_is_503(aws: FakeLambda) -> None:
    aws.failing = True
    reads = {"failed": MeterFunction("vg-meter"), "not configured": MeterFunction(None)}
    for why, each in reads.items():
        with pytest.raises(ApiError, match=why) as caught:
            each.get(OPENAI, "vector_stores.list")
        assert caught.value.status == 503
    aws.reachable = False
    with pytest.raises(ApiError, match="EndpointConnectionError"):
        MeterFunction("vg-meter").get(OPENAI, "vector_stores.list")


def test_the_meter_function_reads_nothing_but_stores_and_files(aws: FakeLambda) -> None:
    for read in ({"provider": "openai", "operation": "files.content", "ids": {}, "query": {}}, "x"):
        with pytest.raises(ValueError, match="not a read"):
            aws.meter({"read": read}, None)


@pytest.mark.parametrize("text", ["../files", "vs_1/files", "vs_1?limit=1", "vs_1#x", "%2e%2e", "", "vs_1\n"], ids=repr)
def test_no_text_that_is_no_id_becomes_a_part_of_the_providers_path(
    aws: FakeLambda, harness: GatewayHarness, text: str
) -> None:
    read = {"provider": "openai", "operation": "vector_stores.retrieve", "ids": {"vector_store_id": text}, "query": {}}
    with pytest.raises(ValueError, match="not a read"):
        aws.meter({"read": read}, None)
    assert harness.upstream.calls == 0


def test_a_store_is_adopted_by_http_and_is_then_the_teams(harness: GatewayHarness, http: Any, connect: Any) -> None:
    made = harness.openai._new_store({"name": "old"})
    client = connect(harness.key("sk-red", team="red"))
    other = connect(harness.key("sk-blue", team="blue"))
    assert [store.id for store in client.vector_stores.list()] == []
    admin = {"authorization": f"Bearer {MASTER_KEY}"}
    http.post("/team/new", headers=admin, json={"team_id": "red"})
    unowned = http.get("/vector_stores/unowned", headers=admin).json()
    assert [(each["id"], each["adoptable"]) for each in unowned["data"]] == [(made["id"], True)]
    body = {"team_id": "red", "all": True, "dry_run": False}
    assert http.post("/vector_stores/adopt", headers=admin, json=body).json()["outcomes"] == {"adopted": 1}
    assert client.vector_stores.retrieve(made["id"]).name == "old"
    assert [store.id for store in client.vector_stores.list()] == [made["id"]]
    assert list(client.vector_stores.search(made["id"], query="q")) == []
    assert [store.id for store in other.vector_stores.list()] == []
    assert http.get("/vector_stores/unowned", headers=admin).json()["data"] == []
    assert http.get("/vector_stores/unowned", headers={"authorization": "Bearer sk-red"}).status_code == 401
    assert client.vector_stores.with_raw_response.list(extra_query={"limit": 1}).http_response.status_code == 200
