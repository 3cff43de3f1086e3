"""What comes before the functions for every request: the check of its host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.hosts import REFUSED_STATUS, refusal
from vectorgate.api.http import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from local.hosts import AllowedHosts


class HostChecked:
    """A WSGI application that passes on the requests whose host is allowed, and refuses the others."""

    def __init__(self, app: WSGIApplication, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        host = environ.get("HTTP_HOST")
        if self._hosts.permits(host):
            return self._app(environ, start_response)
        content = refusal(host)
        headers = [("content-type", JSON), ("content-length", str(len(content)))]
        start_response(f"{REFUSED_STATUS.value} {REFUSED_STATUS.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]
