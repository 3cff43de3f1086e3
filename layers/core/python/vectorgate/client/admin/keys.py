"""`/key/...`: virtual keys and admin keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.resources import Key
from vectorgate.client.options import without_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class BudgetFields(TypedDict, total=False):
    """Dollars, and a duration such as `30d`."""

    max_budget: float | None
    soft_budget: float | None
    budget_duration: str | None
    rpm_limit: int | None
    tpm_limit: int | None
    max_parallel_requests: int | None
    metadata: Mapping[str, object] | None


class KeyFields(BudgetFields, total=False):
    """What a key may have (openapi.json says what each field means). In an update, None removes the value."""

    key_alias: str | None
    user_id: str | None
    duration: str | None
    models: Sequence[str] | None
    allowed_tools: Sequence[str] | None
    tags: Sequence[str] | None
    allowed_routes: Sequence[str] | None
    allowed_providers: Sequence[str] | None
    object_permission: Mapping[str, object] | None
    read_only: bool | None
    max_output_tokens: int | None


class NewKeyFields(KeyFields, total=False):
    """What is said once, when a key is made."""

    team_id: str | None
    create_team: bool | None
    role: str | None


class Keys(AdminCalls):
    """Each `key` is named by its secret or by its `token`."""

    def list(self, **filters: str | None) -> Iterator[Key]:
        """Every key, newest first. Filters: `team_id`, `user_id`, `key_alias`, `status`, `expires_within`."""
        return self.by_number(Key, "/key/list", {**filters, "return_full_object": True}, "keys", "size")

    def create(self, **fields: Unpack[NewKeyFields]) -> Key:
        """A new key. Its `key` is the only place that ever holds the secret."""
        return of(Key, self.post("/key/generate", without_none(**fields)))

    def retrieve(self, key: str) -> Key:
        """A key with its spend by call type."""
        return of(Key, self.get("/key/info", {"key": key})["info"])

    def update(self, key: str, **fields: Unpack[KeyFields]) -> Key:
        """Change what is sent; None removes a value."""
        return of(Key, self.post("/key/update", {"key": key, **fields}))

    def block(self, key: str) -> Key:
        """Refuse its calls from now on."""
        return of(Key, self.post("/key/block", {"key": key}))

    def unblock(self, key: str) -> Key:
        """Let it call again."""
        return of(Key, self.post("/key/unblock", {"key": key}))

    def rotate(self, key: str, *, grace_period: str | None = None, duration: str | None = None) -> Key:
        """Another secret for the same key. The one before ends at once, or after `grace_period` (`24h`)."""
        fields = without_none(grace_period=grace_period, duration=duration)
        return of(Key, self.post("/key/regenerate", {"key": key, **fields}))

    def remove(self, keys: Sequence[str]) -> Sequence[str]:
        """Delete keys; the tokens of those that were there. NotFoundError where none was."""
        deleted: Sequence[str] = self.post("/key/delete", {"keys": [*keys]})["deleted_keys"]
        return deleted
