"""The data that a provider builds and reads, and its port. Pure: the transport sends."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from vectorgate.api.http import EMPTY, Body, FileUpload
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import ByteStream
    from vectorgate.api.operations import Operation
    from vectorgate.ids import ProviderName
    from vectorgate.providers.credentials import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a provider: a row of the operation table with checked ids, query and body.

    `content` is the body to send; `body` the same JSON, parsed, for a provider that has limits of its own. `stream`: a
    success is a stream of events. `tag` is the correlation tag in the body, if it has one.
    """

    operation: Operation
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | FileUpload | None = None
    body: Mapping[str, object] = field(default_factory=dict)
    stream: bool = False
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One HTTP request, ready to send. `binary`: its answer is a file's content; `stream`: it may be events."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | FileUpload | None = None
    binary: bool = False
    stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamResponse:
    """One HTTP answer, whole, or with the `events` that are still to be read. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: Body = EMPTY
    events: ByteStream | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A provider's error, in OpenAI's four fields; `details` are Azure's, pairs of code and message."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """The meaning of HTTP statuses where providers differ.

    `credential`: the key is not accepted. `refused`: the request is refused, and certainly nothing was executed.
    """

    credential: frozenset[int] = frozenset({401})
    refused: frozenset[int] = frozenset({400, 403, 404, 405, 413, 415, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: the document for the client (None for binary content) and the headers that it may see.

    `events`: the stream of whole events that is the answer, instead of a document. `created`: the object that was
    created, as the document describes it. `date`: the provider's clock (HTTP's `Date`).
    """

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, object] | None = None
    created: Mapping[str, object] | None = None
    body: Body = EMPTY
    request_id: str | None = None
    date: str | None = None
    events: ByteStream | None = None


class StreamBroken(Exception):
    """A stream that ended before its end: the connection was lost, the time is over, or it may not be passed on."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("the stream ended early")
        self.code = "provider_timeout" if timed_out else "provider_connection_lost"


class UnreadableAnswer(Exception):
    """A 2xx whose body is not what the operation returns: whether it was executed is unknown."""


class Provider(Protocol):
    """A provider's API dialect. Every method is a pure function of its arguments."""

    @property
    def name(self) -> ProviderName:
        """The name in `custom_llm_provider`."""
        ...

    @property
    def statuses(self) -> Statuses:
        """What its statuses say about the credential and about execution."""
        ...

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """Build the request. ApiError when this provider does not have the operation."""
        ...

    def answer(self, operation: Operation, response: UpstreamResponse) -> Answer:
        """Read a 2xx. UnreadableAnswer when its body is not what the operation returns."""
        ...

    def problem(self, response: UpstreamResponse) -> Problem:
        """Read any other status; succeeds for every body."""
        ...

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """The provider's own id of the request."""
        ...

    def forwarded_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The answer's headers that a client may see, under the names that OpenAI's clients read."""
        ...

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """Words to mask in errors, beside the key: they identify the deployment's account."""
        ...
