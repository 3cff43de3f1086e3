"""The check of every request's host, before a function gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.hosts import REFUSED_STATUS, refusal
from vectorgate.api.http import JSON, Body, Response

if TYPE_CHECKING:
    from local.hosts import AllowedHosts
    from local.server.exchange import Head


@dataclass(frozen=True, slots=True)
class HostCheck:
    """Refuses, in place of the functions, the requests whose host is not allowed."""

    hosts: AllowedHosts

    def __call__(self, head: Head) -> Response | None:
        """The answer to a request that the functions must not see; None for any other."""
        host = head.headers.get("host")
        if self.hosts.permits(host):
            return None
        return Response(status=REFUSED_STATUS, headers={"content-type": JSON}, body=Body.of(refusal(host)))
