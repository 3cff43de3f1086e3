"""The parameters of the administrator's routes that stand in the query, and what each means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vectorgate.admin import audit_list, export_check, key_list, log_query, log_v2, store_paths, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Document: TypeAlias = dict[str, Any]

_DAYS: Final = ("start_date", "end_date")
_PAGE: Final = ("page", "page_size")
_DAILY: Final = (*_DAYS, "model", "api_key", "timezone")
_EXPORT: Final = (*_DAILY, "export_type", "format")
_BUCKETS: Final = ("start_time", "end_time", "bucket_width", "group_by", "limit", "page")
# By entity: the parameters that name some of it, and that leave some out.
_ENTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "team": ("team_ids", "exclude_team_ids"),
    "user": ("user_id",),
    "tag": ("tags",),
    "customer": ("end_user_ids", "exclude_end_user_ids"),
}
_REPORT_FILTERS: Final = ("group_by", "api_key", "internal_user_id", "team_id", "customer_id")
QUERIES: Final[Mapping[tuple[str, str], Iterable[str]]] = {
    ("GET", "/audit"): sorted(audit_list.PARAMETERS),
    ("GET", "/spend/logs"): sorted(log_query.PARAMETERS),
    ("GET", "/spend/logs/v2"): sorted(log_v2.PARAMETERS),
    **{("GET", f"/{name}/daily/activity"): (*_DAILY, *_PAGE, *own) for name, own in _ENTITIES.items()},
    **{("GET", f"/{name}/daily/activity/export"): (*_EXPORT, *own) for name, own in _ENTITIES.items()},
    ("GET", "/spend/users"): ("user_id",),
    ("GET", "/spend/tags"): _DAYS,
    ("GET", "/global/spend/report"): (*_DAYS, *_REPORT_FILTERS),
    ("GET", "/global/activity"): (*_DAYS, "team_id"),
    ("GET", "/global/latency"): (*_DAYS, "team_id"),
    ("GET", "/global/storage"): (*_DAYS, "team_id", "limit"),
    ("GET", "/v1/organization/costs"): (*_BUCKETS, "project_ids", "user_ids", "api_key_ids", "line_items"),
    ("GET", "/v1/organization/usage/vector_stores"): (*_BUCKETS, "project_ids"),
    ("GET", "/v1/organization/usage/file_search_calls"): (
        *(*_BUCKETS, "project_ids", "user_ids", "api_key_ids", "vector_store_ids"),
    ),
    ("GET", "/v1/organization/usage/completions"): (
        *(*_BUCKETS, "project_ids", "user_ids", "api_key_ids", "models", "batch"),
    ),
    ("GET", "/spend/reconcile"): _DAYS,
    ("GET", "/key/info"): ("key",),
    ("GET", "/key/list"): sorted(key_list.PARAMETERS),
    ("GET", "/team/info"): ("team_id",),
    ("GET", "/team/list"): (*_PAGE, "team_id", "team_alias"),
    ("GET", "/customer/info"): ("end_user_id",),
    ("GET", "/customer/list"): (*_PAGE, "user_id", "alias"),
    ("GET", "/user/info"): ("user_id",),
    ("GET", "/user/list"): sorted(users.PARAMETERS),
    ("GET", "/vector_stores/unowned"): ("object", "provider", "name_pattern", "limit", "cursor"),
    ("GET", export_check.PATH): (export_check.SERVICE,),
    ("POST", export_check.PATH): (export_check.SERVICE,),
    ("GET", "/admin/searches"): ("days",),
    ("GET", "/admin/open_operations"): ("limit",),
    ("GET", "/admin/vector_stores"): ("team_id", "idle_days", "min_bytes", "provider", "limit", "cursor"),
    ("GET", store_paths.STORE_PATH): ("provider",),
    ("DELETE", store_paths.STORE_PATH): ("provider",),
    ("GET", store_paths.SHARE_PATH): ("provider",),
    ("DELETE", store_paths.SHARE_PATH): ("team_id", "provider"),
}
# Parameters without which a route answers 400.
_DATED: Final = (
    *(path for method, path in QUERIES if "/daily/activity" in path),
    *("/global/spend/report", "/global/activity", "/global/latency", "/global/storage"),
)
REQUIRED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    **{("GET", path): _DAYS for path in _DATED},
    **{route: ("start_time",) for route in QUERIES if "/organization/" in route[1]},
    ("GET", "/key/info"): ("key",),
    ("GET", "/team/info"): ("team_id",),
    ("GET", "/customer/info"): ("end_user_id",),
    ("GET", "/user/info"): ("user_id",),
    ("GET", export_check.PATH): (export_check.SERVICE,),
    ("POST", export_check.PATH): (export_check.SERVICE,),
    ("DELETE", store_paths.SHARE_PATH): ("team_id",),
}
MEANINGS: Final[Mapping[str, str]] = {
    "action": "What was done: `created`, `updated`, `deleted` and so on.",
    "alias": "End users of this alias.",
    "api_key": "A key, or its hash.",
    "api_key_ids": "Of these keys, by their hashes.",
    "batch": "`true`: calls in batch jobs, of which there are none here.",
    "bucket_width": "`1d`: whole UTC days. Of usage also `1h` and `1m`: up to 20,000 calls a page (`too_many_calls`).",
    "call_type": "An operation, `storage` or `correction`.",
    "changed_by": "The alias of the key that changed it.",
    "changed_by_api_key": "`master_key`, a key or its hash.",
    "cursor": "`next_cursor` of the answer before. Of `/spend/logs` empty for the first page of rows and cursors.",
    "customer_id": "An end user.",
    "days": "UTC days until today: 30 by default, at most 366.",
    "end_date": "The last day (UTC), or the time before which: today by default.",
    "end_time": "The Unix second before which.",
    "end_user": "An end user.",
    "end_user_id": "The end user.",
    "end_user_ids": "Of these end users.",
    "error_code": "The code of an error.",
    "exclude_end_user_ids": "Not of these end users.",
    "exclude_team_ids": "Not of these teams.",
    "expires_within": "Keys that end within a duration such as `7d`.",
    "export_type": "`daily`, `daily_with_keys`, `daily_with_models` or `daily_with_users`.",
    "format": "`csv` or `json`.",
    "group_by": "One result for each value of these fields.",
    "idle_days": "Not used for so many days, to a day.",
    "include_team_keys": "LiteLLM's: an administrator sees the keys of all teams.",
    "internal_user_id": "A person.",
    "key": "The key, or its hash.",
    "key_alias": "An alias.",
    "key_hash": "A key, or its hash.",
    "limit": "How many there may be in an answer.",
    "line_items": "Of these line items: `storage`, `responses.tools`, `<model> tokens`, call types.",
    "min_bytes": "Of at least that size.",
    "model": "A model.",
    "models": "Of these models.",
    "name_pattern": "Of a name that matches: `*`, `?`.",
    "object": "`vector_store` (the default) or `file`.",
    "object_id": "What was changed: a key (or its hash), a team, a store and so on.",
    "page": "The page, from 1. Of `/v1/organization/...` the `next_page` of the answer before.",
    "page_size": "Rows of a page.",
    "project_ids": "Of these teams.",
    "provider": "The provider; the default's otherwise.",
    "request_id": "The `x-litellm-call-id` of a call. In the audit the id of the administrator's request.",
    "return_full_object": "`true`: rows instead of hashes.",
    "service": "A destination of exports: `webhook`, `otel`, `slack` and so on.",
    "size": "Rows of a page: 10 by default, at most 100.",
    "sort_by": "`startTime`, `endTime`, `spend`, `total_tokens`, `request_duration_ms` or `model`: 10,000 records.",
    "sort_order": "`desc` or `asc`; the newest first of any number.",
    "start_date": "The first day or time, UTC: 30 days before the end by default, at most 366.",
    "start_time": "The Unix second from which.",
    "status": "Of a call `success`, `failure`, `pending` or `uncertain`; of a key `active`, `expired` or `revoked`.",
    "status_filter": "`success`, `failure`, `pending` or `uncertain`.",
    "summarize": "`true`: by day, the spend of each key, user and model.",
    "table_name": "`key`, `team`, `customer`, `user`, `index`, `vector_store`, `file` or `spend`.",
    "tags": "Of these tags.",
    "team_alias": "Teams of this alias.",
    "team_id": "A team.",
    "team_ids": "Of these teams.",
    "timezone": "`0`: days are in UTC.",
    "user_email": "The person of this address.",
    "user_id": "A person.",
    "user_ids": "These people.",
    "vector_store_id": "A vector store.",
    "vector_store_ids": "Of these vector stores.",
}


def query_of(route: tuple[str, str]) -> list[Document]:
    """The parameters of a route's query. LookupError for one without a meaning."""
    required = REQUIRED.get(route, ())
    return [_parameter(name, required=name in required) for name in QUERIES.get(route, ())]


def _parameter(name: str, *, required: bool) -> Document:
    if name not in MEANINGS:
        raise LookupError(f"MEANINGS in {__file__} does not say what {name} means")
    described = {"name": name, "in": "query", "description": MEANINGS[name], "schema": {"type": "string"}}
    return {**described, "required": True} if required else described
