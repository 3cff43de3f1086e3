"""A program's own httpx client: honoured in full, never closed, and open to the tools that know httpx."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import vectorgate
from tests.factories.sdk_calls import acall
from tests.fakes.upstream import answer, hang, hang_up, refusal, reset, trickle
from tests.harnesses.httpx_clients import BASE, RETRIEVE, Both, stored
from tests.integration.client.conftest import STORE
from vectorgate.client.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.upstream import Act, FaultyUpstream

    Handler = Callable[[httpx.Request], httpx.Response]
    Over = Callable[..., "Both"]

FORMS: Final = pytest.mark.parametrize("form", ["sync", "async"])


@pytest.fixture
def over() -> Iterator[Over]:
    """Make httpx clients with these options; they are closed after the test."""
    made: list[Both] = []
    with asyncio.Runner() as runner:

        def make(*args: Any, **options: Any) -> Both:
            made.append(Both(runner, *args, **options))
            return made[-1]

        yield make
        for both in made:
            both.close()


@FORMS
def test_a_mock_transport_answers(form: str, over: Over) -> None:
    assert over(handler=stored).retrieve(form).name == "/v1/vector_stores/vs_1"


@FORMS
@pytest.mark.parametrize("given", [True, False], ids=["the caller's client", "the SDK's own client"])
def test_respx_answers(form: str, over: Over, *, given: bool) -> None:
    with respx.mock(assert_all_called=True) as router:
        route = router.get(f"{BASE}/vector_stores/vs_1").respond(json={**STORE, "name": "mocked"})
        both = over()
        client = both.client() if given else Client(base_url=BASE, api_key="sk-gate")
        assert both.retrieve(form, client).name == "mocked"
    assert route.calls.last.request.headers["authorization"] == "Bearer sk-gate"


@pytest.fixture
def spans() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider, exporter
    provider.shutdown()


@FORMS
def test_an_instrumented_client_makes_spans(
    form: str, server: FaultyUpstream, spans: tuple[TracerProvider, InMemorySpanExporter], over: Over
) -> None:
    provider, exporter = spans
    both = over(server.url)
    for client in (both.sync, both.awaited):
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
    both.retrieve(form)
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["http.url"] == f"{server.url}/vector_stores/vs_1"
    assert "traceparent" in server.received[0].headers


@FORMS
def test_instrumenting_httpx_as_a_whole_reaches_a_client_of_the_program_s(
    form: str, server: FaultyUpstream, spans: tuple[TracerProvider, InMemorySpanExporter], over: Over
) -> None:
    provider, exporter = spans
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        over(server.url).retrieve(form)
    finally:
        instrumentor.uninstrument()
    assert [span.name for span in exporter.get_finished_spans()] == ["GET"]
    assert "traceparent" in server.received[0].headers


@FORMS
def test_its_mounts_headers_cookies_and_parameters_are_used(form: str, over: Over) -> None:
    seen: list[httpx.Request] = []

    def mounted(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return stored(request)

    transport = httpx.MockTransport(mounted)
    both = over(
        mounts={"all://gateway.example": transport},
        headers={"x-team": "search", "authorization": "Bearer other"},
        cookies={"sticky": "1"},
        params={"tenant": "a b"},
    )
    both.sync.base_url = both.awaited.base_url = httpx.URL("http://elsewhere.example")  # the SDK's own settings decide
    client = both.client()
    both.retrieve(form, client)
    assert str(seen[0].url) == f"{BASE}/vector_stores/vs_1?tenant=a+b"
    assert (seen[0].headers["x-team"], seen[0].headers["cookie"]) == ("search", "sticky=1")
    assert seen[0].headers["authorization"] == "Bearer sk-gate"
    both.retrieve(form, client, extra_query={"limit": 2})
    assert dict(seen[1].url.params) == {"tenant": "a b", "limit": "2"}


@FORMS
def test_its_event_hooks_and_its_authentication_are_used(form: str, over: Over) -> None:
    heard: list[str] = []

    def on_request(request: httpx.Request) -> None:
        heard.append(request.method)

    def on_response(response: httpx.Response) -> None:
        heard.append(response.request.headers["authorization"])

    async def on_request_async(request: httpx.Request) -> None:
        on_request(request)

    async def on_response_async(response: httpx.Response) -> None:
        on_response(response)

    hooks: dict[str, list[Any]] = {"request": [on_request], "response": [on_response]}
    if form == "async":
        hooks = {"request": [on_request_async], "response": [on_response_async]}
    over(handler=stored, auth=("me", "word"), event_hooks=hooks).retrieve(form)
    assert heard == ["GET", httpx.BasicAuth("me", "word")._auth_header]


@FORMS
def test_what_a_hook_raises_is_raised_as_it_is(form: str, over: Over) -> None:
    def raising(response: httpx.Response) -> None:
        response.raise_for_status()

    async def raising_async(response: httpx.Response) -> None:
        response.raise_for_status()

    hook: Any = raising if form == "sync" else raising_async
    both = over(handler=lambda _: httpx.Response(404), event_hooks={"response": [hook]})
    with pytest.raises(httpx.HTTPStatusError):
        both.retrieve(form)


@FORMS
def test_its_proxy_is_used(form: str, server: FaultyUpstream, over: Over) -> None:
    over("http://unreachable.example/v1", proxy=server.url.removesuffix("/v1")).retrieve(form)
    assert server.received[0].path == "http://unreachable.example/v1/vector_stores/vs_1"


@FORMS
def test_it_is_not_closed(form: str, over: Over) -> None:
    both = over(handler=stored)

    async def main() -> None:
        async with both.client() as client:
            await client.vector_stores.aretrieve("vs_1")

    if form == "sync":
        with both.client() as client:
            client.vector_stores.retrieve("vs_1")
        assert not both.sync.is_closed
    else:
        both.runner.run(main())
        assert not both.awaited.is_closed


@FORMS
@pytest.mark.parametrize(
    ("own", "options", "expected"),
    [
        ({}, {}, {"read": 600, "connect": 5}),  # httpx's default of 5 seconds counts as none
        ({"timeout": 30}, {}, {"read": 30, "connect": 30}),
        ({"timeout": httpx.Timeout(None, read=7)}, {}, {"read": 7, "connect": 600}),
        ({"timeout": 900}, {}, {"read": 600, "connect": 600}),
        ({"timeout": 30}, {"timeout": 50}, {"read": 50, "connect": 5}),
        ({"timeout": 30}, {"timeout": 2}, {"read": 2, "connect": 2}),
    ],
)
def test_its_timeouts_hold_where_the_caller_named_none(
    form: str, own: dict[str, Any], options: dict[str, Any], expected: dict[str, float], over: Over
) -> None:
    seen: list[dict[str, float]] = []

    def noted(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return stored(request)

    both = over(handler=noted, **own)
    both.retrieve(form, **options)
    both.retrieve(form, both.client(**options))
    for timeouts in seen:
        assert {name: timeouts[name] for name in expected} == pytest.approx(expected, abs=0.5)


@FORMS
def test_a_call_over_it_ends_in_its_total_time(form: str, server: FaultyUpstream, over: Over) -> None:
    server.always(trickle)
    began = time.monotonic()
    with pytest.raises(vectorgate.APITimeoutError) as error:
        over(server.url).retrieve(form, timeout=0.3)
    assert 0.25 < time.monotonic() - began < 5
    assert isinstance(error.value.__cause__, httpx.ReadTimeout)


@FORMS
@pytest.mark.parametrize(
    ("act", "cause"), [(hang_up, httpx.RemoteProtocolError), (reset, httpx.ReadError), (hang, httpx.ReadTimeout)]
)
@pytest.mark.parametrize("given", [True, False], ids=["the caller's client", "the SDK's own client"])
def test_an_error_s_cause_is_httpx_s(
    form: str, act: Act, cause: type[Exception], server: FaultyUpstream, over: Over, *, given: bool
) -> None:
    server.always(act)
    both = over(server.url)
    client = both.client() if given else Client(base_url=server.url, api_key="sk-gate", max_retries=0)
    with pytest.raises(vectorgate.APIConnectionError) as error:
        both.retrieve(form, client, timeout=0.3)
    assert isinstance(error.value, vectorgate.APITimeoutError) == (act is hang)
    assert type(error.value.__cause__) is cause
    client.close()


NOT_SENT: Final = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
KINDS: Final = [
    kind
    for kind in vars(httpx).values()
    if isinstance(kind, type) and issubclass(kind, httpx.RequestError) and kind is not httpx.RequestError
]


@FORMS
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_becomes_an_error_of_the_sdk(
    form: str, kind: type[httpx.RequestError], over: Over
) -> None:
    def failing(request: httpx.Request) -> httpx.Response:
        raise kind("no", request=request)

    with pytest.raises(vectorgate.APIConnectionError) as error:
        over(handler=failing).call(form, "vector_stores.create")
    assert isinstance(error.value.__cause__, kind)
    assert isinstance(error.value, vectorgate.APITimeoutError) == issubclass(kind, httpx.TimeoutException)
    assert error.value.outcome_unknown == (kind.__name__ not in NOT_SENT)
    assert "sk-gate" not in repr(vars(error.value))


@FORMS
def test_a_form_is_encoded_by_httpx_and_repeated_byte_for_byte(form: str, over: Over) -> None:
    bodies: list[bytes] = []

    def again(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        assert int(request.headers["content-length"]) == len(request.content)
        return httpx.Response(200 if len(bodies) > 1 else 429, json={"id": "file-1"}, headers={"retry-after-ms": "1"})

    stream = io.BytesIO(b"before" + b"text")
    stream.seek(6)
    both = over(handler=again)
    client = both.client(max_retries=1)
    upload: dict[str, Any] = {"file": ("a.md", stream), "purpose": "assistants"}
    _ = client.files.create(**upload) if form == "sync" else both.runner.run(client.files.acreate(**upload))
    assert bodies[0] == bodies[1]
    assert b'filename="a.md"\r\nContent-Type: application/octet-stream\r\n\r\ntext\r\n' in bodies[0]
    assert b"before" not in bodies[0]
    assert not stream.closed


def test_compressed_content_is_decoded(server: FaultyUpstream, over: Over) -> None:

    packed = gzip.compress(json.dumps(STORE).encode())
    server.always(answer(200, packed, {"content-encoding": "gzip"}))
    assert over(server.url).retrieve("sync").id == "vs_1"
    assert "gzip" in server.received[0].headers["accept-encoding"]


@FORMS
def test_a_call_may_have_a_client_of_its_own(form: str, monkeypatch: pytest.MonkeyPatch, over: Over) -> None:
    monkeypatch.setenv("VECTORGATE_BASE_URL", BASE)
    monkeypatch.setenv("VECTORGATE_API_KEY", "k")

    def paged(request: httpx.Request) -> httpx.Response:
        more = "after" not in request.url.params
        return httpx.Response(200, json={"data": [{"id": "vs_2" if more else "vs_3"}], "has_more": more})

    both = over(handler=paged)

    async def main() -> list[str]:
        listed = vectorgate.vector_stores.alist(http_client=both.awaited)
        return [store.id async for store in listed]

    if form == "sync":
        found = [store.id for store in vectorgate.vector_stores.list(http_client=both.sync)]
    else:
        found = both.runner.run(main())
    assert found == ["vs_2", "vs_3"]


def test_a_client_of_the_other_form_is_a_type_error(over: Over) -> None:
    both = over(handler=stored)
    with pytest.raises(TypeError, match=r"a synchronous call needs an httpx.Client, not AsyncClient"):
        Client(http_client=both.awaited)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"an awaited call needs an httpx.AsyncClient, not Client"):
        Client(async_http_client=both.sync)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not AsyncClient"):
        both.retrieve("sync", http_client=both.awaited)
    with pytest.raises(TypeError, match="not Client"):
        both.retrieve("async", http_client=both.sync)


def test_without_one_the_sdk_makes_its_own_upon_the_first_call(server: FaultyUpstream, over: Over) -> None:
    server.will(refusal(503))
    with Client(base_url=server.url, api_key="k", http_client=over(server.url).sync) as client:
        assert asyncio.run(acall(client, RETRIEVE)).id == "vs_1"
    assert server.calls == 2
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_an_impossible_url_is_a_settings_error() -> None:
    with pytest.raises(vectorgate.SettingsError, match="the URL cannot be called"):
        Client(base_url="http://gateway.example:port/v1", api_key="k").vector_stores.retrieve("vs_1")
