"""What Lambda says to a runtime in the environment, and what a runtime says there to the AWS SDK."""

from __future__ import annotations

import os
from typing import Final

from vectorgate.classes import dataclass

_TRACE: Final = "_X_AMZN_TRACE_ID"


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """`api`: host and port of the Runtime API. `handler`: module and name, such as `app.handler`.

    `from_snapshot`: Lambda takes a snapshot after the start, and runs copies of it (SnapStart).
    """

    api: str
    handler: str
    from_snapshot: bool = False


def from_environment() -> RuntimeSettings:
    """The settings of this process. KeyError outside of Lambda."""
    from_snapshot = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    return RuntimeSettings(os.environ["AWS_LAMBDA_RUNTIME_API"], os.environ["_HANDLER"], from_snapshot)


def set_trace(trace_id: str | None) -> None:
    """Name the invocation's X-Ray trace, where the SDK and the logger look for it."""
    if trace_id is None:
        os.environ.pop(_TRACE, None)
    else:
        os.environ[_TRACE] = trace_id
