"""`python -m vectorgate.entrypoints.runtime`: what Lambda starts in place of its own runtime."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from vectorgate.bootstrap import system_clock
from vectorgate.entrypoints.runtime.failure import Failure
from vectorgate.entrypoints.runtime.loop import Loop
from vectorgate.entrypoints.runtime.runtime_api import RuntimeApi
from vectorgate.entrypoints.runtime.settings import from_environment, set_trace

if TYPE_CHECKING:
    from vectorgate.entrypoints.stream import StreamFunction


def main() -> None:
    """Start the function and serve until Lambda ends the process."""
    settings = from_environment()
    api = RuntimeApi(settings.api, system_clock())
    try:
        function = _function(settings.handler)
        telemetry = function.start()
        if settings.from_snapshot:
            function.renew()
            api.await_restore()
    except Exception as error:
        api.fail_start(Failure.of_start(error))
        raise
    if settings.from_snapshot:
        _restored(function, api)
    loop = Loop(api, function, telemetry, set_trace)
    while True:
        loop.serve_next()


def _restored(function: StreamFunction, api: RuntimeApi) -> None:
    try:
        function.renew()
    except Exception as error:
        api.fail_restore(Failure.of_start(error))
        raise


def _function(handler: str) -> StreamFunction:
    module, _, name = handler.rpartition(".")
    return cast("StreamFunction", getattr(import_module(module), name))


if __name__ == "__main__":
    main()
