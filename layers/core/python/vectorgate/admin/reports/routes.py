"""The routes of reports. A team admin's key sees its own team in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.reports import costs, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

REPORTS: Final[Mapping[tuple[str, str], Callable[[Request, AdminDeps], object]]] = {
    ("GET", "/v1/organization/costs"): costs.costs,
    ("GET", "/v1/organization/usage/vector_stores"): usage.vector_stores,
    ("GET", "/v1/organization/usage/file_search_calls"): usage.file_search_calls,
    ("GET", "/v1/organization/usage/completions"): usage.completions,
}
