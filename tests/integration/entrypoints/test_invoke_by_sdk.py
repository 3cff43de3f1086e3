"""The SDK with `VECTORGATE_FUNCTION`: the same calls over Lambda's API, in both forms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import vectorgate
from tests.fakes.upstream import FaultyUpstream, answer, hang
from tests.harnesses.local_process import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.upstream import Act


def environment(monkeypatch: pytest.MonkeyPatch, endpoint: str, credentials: tuple[str, str] = ("a", "b")) -> None:
    """Set the environment of a program that has AWS credentials and a function's name."""
    for name in ("VECTORGATE_BASE_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    access_key = {"AWS_ACCESS_KEY_ID": credentials[0], "AWS_SECRET_ACCESS_KEY": credentials[1]}
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "VECTORGATE_FUNCTION": "vectorgate-invoke",
        "VECTORGATE_API_KEY": KEY,
    }
    for name, value in {**access_key, **settings, "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(base_url: str, credentials: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[vectorgate.Client]:
    """The SDK's client of local mode."""
    environment(monkeypatch, base_url, credentials)
    with vectorgate.Client() as client:
        yield client


def test_both_forms_work_through_lambda(client: vectorgate.Client) -> None:
    store = client.vector_stores.create(name="Über Lambda", user="José", tags=["t"])
    assert store.name == "Über Lambda"
    assert store.response_cost == 0
    assert store.call_id
    file = client.files.create(file=("a.md", b"# Returns within thirty days"), purpose="assistants")

    async def main() -> None:
        async with vectorgate.Client() as other:
            done = await other.vector_stores.files.acreate_and_poll(
                file.id, vector_store_id=store.id, poll_interval_ms=20
            )
            assert done.status == "completed"
            found = await other.vector_stores.asearch(store.id, "returns")
            assert found.data[0].file_id == file.id
            with pytest.raises(vectorgate.NotFoundError, match="No vector store found"):
                await other.vector_stores.aretrieve("vs_none")

    asyncio.run(main())
    names = [item.id for item in client.vector_stores.list(limit=1)]
    assert store.id in names


def test_headers_cannot_travel_and_that_is_said(client: vectorgate.Client) -> None:
    with pytest.raises(vectorgate.SettingsError, match="extra_headers"):
        client.vector_stores.list(extra_headers={"x": "y"})


def aws(status: int, kind: str) -> Act:
    """Return an error of Lambda itself."""
    return answer(status, {"Type": "User", "Message": f"says {kind}"}, {"x-amzn-errortype": kind})


@pytest.mark.parametrize(
    ("acts", "kind", "code", "calls"),
    [
        ([aws(404, "ResourceNotFoundException")], vectorgate.NotFoundError, "ResourceNotFoundException", 1),
        ([aws(403, "AccessDeniedException")], vectorgate.PermissionDeniedError, "AccessDeniedException", 1),
        ([aws(429, "TooManyRequestsException")] * 2, vectorgate.RateLimitError, "TooManyRequestsException", 2),
        (
            [answer(200, {"errorType": "X"}, {"x-amz-function-error": "Unhandled"})] * 2,
            vectorgate.InternalServerError,
            "function_error",
            2,
        ),
        ([answer(200, {"no": "result"})] * 2, vectorgate.InternalServerError, "function_error", 2),
        ([answer(200, b"<html>")] * 2, vectorgate.InternalServerError, "function_error", 2),
    ],
)
def test_lambda_s_own_failures_are_typed_errors(
    acts: list[Act],
    kind: type[vectorgate.APIStatusError],
    code: str,
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FaultyUpstream(hang) as server:
        environment(monkeypatch, server.url.removesuffix("/v1"))
        server.will(*acts)
        with vectorgate.Client(max_retries=1) as client, pytest.raises(kind) as error:
            client.vector_stores.create(name="n")
        assert error.value.code == code
        assert server.calls == calls
        keys = {received.document["idempotency_key"] for received in server.received}
        assert len(keys) == 1
        assert all("aws4-hmac-sha256" in received.headers["authorization"].lower() for received in server.received)
