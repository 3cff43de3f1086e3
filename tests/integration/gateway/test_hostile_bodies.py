"""Row 13 of docs/security.md over a socket: a hostile body gets a typed 4xx, quickly, without using memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.requests import BOUNDARY, FORM_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.harnesses.gateway import GatewayHarness, GatewayServer

KEY = "sk-hostile-client"
AUTHORISED = {"authorization": f"Bearer {KEY}"}
JSON = {**AUTHORISED, "content-type": "application/json"}
FORM = {**AUTHORISED, "content-type": FORM_TYPE}
QUICKLY = 1.5  # seconds of the processor, which client and server share: other programs on the machine do not count
MB = 1_000_000


@pytest.fixture
def url(harness: GatewayHarness, gateway_server: GatewayServer) -> str:
    harness.key(KEY)
    return f"{gateway_server.url}/v1"


def post(http_client: httpx2.Client, url: str, content: Any, headers: dict[str, str]) -> httpx2.Response:
    """Send a request, check that the answer is quick, and return it."""
    began = time.process_time()
    response = http_client.post(url, content=content, headers=headers)
    assert time.process_time() - began < QUICKLY
    return response


def assert_typed(response: httpx2.Response, *statuses: int) -> None:
    assert response.status_code in statuses
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) < 1_000


BODIES: dict[str, tuple[bytes, int]] = {
    "10 MB of blanks": (b" " * 10 * MB, 413),
    "10 MB of name": (b'{"name": "' + b"a" * 10 * MB + b'"}', 413),
    "nested 10^5 deep": (b"[" * 100_000, 400),
    "nested objects": (b'{"a":' * 40_000, 400),
    "nested and closed": (b'{"metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "many empty arrays": (b'{"a": [' + b"[]," * 80_000 + b"[]]}", 400),
    "NaN": (b'{"expires_after": {"anchor": "last_active_at", "days": NaN}}', 400),
    "Infinity": (b'{"name": Infinity}', 400),
    "1e999": (b'{"name": 1e999}', 400),
    "a huge integer": (b'{"expires_after": {"anchor": "last_active_at", "days": ' + b"9" * 200_000 + b"}}", 400),
    "a key twice": (b'{"name": "a", "name": "b"}', 400),
    "an inner key twice": (b'{"metadata": {"a": "1", "a": "2"}}', 400),
    "an escaped key twice": (b'{"name": "a", "n\\u0061me": "b"}', 400),
    "a lone surrogate": (b'{"name": "\\ud800"}', 400),
    "a lone surrogate in a key": (b'{"metadata": {"\\udfff": "a"}}', 400),
    "no UTF-8": (b'{"name": "\xff"}', 400),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), 400),
    "a byte order mark": (b'\xef\xbb\xbf{"name": "a"}', 400),
    "a NUL": (b'{"name": "a"}\0', 400),
    "two documents": (b"{}{}", 400),
    "a comment": (b"{} // x", 400),
    "an array": (b"[]", 400),
    "a string": (b'"name"', 400),
    "null": (b"null", 400),
    "a list for a string": (b'{"name": ["a"]}', 400),
    "too many files": (json.dumps({"file_ids": ["file-1"] * 501}).encode(), 400),
    "a path for a file": (b'{"file_ids": ["../../etc/passwd"]}', 400),
    "__proto__": (b'{"__proto__": {"admin": true}}', 400),
}


@pytest.mark.parametrize("name", list(BODIES))
def test_a_hostile_body_is_a_typed_refusal_and_reaches_no_provider(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, name: str
) -> None:
    content, status = BODIES[name]
    assert_typed(post(http_client, f"{url}/vector_stores", content, JSON), status)
    assert harness.upstream.calls == 0
    assert harness.row().status_code == status


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "a" * 5_000,
        "json",
        "",
    ],
)
def test_a_body_of_another_type_is_refused(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, content_type: str
) -> None:
    assert_typed(
        post(http_client, f"{url}/vector_stores", b'{"name": "x"}', {**AUTHORISED, "content-type": content_type}), 400
    )
    assert harness.upstream.calls == 0


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y"]
)
def test_json_by_its_other_spellings_is_taken(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, content_type: str
) -> None:
    headers = {**AUTHORISED, "content-type": content_type}
    assert post(http_client, f"{url}/vector_stores", b"{}", headers).status_code == 200
    assert harness.upstream.received[0].headers["content-type"] == "application/json"


def test_ten_large_bodies_leave_no_memory_behind(url: str, http_client: httpx2.Client) -> None:
    def pieces() -> Iterator[bytes]:  # the client is in this process, and its memory must not be measured
        return iter([b" " * 100_000] * 100)

    headers = {**JSON, "content-length": str(10 * MB)}
    post(http_client, f"{url}/vector_stores", pieces(), headers)
    tracemalloc.start()
    for _ in range(5):
        assert_typed(post(http_client, f"{url}/vector_stores", pieces(), headers), 413)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MB


def test_an_unauthenticated_caller_is_refused_before_the_body_is_read(url: str, http_client: httpx2.Client) -> None:
    response = post(http_client, f"{url}/vector_stores", b"[" * 100_000, {"content-type": "application/json"})
    assert_typed(response, 401)


# ------------------------------------------------------------------------------------------------------------- forms


def part(disposition: str, content: bytes = b"x", more: str = "") -> bytes:
    return (
        f"--{BOUNDARY}\r\ncontent-disposition: {disposition}\r\n{more}\r\n".encode("utf-8", "surrogatepass")
        + content
        + b"\r\n"
    )


END = f"--{BOUNDARY}--\r\n".encode()
PURPOSE = part('form-data; name="purpose"', b"assistants")
FILE = part('form-data; name="file"; filename="a.md"')
FORMS: dict[str, bytes] = {
    "nothing": b"",
    "no end": PURPOSE + FILE,
    "no file": PURPOSE + END,
    "no purpose": FILE + END,
    "an unknown purpose": part('form-data; name="purpose"', b"world domination") + FILE + END,
    "the purpose twice": PURPOSE + PURPOSE + FILE + END,
    "the file twice": PURPOSE + FILE + FILE + END,
    "a file for a purpose": part('form-data; name="purpose"; filename="p"', b"assistants") + FILE + END,
    "a field for a file": PURPOSE + part('form-data; name="file"') + END,
    "an unknown field": PURPOSE + part('form-data; name="api_base"', b"http://evil") + FILE + END,
    "a hundred fields": b"".join(part(f'form-data; name="f{number}"') for number in range(100)) + FILE + END,
    "a huge field": part('form-data; name="purpose"', b"a" * 100_000) + FILE + END,
    "a huge header": PURPOSE + part('form-data; name="file"; filename="a"', more=f"x-a: {'a' * 200_000}\r\n") + END,
    "many headers": PURPOSE + part('form-data; name="file"; filename="a"', more="x-a: b\r\n" * 5_000) + END,
    "no name": PURPOSE + part("form-data") + FILE + END,
    "no disposition": PURPOSE + f"--{BOUNDARY}\r\n\r\nx\r\n".encode() + END,
    "a nested form": PURPOSE
    + part('form-data; name="file"', b"--in\r\n", "content-type: multipart/mixed; boundary=in\r\n")
    + END,
    "another boundary": PURPOSE.replace(BOUNDARY.encode(), b"other") + END,
    "binary noise": bytes(range(256)) * 100,
    "a strange encoding": PURPOSE
    + part('form-data; name="file"; filename="a"', b"x", "content-transfer-encoding: x-evil\r\n")
    + END,
}


@pytest.mark.parametrize("name", list(FORMS))
def test_a_hostile_form_is_a_typed_refusal_and_reaches_no_provider(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, name: str
) -> None:
    assert_typed(post(http_client, f"{url}/files", FORMS[name], FORM), 400)
    assert harness.upstream.calls == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "b" * 201,
        "multipart/form-data; boundary=" + "b" * 5_000,
        "multipart/mixed; boundary=the-boundary",
        "application/json",
        "",
    ],
)
def test_a_form_without_its_boundary_is_refused(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, content_type: str
) -> None:
    assert_typed(
        post(http_client, f"{url}/files", PURPOSE + FILE + END, {**AUTHORISED, "content-type": content_type}), 400
    )
    assert harness.upstream.calls == 0


@pytest.mark.parametrize("length", [70, 80, 200])
def test_a_boundary_may_be_longer_than_the_standard_says(url: str, http_client: httpx2.Client, length: int) -> None:
    """Older clients in Ruby send 80."""
    content = (PURPOSE + FILE + END).replace(BOUNDARY.encode(), b"b" * length)
    headers = {**AUTHORISED, "content-type": f"multipart/form-data; boundary={'b' * length}"}
    assert post(http_client, f"{url}/files", content, headers).status_code == 200


FILENAMES = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    'a\\".md',
    "a;b.md",
    "naïve-東京.md",
    "a" * 400,
    "%0d%0aX: y",
    "..",
]


@pytest.mark.parametrize("filename", FILENAMES)
def test_a_filename_is_only_a_name(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, filename: str
) -> None:
    content = PURPOSE + part(f'form-data; name="file"; filename="{filename}"') + END
    assert post(http_client, f"{url}/files", content, FORM).status_code in {200, 400}
    for received in harness.upstream.received:
        assert received.path == "/v1/files"
        assert received.body.count(b"Content-Disposition") == 2


@pytest.mark.parametrize("evil", ["a\nb", "a\rb", "a\x00b"], ids=repr)
@pytest.mark.parametrize("place", ["filename", "type"])
def test_a_control_character_opens_no_header_upstream(
    harness: GatewayHarness, url: str, http_client: httpx2.Client, evil: str, place: str
) -> None:
    name, kind = (evil, "text/plain") if place == "filename" else ("a.md", f"text/{evil}")
    content = PURPOSE + part(f'form-data; name="file"; filename="{name}"', more=f"content-type: {kind}\r\n") + END
    assert_typed(post(http_client, f"{url}/files", content, FORM), 400)
    assert harness.upstream.calls == 0


def test_the_fields_of_a_form_come_in_any_order(harness: GatewayHarness, url: str, http_client: httpx2.Client) -> None:
    expiry = part('form-data; name="expires_after[seconds]"', b"3600")
    anchor = part('form-data; name="expires_after[anchor]"', b"created_at")
    for content in (FILE + PURPOSE, expiry + FILE + anchor + PURPOSE):
        assert post(http_client, f"{url}/files", content + END, FORM).status_code == 200
    assert b"3600" in harness.upstream.received[1].body


def test_a_chunked_upload_is_taken_like_another(harness: GatewayHarness, url: str, http_client: httpx2.Client) -> None:
    def pieces() -> Iterator[bytes]:
        content = PURPOSE + FILE + END
        yield from (content[at : at + 7] for at in range(0, len(content), 7))

    assert http_client.post(f"{url}/files", content=pieces(), headers=FORM).status_code == 200
    assert b"a.md" in harness.upstream.received[0].body


def test_an_upload_over_the_limit_is_413_and_says_what_to_do(
    harness: GatewayHarness, url: str, http_client: httpx2.Client
) -> None:
    content = PURPOSE + part('form-data; name="file"; filename="a"', bytes(34 * MB)) + END
    response = http_client.post(f"{url}/files", content=content, headers=FORM)
    assert_typed(response, 413)
    assert "ingest bucket" in response.json()["error"]["message"]
    assert harness.upstream.calls == 0
