"""The admin app's routes. The module of each is imported with its first request, of which a start makes one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.admin import store_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request


class Route(NamedTuple):
    """What answers a route: a function of a module of this package."""

    module: str
    name: str

    def action(self) -> Callable[[Request, AdminDeps], object]:
        """The function."""
        found: Callable[[Request, AdminDeps], object] = getattr(
            import_module(f"{__package__}.{self.module}"), self.name
        )
        return found


# A team admin's key sees its own team in each of these.
REPORTS: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", "/v1/organization/costs"): Route("reports.costs", "costs"),
    ("GET", "/v1/organization/usage/vector_stores"): Route("reports.usage", "vector_stores"),
    ("GET", "/v1/organization/usage/file_search_calls"): Route("reports.usage", "file_search_calls"),
    ("GET", "/v1/organization/usage/completions"): Route("reports.usage", "completions"),
    ("GET", "/team/daily/activity"): Route("reports.daily_activity", "teams"),
    ("GET", "/user/daily/activity"): Route("reports.daily_activity", "users"),
    ("GET", "/tag/daily/activity"): Route("reports.daily_activity", "tags"),
    ("GET", "/customer/daily/activity"): Route("reports.daily_activity", "customers"),
    ("GET", "/team/daily/activity/export"): Route("reports.daily_export", "teams"),
    ("GET", "/user/daily/activity/export"): Route("reports.daily_export", "users"),
    ("GET", "/tag/daily/activity/export"): Route("reports.daily_export", "tags"),
    ("GET", "/customer/daily/activity/export"): Route("reports.daily_export", "customers"),
    ("GET", "/spend/keys"): Route("reports.spend_reports", "keys"),
    ("GET", "/spend/users"): Route("reports.spend_reports", "users"),
    ("GET", "/spend/tags"): Route("reports.spend_reports", "tags"),
    ("GET", "/global/spend/report"): Route("reports.spend_reports", "report"),
    ("GET", "/global/spend/forecast"): Route("reports.forecast", "forecast"),
    ("GET", "/global/activity"): Route("reports.panels", "activity"),
    ("GET", "/global/latency"): Route("reports.panels", "latency"),
    ("GET", "/global/storage"): Route("reports.panels", "storage"),
}
ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", "/audit"): Route("audit_list", "listing"),
    ("GET", "/spend/logs"): Route("spend_logs", "logs"),
    ("GET", "/spend/logs/v2"): Route("log_v2", "logs_v2"),
    **REPORTS,
    ("POST", "/spend/reprice"): Route("repricing", "reprice"),
    ("GET", "/spend/reconcile"): Route("reconciling", "reconcile"),
    ("POST", "/key/generate"): Route("keys", "generate"),
    ("GET", "/key/info"): Route("keys", "info"),
    ("GET", "/key/list"): Route("key_list", "listing"),
    ("POST", "/key/update"): Route("keys", "update"),
    ("POST", "/key/delete"): Route("keys", "delete"),
    ("POST", "/key/block"): Route("blocking", "block_key"),
    ("POST", "/key/unblock"): Route("blocking", "unblock_key"),
    ("POST", "/key/regenerate"): Route("regenerating", "regenerate"),
    ("POST", store_paths.REGENERATE_PATH): Route("regenerating", "regenerate_named"),
    ("POST", "/team/new"): Route("budgets", "new_team"),
    ("POST", "/team/update"): Route("budgets", "update_team"),
    ("POST", "/team/delete"): Route("team_deletion", "delete"),
    ("POST", "/team/block"): Route("blocking", "block_team"),
    ("POST", "/team/unblock"): Route("blocking", "unblock_team"),
    ("GET", "/team/info"): Route("team_info", "info"),
    ("GET", "/team/list"): Route("limit_lists", "teams"),
    ("POST", "/customer/new"): Route("budgets", "new_customer"),
    ("POST", "/customer/update"): Route("budgets", "update_customer"),
    ("POST", "/customer/block"): Route("blocking", "block_customers"),
    ("POST", "/customer/unblock"): Route("blocking", "unblock_customers"),
    ("GET", "/customer/info"): Route("budgets", "customer_info"),
    ("GET", "/customer/list"): Route("limit_lists", "customers"),
    ("POST", "/user/new"): Route("users", "new"),
    ("POST", "/user/update"): Route("user_changes", "update"),
    ("POST", "/user/delete"): Route("user_changes", "delete"),
    ("GET", "/user/info"): Route("users", "info"),
    ("GET", "/user/list"): Route("users", "listing"),
    ("GET", "/vector_stores/unowned"): Route("unowned", "unowned"),
    ("POST", "/vector_stores/adopt"): Route("unowned", "adopt"),
    ("POST", "/vector_stores/cleanup"): Route("cleanup", "cleanup"),
    ("POST", "/health/services"): Route("export_check", "check"),
    ("GET", "/health/services"): Route("export_check", "check"),
    ("GET", "/admin/dead_letters"): Route("dead_letters", "listing"),
    ("POST", "/admin/dead_letters/retry"): Route("dead_letters", "retry"),
    ("POST", "/admin/dead_letters/drop"): Route("dead_letters", "drop"),
    ("GET", "/admin/searches"): Route("searches", "by_key"),
    ("GET", "/admin/session"): Route("session", "session"),
    ("GET", "/admin/open_operations"): Route("open_operations", "listing"),
    ("GET", "/admin/vector_stores"): Route("store_list", "stores"),
    ("GET", store_paths.STORE_PATH): Route("one_store", "retrieve"),
    ("DELETE", store_paths.STORE_PATH): Route("one_store", "delete"),
    ("POST", store_paths.TRANSFER_PATH): Route("transfers", "transfer"),
    ("POST", store_paths.SHARE_PATH): Route("shares", "share"),
    ("GET", store_paths.SHARE_PATH): Route("shares", "listing"),
    ("DELETE", store_paths.SHARE_PATH): Route("shares", "unshare"),
    ("POST", "/v1/indexes"): Route("indexes", "create"),
    ("GET", "/v1/indexes"): Route("indexes", "listing"),
    ("POST", "/v1/indexes/delete"): Route("indexes", "delete"),
}
_OWN: Final = ("GET", "/key/info")
OF_TEAMS: Final = frozenset(
    {("POST", store_paths.SHARE_PATH), ("GET", store_paths.SHARE_PATH), ("DELETE", store_paths.SHARE_PATH), _OWN}
)
# What a team admin's key may call, on its own team: `guards` shows it nothing else.
TEAM_ROUTES: Final = frozenset(
    {
        *REPORTS,
        ("POST", store_paths.REGENERATE_PATH),
        *(("POST", f"/key/{verb}") for verb in ("generate", "update", "delete", "block", "unblock", "regenerate")),
        *(
            ("GET", path)
            for path in ("/key/info", "/key/list", "/team/info", "/team/list", "/admin/session", "/admin/searches")
        ),
        *(("GET", path) for path in ("/spend/logs", "/spend/logs/v2")),
    }
)
