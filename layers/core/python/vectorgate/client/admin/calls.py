"""One call of an administrator's route. Reads and deletions are repeated as the SDK repeats them, changes are not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vectorgate.api.operations import Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.client.attempts import Attempts
from vectorgate.client.destinations import Gateway
from vectorgate.client.encoding import Call, http_request
from vectorgate.client.errors import APIResponseValidationError, SettingsError, read_json
from vectorgate.client.messages import RequestLine
from vectorgate.client.options import Options, without_none
from vectorgate.client.resource import Resource
from vectorgate.client.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.client.client import Client
    from vectorgate.client.messages import HttpRequest, HttpResponse

R = TypeVar("R", bound=Resource)
_SAFETY: Final = {"GET": Safety.READ, "DELETE": Safety.IDEMPOTENT}
_STORE: Final = "vector_store_id"
MOST_A_PAGE: Final = 100  # rows, the most of LiteLLM's numbered pages


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminGateway(Gateway):
    """A gateway by its root: its administrator's routes stand beside `/v1`, not below it."""

    def request(self, call: Call) -> HttpRequest:
        """With the key as a bearer token."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        return http_request(call, self.root, headers, call.body)

    @property
    def root(self) -> str:
        """The base URL without `/v1`."""
        return self.api_base.removesuffix("/v1")


class AdminCalls:
    """The calls of one client. APIError for what is not a success; SettingsError where no gateway is named."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, path: str, query: Mapping[str, object] | None = None, *, store: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """The JSON document of a read. Parameters that are None are not sent."""
        return self._document("GET", path, query=query, store=store)

    def post(self, path: str, body: Mapping[str, object], *, store: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """The JSON document of a change, whose body is sent as it is."""
        return self._document("POST", path, body=body, store=store)

    def delete(self, path: str, query: Mapping[str, object] | None = None, *, store: str | None = None) -> Any:  # noqa: ANN401
        """The JSON document of a deletion."""
        return self._document("DELETE", path, query=query, store=store)

    @property
    def root(self) -> str:
        """The gateway's URL. SettingsError where none is named, or no key."""
        return self._destination(Options()).root

    def response(self, path: str) -> HttpResponse:
        """The whole response to a read, with its headers."""
        return self._sent(_call("GET", path, {}, None, {}))

    def by_cursor(self, kind: type[R], path: str, query: Mapping[str, object], rows: str = "data") -> Iterator[R]:
        """The rows of every page, which is fetched when it is needed. `rows`: the field of a page that holds them."""
        cursor: object = None
        while True:
            page = self.get(path, query if cursor is None else {**query, "cursor": cursor})
            yield from (of(kind, each) for each in page.get(rows, ()))
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def by_number(self, kind: type[R], path: str, query: Mapping[str, object], rows: str, size: str) -> Iterator[R]:
        """The rows of every numbered page. `rows`: the field that holds them; `size`: the parameter of their number."""
        for page in count(1):
            document = self.get(path, {**query, "page": page, size: MOST_A_PAGE})
            yield from (of(kind, each) for each in document.get(rows, ()))
            if page >= document.get("total_pages", 0):
                return

    def _document(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        store: str | None = None,
    ) -> object:
        call = _call(method, path, query or {}, body, {} if store is None else {_STORE: store})
        response = self._sent(call)
        document = read_json(response.content)
        if document is None:
            raise APIResponseValidationError(request=RequestLine(method, path), response=response)
        return document

    def _sent(self, call: Call) -> HttpResponse:
        client, options = self._client, Options()
        attempts = Attempts(
            operation=call.operation,
            destination=self._destination(options),
            policy=RetryPolicy(options.retries(client.max_retries), call.operation.safety is not Safety.CREATE),
            timing=client.timing,
            http_client=None,
            arrays=True,
        )
        return client.run(attempts.run(call, options.limit(client.timeout)))

    def _destination(self, options: Options) -> AdminGateway:
        found = self._client.destination(options) if self._client.gateway is not None else None
        if not isinstance(found, Gateway):
            raise SettingsError(
                "no gateway is named: set VECTORGATE_BASE_URL (or --url), such as http://127.0.0.1:4000"
            )
        return AdminGateway(api_base=found.api_base, api_key=found.api_key)


def of(kind: type[R], document: object) -> R:
    """The document as a resource. An answer that is no object becomes one without fields."""
    return kind(document if isinstance(document, dict) else {})


def _call(
    method: str,
    path: str,
    query: Mapping[str, object],
    body: Mapping[str, object] | None,
    ids: Mapping[str, str],
) -> Call:
    operation = Operation(
        name=f"{method} {path}",
        method=method,
        path=path,
        safety=_SAFETY.get(method, Safety.CREATE),
        media=Media.NONE if body is None else Media.JSON,
    )
    return Call(
        operation=operation,
        ids=ids,
        query={name: _text(value) for name, value in without_none(**query).items()},
        body=body,
        file=None,
        headers={},
        provider=None,
        user=None,
        tags=(),
        idempotency_key="",
        boundary="",
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
