"""One real read through each new version, as its callers send it, with the answer that proves it.

The api and stream functions read the table and each provider's secret for `/health/readiness`. The admin function reads
the master key to refuse another, and the invoke function the table to refuse a key that it does not know.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_KEY: Final = "sk-" + "0" * 32  # a text that has a key's form
_PRELUDE_END: Final = b"\0"  # of a streamed response: zeros between its status and its body


@dataclass(frozen=True, slots=True)
class Check:
    """`event`: what the function is invoked with. `field` of its answer has the status `expected`."""

    event: Mapping[str, object]
    field: str
    expected: int

    def problem(self, answer: bytes) -> str | None:
        """Why the answer proves nothing; None where it is as expected. Names no content of it but the status."""
        try:
            document: Any = json.loads(answer.partition(_PRELUDE_END)[0])
        except ValueError:
            return "its answer is not JSON"
        status = document.get(self.field) if isinstance(document, dict) else None
        return None if status == self.expected else f"it answers {status}, not {self.expected}"


def _get(path: str, headers: Mapping[str, str]) -> Mapping[str, object]:
    """An event of API Gateway's, and of a function URL's."""
    http = {"method": "GET", "path": path}
    return {"version": "2.0", "rawPath": path, "headers": headers, "requestContext": {"http": http}}


_READINESS: Final = Check(_get("/health/readiness", {}), "statusCode", 200)
CHECKS: Final[Mapping[str, Check]] = {
    "api": _READINESS,
    "stream": _READINESS,
    "admin": Check(_get("/audit", {"authorization": f"Bearer {UNKNOWN_KEY}"}), "statusCode", 401),
    "invoke": Check({"operation": "vector_stores.list", "api_key": UNKNOWN_KEY}, "status", 401),
}
