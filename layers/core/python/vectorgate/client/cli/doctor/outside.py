"""The checks over HTTP: route, transport, table, secrets, prices, clock, key, provider. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from vectorgate.client.cli.doctor.check import Check, Result, clock_check, failed, passed, warning
from vectorgate.client.cli.exits import reason_of
from vectorgate.client.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    read_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.client.admin.calls import AdminCalls

LIVELINESS: Final = "/health/liveliness"
READINESS: Final = "/health/readiness"
UNOWNED: Final = "/vector_stores/unowned"
# What readiness says of each part: the field, what it holds if nothing is wrong, and what to do otherwise.
PARTS: Final = (
    ("table", "db", "connected", "look at the table and at the api function's role: vectorgate doctor --stack NAME"),
    ("secrets", "secrets", "readable", "write the provider's key: vectorgate providers set openai"),
    ("prices", "prices", "loaded", "correct the setting Prices (VECTORGATE_PRICES): a provider has no price"),
)
# What an answer of the provider's side means, by the error's code.
PROVIDER_ADVICE: Final[Mapping[str, str]] = {
    "provider_credential_refused": "the provider refuses the key: make another, and vectorgate providers set openai",
    "credential_unavailable": "the secret has no usable key: vectorgate providers set openai",
    "provider_unreachable": "the functions reach no host at the secret's base_url: check it, and a VPC's way out",
    "provider_timeout": "the provider does not answer in time: look at its status page",
    "provider_connection_lost": "the provider closes connections: look at its status page",
}
AUTHORIZER: Final = (
    "what stands before the gateway refuses the call: name --stack or --authorizer, with --token for JWT; "
    "for AWS_IAM, your principal needs execute-api:Invoke on the output CallersResource"
)
RIGHTS: Final = "give the provider's key the permissions to read and write vector stores and files"


@dataclass(frozen=True, slots=True)
class Outside:
    """A gateway as its clients see it. `wall`: Unix seconds."""

    calls: AdminCalls
    url: str
    wall: Callable[[], float]

    def checks(self) -> Iterator[Check]:
        """The findings, in the order in which one depends on another. Without a route there are no others."""
        route, date = self._route()
        yield route
        if route.result is Result.FAILED:
            return
        yield self._transport()
        yield clock_check("clock", date, self.wall())
        yield from self._readiness()
        key, administers = self._key()
        yield key
        if key.result is Result.OK:
            yield from self._provider(administers=administers)

    def _route(self) -> tuple[Check, str | None]:
        try:
            response = self.calls.response(LIVELINESS)
        except APIConnectionError as error:
            advice = "check the URL, DNS, certificates and firewalls between here and there"
            return failed("route", f"{self.url}: {error.__cause__ or error}", advice), None
        except APIStatusError as error:
            return self._wrong_route(error), error.response.headers.get("date")
        except APIError as error:
            return failed("route", f"{self.url}: {error}", "another server answers: use the stack's output Url"), None
        return passed("route", f"{self.url} answers"), response.headers.get("date")

    def _wrong_route(self, error: APIStatusError) -> Check:
        advice = {
            NotFoundError: "another server answers: use the stack's output Url, without a path",
            AuthenticationError: AUTHORIZER,
            PermissionDeniedError: "name this host in VECTORGATE_ALLOWED_HOSTS" if error.code else AUTHORIZER,
        }.get(type(error), "look at the api function's log and alarms")
        return failed("route", f"{self.url}: {error.status_code} {reason_of(error)}", advice)

    def _transport(self) -> Check:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return passed("transport", "https")
        if parts.hostname == "localhost" or _is_loopback(parts.hostname or ""):
            return passed("transport", "http, on this machine")
        return warning("transport", "http", "use https: over http the key can be read in transit")

    def _readiness(self) -> Iterator[Check]:
        try:
            document = read_json(self.calls.response(READINESS).content)
        except APIStatusError as error:
            document = error.body
        except APIError as error:
            yield failed("readiness", reason_of(error), "look at the api function's log")
            return
        parts: Mapping[str, Any] = document if isinstance(document, dict) else {}
        for name, field, expected, advice in PARTS:
            found = str(parts.get(field, "unknown"))
            yield passed(name, found) if found == expected else failed(name, found, advice)

    def _key(self) -> tuple[Check, bool]:
        """Whether the key is known, and whether it may list what no team owns."""
        try:
            self.calls.get("/key/list", {"size": 1})
        except (AuthenticationError, PermissionDeniedError):
            return self._ordinary_key(), False
        except APIError as error:
            return failed("key", reason_of(error), "look at the admin function's log"), False
        return self._administrator()

    def _administrator(self) -> tuple[Check, bool]:
        try:
            self.calls.get("/audit", {"limit": 1})
        except APIError:
            return passed("key", "a team administrator's"), False
        return passed("key", "an administrator's"), True

    def _ordinary_key(self) -> Check:
        try:
            self.calls.get("/v1/vector_stores", {"limit": 1})
        except AuthenticationError as error:
            return failed("key", reason_of(error), "use another: vectorgate keys list shows which there are")
        except PermissionDeniedError as error:
            if error.code in {"admin_key_required", "route_not_allowed"}:
                return passed("key", f"known; {reason_of(error)}")
            return failed("key", reason_of(error), "unblock it, or use another: vectorgate keys info")
        except APIError as error:
            return failed("key", reason_of(error), "look at the api function's log")
        return passed("key", "a client's")

    def _provider(self, *, administers: bool) -> Iterator[Check]:
        """Whether the provider answers, with which rights: an administrator's key lists its stores and its files."""
        if not administers:
            advice = "use an administrator's key"
            yield Check("provider", Result.SKIPPED, "this key cannot list the provider's objects", advice)
            return
        for name, kind in (("provider: stores", "vector_store"), ("provider: files", "file")):
            yield self._listed(name, kind)

    def _listed(self, name: str, kind: str) -> Check:
        try:
            self.calls.get(UNOWNED, {"object": kind, "limit": 1})
        except APIError as error:
            denied = isinstance(error, PermissionDeniedError)
            advice = RIGHTS if denied else PROVIDER_ADVICE.get(error.code or "", "look at the admin function's log")
            return failed(name, reason_of(error), advice)
        return passed(name, "can be listed")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
