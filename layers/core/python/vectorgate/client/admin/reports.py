"""OpenAI's reports of an organisation (`/v1/organization/...`), by UTC day. Teams stand where projects do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.resources import DayBucket, Reconciled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_COSTS: Final = "/v1/organization/costs"
_USAGE: Final = "/v1/organization/usage/"
MOST_COSTS: Final = 180  # days of a page
MOST_USAGE: Final = 31


class Reports(AdminCalls):
    """`start_time`, `end_time`: Unix seconds. Filters (`project_ids`, `api_key_ids`, ...) take one value each."""

    def costs(
        self, start_time: int, end_time: int, group_by: Sequence[str] = (), **filters: str | None
    ) -> Iterator[DayBucket]:
        """`amount` in dollars, with `value_exact`. By `project_id`, `user_id`, `api_key_id`, `line_item`."""
        return self._buckets(_COSTS, MOST_COSTS, _query(start_time, end_time, group_by, filters))

    def storage(
        self, start_time: int, end_time: int, group_by: Sequence[str] = (), **filters: str | None
    ) -> Iterator[DayBucket]:
        """`usage_bytes`: the average of the day. By `project_id`."""
        return self._buckets(_USAGE + "vector_stores", MOST_USAGE, _query(start_time, end_time, group_by, filters))

    def searches(
        self, start_time: int, end_time: int, group_by: Sequence[str] = (), **filters: str | None
    ) -> Iterator[DayBucket]:
        """`num_requests`. By `project_id`, `user_id`, `api_key_id`, `vector_store_id`."""
        return self._buckets(_USAGE + "file_search_calls", MOST_USAGE, _query(start_time, end_time, group_by, filters))

    def tokens(
        self, start_time: int, end_time: int, group_by: Sequence[str] = (), **filters: str | None
    ) -> Iterator[DayBucket]:
        """`input_tokens`, `output_tokens`, `num_model_requests`. By `project_id`, `user_id`, `api_key_id`, `model`."""
        return self._buckets(_USAGE + "completions", MOST_USAGE, _query(start_time, end_time, group_by, filters))

    def reconciled(self, start_date: str | None = None, end_date: str | None = None) -> Reconciled:
        """OpenAI's bill beside the records, from day to day (`2026-11-01`). NotFoundError without its admin key."""
        return of(Reconciled, self.get("/spend/reconcile", {"start_date": start_date, "end_date": end_date}))

    def _buckets(self, path: str, most: int, query: Mapping[str, object]) -> Iterator[DayBucket]:
        page: object = None
        while True:
            answer = self.get(path, {**query, "limit": most, "page": page})
            yield from (of(DayBucket, each) for each in answer["data"])
            page = answer.get("next_page")
            if page is None:
                return


def _query(
    start_time: int, end_time: int, group_by: Sequence[str], filters: Mapping[str, str | None]
) -> Mapping[str, object]:
    values = {f"{name}[]": value for name, value in filters.items()}
    return {**values, "start_time": start_time, "end_time": end_time, "group_by": ",".join(group_by) or None}
