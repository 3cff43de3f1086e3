"""What the administrator's routes answer, where the route's name does not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPEND: Final = (
    "`spend` is what was settled in the budget's period, or, without a budget, since the key was made or in the last "
    "24 months; `spend_by_call_type` splits it. `pending_storage_spend` is of days not charged yet. Exact amounts end "
    "in `_nano_usd`."
)
_ROWS: Final = f"Rows, whose `spend_by_call_type` is null where they have a budget. {_SPEND}"
_MONTH: Final = "`spend`, `pending_storage_spend`, `forecast`; `teams`, each with `max_budget` and `budget_reset_at`."
_OUTCOMES: Final = "`outcomes` counts, and `data` names each object with its outcome; `next_cursor` continues."
_ADOPTED: Final = (
    f"{_OUTCOMES} `adopted`, in a dry run `adoptable`: it is the team's. `already_owned`, `owned_by_another_team`: "
    "nothing changed. `open_operation`: an open call may have made it: try later. `another_gateway`: it has another "
    "gateway's tag; it is adopted by `ids` only. `deleted`: through the gateway. `not_found`: unknown to the "
    "provider."
)
_LOG: Final = (
    "With `cursor` a page, `data` with `has_more` and `next_cursor`, which may be empty although there is more. "
    "Without, a list, with the headers `x-vectorgate-has-more` and `x-vectorgate-next-cursor`. The newest day comes "
    "first, and in a day storage."
)
RESULTS: Final[Mapping[str, str]] = {
    "/audit": "`audit_logs` with `before_value` and `updated_values`; `has_more`, `next_cursor`.",
    "/spend/logs": _LOG,
    "/spend/reprice": (
        "The corrections and their sum. `left` counts rows that were skipped: `open`, `day_not_closed`, `unpriced`."
    ),
    "/spend/reconcile": (
        "Days, the provider's figures beside ours. Left out are those `not_reported` by OpenAI, `not_closed` here, or "
        "`not_kept` by an earlier release."
    ),
    "/v1/organization/costs": (
        "`amount` with `value_exact` (dollars, exact) and `quantity`, by `project_id`, `user_id`, `api_key_id`, "
        "`line_item` (`storage`, `responses.tools`, `<model> tokens`, call types)."
    ),
    "/v1/organization/usage/vector_stores": "`usage_bytes`, by `project_id`.",
    "/v1/organization/usage/file_search_calls": (
        "`num_requests`, by `project_id`, `user_id`, `api_key_id`, `vector_store_id`."
    ),
    "/v1/organization/usage/completions": "Tokens and requests, by `project_id`, `user_id`, `api_key_id`, `model`.",
    "/global/activity": (
        "`daily_data`: `api_requests`, `total_tokens`, `failed_requests`, `refusals`, `upstream_errors`, `searches`; "
        "their sums as `sum_...`."
    ),
    "/global/latency": (
        "`daily_data`, and of all days: `overhead` and `upstream` with `p50_ms`, `p95_ms`, `p99_ms` and `calls`."
    ),
    "/global/storage": "`days`; `stores` with `bytes` by day; `other_bytes`, `total_bytes`.",
    "/global/spend/forecast": _MONTH,
    "/key/list": "Hashes, newest first; with `return_full_object` rows.",
    "/key/info": _SPEND,
    "/team/info": _SPEND,
    "/customer/info": _SPEND,
    "/user/info": _SPEND,
    "/team/list": _ROWS,
    "/customer/list": _ROWS,
    "/user/list": _ROWS,
    "/vector_stores/adopt": _ADOPTED,
    "/vector_stores/cleanup": _OUTCOMES,
    "/admin/vector_stores": "Stores with `bytes`, `last_active_at`, `idle_days` and `cost_per_day`.",
}
DEFAULT: Final = "What was done or found."
