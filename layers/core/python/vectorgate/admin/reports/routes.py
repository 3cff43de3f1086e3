"""The routes of reports. A team admin's key sees its own team in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.reports import costs, daily_activity, daily_export, forecast, panels, spend_reports, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

REPORTS: Final[Mapping[tuple[str, str], Callable[[Request, AdminDeps], object]]] = {
    ("GET", "/v1/organization/costs"): costs.costs,
    ("GET", "/v1/organization/usage/vector_stores"): usage.vector_stores,
    ("GET", "/v1/organization/usage/file_search_calls"): usage.file_search_calls,
    ("GET", "/v1/organization/usage/completions"): usage.completions,
    ("GET", "/team/daily/activity"): daily_activity.teams,
    ("GET", "/user/daily/activity"): daily_activity.users,
    ("GET", "/tag/daily/activity"): daily_activity.tags,
    ("GET", "/customer/daily/activity"): daily_activity.customers,
    ("GET", "/team/daily/activity/export"): daily_export.teams,
    ("GET", "/user/daily/activity/export"): daily_export.users,
    ("GET", "/tag/daily/activity/export"): daily_export.tags,
    ("GET", "/customer/daily/activity/export"): daily_export.customers,
    ("GET", "/spend/keys"): spend_reports.keys,
    ("GET", "/spend/users"): spend_reports.users,
    ("GET", "/spend/tags"): spend_reports.tags,
    ("GET", "/global/spend/report"): spend_reports.report,
    ("GET", "/global/spend/forecast"): forecast.forecast,
    ("GET", "/global/activity"): panels.activity,
    ("GET", "/global/latency"): panels.latency,
    ("GET", "/global/storage"): panels.storage,
}
