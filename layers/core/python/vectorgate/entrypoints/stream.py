"""The HTTP entry point that streams: a function URL, whose events have payload format 2.0 as well."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, cast

from vectorgate.api.http import Body, Response
from vectorgate.bootstrap import deployed_gateway, deployed_settings
from vectorgate.entrypoints.collection import uncollected
from vectorgate.entrypoints.lambda_http import UNENCODED_BODY, HttpFunction, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.api.http import ByteStream
    from vectorgate.entrypoints.function import Event, Renewable
    from vectorgate.entrypoints.lambda_http import Handler, LambdaResponse
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry


class StreamFunction:
    """An `HttpFunction` whose responses may be streams, for `entrypoints.runtime`.

    `renewable`: as `deployed`, for `renew`.
    """

    def __init__(
        self,
        deployed: Callable[[], Handler],
        settings: Callable[[], Settings] | None = None,
        renewable: Callable[[], Renewable] | None = None,
    ) -> None:
        self._deployed = deployed
        self._renewable = renewable
        self._function = HttpFunction(deployed, settings)

    @uncollected()
    def start(self) -> Telemetry:
        """Build the application before its first request. Any exception: it cannot start."""
        return self._deployed().telemetry

    def renew(self) -> None:
        """Make this process differ from the other copies of its snapshot."""
        from vectorgate.entrypoints.snapshots import renewed  # noqa: PLC0415 - for SnapStart alone

        if self._renewable is not None:
            renewed(self._renewable())

    def respond(self, event: Event, context: object = None) -> Response:
        """Answer one request with a body that is still to be sent."""
        result = self._function({**_as_of_api_gateway(event), UNENCODED_BODY: Body}, context)
        headers = cast("Mapping[str, str]", result["headers"])
        return Response(status=cast("int", result["statusCode"]), headers=headers, body=_body(result))

    def __call__(self, event: Event, context: object) -> LambdaResponse:
        """Answer one request as a whole, in a runtime that cannot stream, such as an emulator's."""
        return self._function(_as_of_api_gateway(event), context)

    def bound_to(self, app: Handler) -> StreamFunction:
        """The same function for that application."""
        return StreamFunction(lambda: app)


def _as_of_api_gateway(event: Event) -> Event:
    """The event with its path decoded: a function URL hands it over as it was sent."""
    path = event.get("rawPath")
    return {**event, "rawPath": path_of(path) if isinstance(path, str) else ""}


def _body(result: LambdaResponse) -> Body | ByteStream:
    """The body as it is, or that of a preflight's answer, which is text."""
    body = result["body"]
    if not isinstance(body, str):
        return cast("Body | ByteStream", body)
    return Body.of(base64.b64decode(body) if result["isBase64Encoded"] else body.encode())


_gateway = partial(deployed_gateway, streams=True)
handler = StreamFunction(_gateway, deployed_settings, _gateway)
