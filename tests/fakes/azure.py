"""The two Azure services, each as an act of `FaultyUpstream`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from tests.fakes.upstream import Act, Received

    Document: TypeAlias = dict[str, Any]

AZURE_KEY = "0bQ9fT6mXe2KuJrWy7HsGvLd"
SEARCH_KEY = "Zp1CnV8oEi5DkSxM3wYtRbAj"
VERSION = "2026-04-01"
NOT_FOUND = {"error": {"code": "404", "message": "Resource not found"}}


@dataclass
class FakeAzureOpenAI:
    """OpenAI's objects under Azure's paths, keys, errors and request ids. `searches`: whether it supports search."""

    openai: FakeOpenAI = field(default_factory=FakeOpenAI)
    header: str = "api-key"
    searches: bool = True

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        return self._answer(received)(_Renamed(connection), received)  # type: ignore[arg-type]

    def _answer(self, received: Received) -> Act:
        path, _, query = received.path.partition("?")
        if received.headers.get(self.header, "").removeprefix("Bearer ") != AZURE_KEY:
            return answer(401, {"statusCode": 401, "message": "Access denied"})
        dated = "20" in dict(parse_qsl(query)).get("api-version", "")
        prefix = "/openai/" if dated else "/openai/v1/"
        if not path.startswith(prefix) or (path.endswith("/search") and not self.searches):
            return answer(404, NOT_FOUND)
        plain = type(received)(
            received.method, "/v1/" + path.removeprefix(prefix), received.headers, received.body, received.ended
        )
        return self.openai._answer(plain)


@dataclass
class _Renamed:
    """A connection on which a response has Azure's request id instead of OpenAI's."""

    connection: socket.socket

    def sendall(self, content: bytes) -> None:
        self.connection.sendall(content.replace(b" Whatever\r\n", b" Whatever\r\napim-request-id: apim-77\r\n", 1))


@dataclass
class FakeAzureSearch:
    """Azure AI Search as to names, statuses and envelopes. `indexes`: definition and documents by real name."""

    indexes: dict[str, Document] = field(default_factory=dict)
    host: str = "svc.search.windows.net"

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        return self._answer(received)(connection, received)

    def _answer(self, received: Received) -> Act:  # noqa: PLR0911 - a return a route
        path, _, query = received.path.partition("?")
        parameters = dict(parse_qsl(query))
        if received.headers.get("api-key") != SEARCH_KEY:
            return answer(403, b"")
        if "api-version" not in parameters:
            return self._error(400, "MissingApiVersionParameter", "api-version is required")
        if path == "/indexes":
            return self._create(received) if received.method == "POST" else self._list(parameters)
        match = re.fullmatch(r"/indexes\('([a-z0-9-]+)'\)(.*)", unquote(path))
        if match is None:
            return answer(404, b"")
        if match[2] == "":
            return self._definition(received, match[1])
        if match[1] not in self.indexes:
            return self._error(404, "", f"The index '{match[1]}' for service 'svc' was not found.")
        return self._documents(received, match[1], match[2])

    def _error(self, status: int, code: str, message: str) -> Act:
        details = [{"code": "Detail", "message": message}]
        return answer(status, {"error": {"code": code, "message": message, "details": details}}, _IDS)

    def _shown(self, name: str, kind: str = "$entity") -> Document:
        context = f"https://{self.host}/$metadata#indexes/{kind}"
        definition = self.indexes[name]["definition"]
        return {"@odata.context": context, "@odata.etag": '"0x1"', **definition}

    def _create(self, received: Received) -> Act:
        name = str(received.document["name"])
        if name in self.indexes:
            return self._error(409, "ResourceNameAlreadyInUse", f"Cannot create index '{name}' because it exists.")
        self.indexes[name] = {"definition": received.document, "docs": {}}
        headers = {**_IDS, "location": f"https://{self.host}/indexes('{name}')", "etag": '"0x1"'}
        return answer(201, self._shown(name), headers)

    def _list(self, parameters: Mapping[str, str]) -> Act:
        listed = [self._shown(name) for name in self.indexes]
        for item in listed:
            del item["@odata.context"]
        chosen = parameters.get("$select", "*").split(",")
        if chosen != ["*"]:
            listed = [{name: item[name] for name in chosen} for item in listed]
        return answer(200, {"@odata.context": f"https://{self.host}/$metadata#indexes", "value": listed}, _IDS)

    def _definition(self, received: Received, name: str) -> Act:
        if received.headers.get("if-match") not in {None, "*", '"0x1"'}:
            return self._error(412, "PreconditionFailed", f"The etag of '{name}' does not match at {self.host}.")
        if received.method == "PUT":
            assert received.document["name"] == name
            known = name in self.indexes
            self.indexes.setdefault(name, {"docs": {}})["definition"] = received.document
            if known and "prefer" not in received.headers:
                return answer(204, b"", _IDS)
            return answer(200 if known else 201, self._shown(name), _IDS)
        if name not in self.indexes:
            return self._error(404, "", f"No index with the name '{name}' was found in service 'svc'.")
        if received.method == "DELETE":
            del self.indexes[name]
            return answer(204, b"", _IDS)
        return answer(200, self._shown(name), _IDS)

    def _documents(self, received: Received, name: str, rest: str) -> Act:  # noqa: PLR0911 - the same
        docs = self.indexes[name]["docs"]
        context = {"@odata.context": f"https://{self.host}/indexes('{name}')/$metadata#docs(*)"}
        if rest == "/docs/search.index":
            return self._upload(received, name, docs)
        if rest == "/docs/$count":
            return answer(200, b"\xef\xbb\xbf" + str(len(docs)).encode(), {**_IDS, "content-type": "text/plain"})
        if rest == "/search.stats":
            return answer(200, {**context, "documentCount": len(docs), "storageSize": 1, "vectorIndexSize": 0}, _IDS)
        if match := re.fullmatch(r"/docs\('([^']+)'\)", rest):
            if match[1] not in docs:
                return answer(404, b"")
            return answer(200, {**context, **docs[match[1]]}, _IDS)
        found = [{"@search.score": 1.5, **document} for document in docs.values()]
        if rest in {"/docs", "/docs/search.post.search"}:
            link = f"https://{self.host}/indexes('{name}')/docs/search.post.search?api-version={VERSION}"
            return answer(200, {**context, "@odata.count": len(found), "value": found, "@odata.nextLink": link}, _IDS)
        if rest in {"/docs/search.suggest", "/docs/search.post.suggest"}:
            return answer(200, {"value": [{"@search.text": "Inn", **document} for document in docs.values()]}, _IDS)
        assert rest in {"/docs/search.autocomplete", "/docs/search.post.autocomplete"}, rest
        return answer(200, {"value": [{"text": "inn", "queryPlusText": "the inn"}]}, _IDS)

    def _upload(self, received: Received, name: str, docs: Document) -> Act:
        outcomes = []
        for action in received.document["value"]:  # type: ignore[attr-defined]
            key = action.get("id")
            good = bool(key)
            if good:
                docs[key] = {name: value for name, value in action.items() if name != "@search.action"}
            message = None if good else f"no key in '{name}' of svc"
            outcomes.append(
                {"key": key or "", "status": good, "errorMessage": message, "statusCode": 201 if good else 400}
            )
        failed = any(not outcome["status"] for outcome in outcomes)
        return answer(207 if failed else 200, {"value": outcomes}, _IDS)


_IDS = {"request-id": "9f0c-req", "elapsed-time": "12", "set-cookie": "a=b", "x-served-by": "node-7"}
