"""The shapes that a provider works with, and the port that it fills. Pure: the transport does the sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vectorgate.api.http import EMPTY, Body, FileUpload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.operations import Operation
    from vectorgate.ids import ProviderName
    from vectorgate.providers.credentials import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Host and key out of ONE secret, so that a key can only ever go to its own host.

    `base_url` has no trailing slash. `version` tells one value of the secret from the next. `options` are what else
    the secret says, such as `api_version`.
    """

    base_url: str
    api_key: Secret
    version: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is to be asked of a provider: a row of the table with its checked ids, query and body filled in.

    `content` is what is sent; `body` the same JSON as it was parsed, for a provider that has limits of its own.
    """

    operation: Operation
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | FileUpload | None = None
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One HTTP request, ready to send. `binary`: its answer is a file's content, not a document."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | FileUpload | None = None
    binary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamResponse:
    """One whole HTTP answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: Body = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a provider says went wrong, in OpenAI's four fields; `details` are Azure's, pairs of code and message."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """How a provider's statuses are to be understood where providers differ.

    `credential`: it does not accept our key. `refused`: it refused, and certainly nothing was executed.
    """

    credential: frozenset[int] = frozenset({401})
    refused: frozenset[int] = frozenset({400, 403, 404, 405, 413, 415, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: the document to hand on (None for binary content) and the headers that may pass.

    `created`: the object that came into being, as the document describes it.
    """

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, object] | None = None
    created: Mapping[str, object] | None = None
    body: Body = EMPTY
    request_id: str | None = None


class UnreadableAnswer(Exception):
    """A 2xx whose body is not what the operation promises: what was done upstream is unknown."""


class Provider(Protocol):
    """A dialect. Everything here is a pure function of its arguments."""

    @property
    def name(self) -> ProviderName:
        """As `custom_llm_provider` names it."""
        ...

    @property
    def statuses(self) -> Statuses:
        """What its statuses say of our credential and of what was executed."""
        ...

    def request(self, call: Call, credential: Credential) -> UpstreamRequest:
        """The request to send. An ApiError when this provider does not have the operation."""
        ...

    def answer(self, operation: Operation, response: UpstreamResponse) -> Answer:
        """Read a 2xx. UnreadableAnswer when it is broken."""
        ...

    def problem(self, response: UpstreamResponse) -> Problem:
        """Read anything else; always succeeds, whatever the body is."""
        ...

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """The provider's own id of the request, for its support."""
        ...

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Those of the answer's headers that a client may see, under the names that it knows."""
        ...

    def hidden(self, credential: Credential) -> tuple[str, ...]:
        """Texts that no client may see in an error, beside the key: what tells which account it is."""
        ...
