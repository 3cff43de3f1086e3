"""Where destinations are: from the function's environment and their secrets, which fail closed and show nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws

from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Receiver
from tests.fakes.secret_source import FakeSecretSource
from tests.harnesses.exports import SIGNING_KEY
from vectorgate import bootstrap
from vectorgate.exports import settings
from vectorgate.exports.http import Address, MalformedAddress, Post, SecretAddress, read_address
from vectorgate.exports.names import NAMES
from vectorgate.exports.ports import DeliveryFailed, RecordRefused
from vectorgate.exports.webhook import signed_headers, signing_keys
from vectorgate.providers.credentials import CACHED_SECONDS
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

URL: Final = "https://hooks.example.com/T0"
ENVIRONMENT: Final = {
    "AWS_REGION": "eu-central-1",
    "VECTORGATE_TABLE": "table",
    **{
        f"VECTORGATE_EXPORT_{kind}_{name}": f"https://sqs.example/1/gate-{kind}-{name}".lower()
        for kind in ("QUEUE", "FAILURES", "SECRET")
        for name in ("EVENTBRIDGE", "OTEL", "S3", "SLACK", "WEBHOOK")
        if kind != "SECRET" or name in {"OTEL", "SLACK", "WEBHOOK"}
    },
    "VECTORGATE_EXPORT_BUS": "bus",
    "VECTORGATE_EXPORT_BUCKET": "bucket",
}


def test_an_address_is_an_https_url_whose_headers_can_be_sent() -> None:
    full = read_address(json.dumps({"url": URL, "headers": {"X-Key": "v"}, "signing_key": SIGNING_KEY}))
    assert full == Address(URL, {"x-key": "v"}, SIGNING_KEY)
    assert SIGNING_KEY not in repr(full)
    assert read_address('{"url": "http://127.0.0.1/x"}', plain_http=True).url == "http://127.0.0.1/x"
    for document in (
        "",
        "[]",
        "{}",
        '{"url": 1}',
        '{"url": "http://example.com"}',
        '{"url": "https://"}',
        '{"url": "https://user@example.com"}',
        '{"url": "https://:password@example.com"}',
        '{"url": "https://example.com/\\u00e9"}',
        '{"url": "https://example.com", "headers": {"a": "b\\r\\nc: d"}}',
        '{"url": "https://example.com", "headers": {"": "b"}}',
        '{"url": "https://example.com", "headers": []}x',
    ):
        with pytest.raises(MalformedAddress) as caught:
            read_address(document)
        assert "example" not in str(caught.value)
    assert "T0/B0" not in repr(read_address('{"url": "https://hooks.example.com/services/T0/B0"}'))


def test_an_address_is_read_again_and_an_earlier_one_is_used_while_it_cannot_be() -> None:
    time, source = FakeClock(), FakeSecretSource()
    address = SecretAddress(source, "name", time.clock())
    with pytest.raises(DeliveryFailed, match="cannot be read"):
        address()
    source.text = json.dumps({"url": URL})
    assert address().url == URL
    source.text = json.dumps({"url": f"{URL}/new"})
    assert address().url == URL
    time.skip(CACHED_SECONDS + 1)
    assert address().url == f"{URL}/new"
    source.text = None
    time.skip(CACHED_SECONDS + 1)
    assert address().url == f"{URL}/new"
    source.text = "{}"
    time.skip(CACHED_SECONDS + 1)
    with pytest.raises(DeliveryFailed, match="JSON with a url"):
        address()


def test_an_answer_says_whether_to_send_again_and_when() -> None:
    transport = PooledTransport(FakeClock().clock())
    post, answers = Post(transport), iter((200, 202, 400, 413, 422, 401, 404, 408, 429, 500, 302))
    with Receiver(status=lambda _: next(answers), answer=b"ok") as receiver:
        to = Address(receiver.url, {"x-a": "b"})
        assert post(to, b"{}", {}) == b"ok"
        assert receiver.got[0].headers["x-a"] == "b"
        post(to, b"{}", {})
        for _ in range(3):
            with pytest.raises(RecordRefused):
                post(to, b"{}", {})
        for _ in range(6):
            with pytest.raises(DeliveryFailed, match=r"status [345]\d\d"):
                post(to, b"{}", {})
    with pytest.raises(DeliveryFailed, match="no answer"):
        post(to, b"{}", {})
    transport.close()


def test_two_keys_are_two_signatures_and_a_weak_one_is_refused() -> None:
    other = "whsec_" + "b" * 32
    headers = signed_headers(signing_keys(f"{SIGNING_KEY} {other}"), "id", 1, b"{}")
    first, second = headers["webhook-signature"].split(" ")
    assert first != second
    assert headers == signed_headers(signing_keys(SIGNING_KEY), "id", 1, b"{}") | {
        "webhook-signature": f"{first} {second}"
    }
    for text in ("", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%", f"{SIGNING_KEY} whsec_c2hvcnQ=", "é"):
        with pytest.raises(DeliveryFailed, match="signing_key"):
            signing_keys(text)


def test_a_setting_that_is_missing_or_empty_stops_the_start() -> None:
    for name in ENVIRONMENT:
        if "FAILURES" in name or name in {"VECTORGATE_EXPORT_BUS", "VECTORGATE_EXPORT_BUCKET"}:
            for changed in (
                {**ENVIRONMENT, name: " "},
                {key: text for key, text in ENVIRONMENT.items() if key != name},
            ):
                with pytest.raises(ValueError, match=name):
                    settings.read(changed)
    assert settings.read({}) == settings.ExportSettings()


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in {**ENVIRONMENT, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, text)
    caches = (
        bootstrap.deployed_exporter,
        bootstrap.deployed_settings,
        bootstrap.deployed_stores,
        bootstrap.deployed_table,
        bootstrap.deployed_telemetry,
        bootstrap.deployed_secrets,
    )
    for cached in caches:
        cached.cache_clear()
    with mock_aws():
        yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("deployed")
def test_the_function_has_every_destination_of_its_environment() -> None:
    app = bootstrap.deployed_exporter()
    assert sorted(app.exporter.destinations) == sorted(app.exporter.queues) == sorted(NAMES)
    assert app.queues == {f"gate-queue-{name}": name for name in NAMES}
    assert {name: each.name for name, each in app.exporter.destinations.items()} == {name: name for name in NAMES}
    assert app.exporter.queues == app.fan_out.queues
