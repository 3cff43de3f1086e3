"""`/key/...`: LiteLLM's routes and field names for virtual keys."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StringConstraints

from vectorgate.admin.aliases import claims_of, ids_with
from vectorgate.admin.budgets import require_team
from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import (
    Dollars,
    invalid,
    iso_time,
    metadata_object,
    metadata_text,
    optional_label,
    read_body,
    required,
    tags,
)
from vectorgate.admin.guards import with_bounds
from vectorgate.admin.pending_storage import pending_storage_fields
from vectorgate.admin.rate_fields import AtATime, PerMinute, rate_fields
from vectorgate.admin.restriction_fields import Restrictions, restriction_columns, restriction_fields
from vectorgate.admin.spent import Spent
from vectorgate.admin.team_caller import own_key
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.fields import MIN_OUTPUT_TOKENS, TAG_MAX, TAGS_MAX, WireModel
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import IndexPermission, KeyRole, VirtualKey
from vectorgate.budgets.model import BudgetScope, Subject, budget_amount, budget_duration, key_limit
from vectorgate.ids import KeyId
from vectorgate.pricing.usage import MAX_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.clock import Clock, Random

KEY_BITS: Final = 256
MAX_SECONDS: Final = 100 * 365 * 86_400  # a longer duration becomes a century: no date of a calendar overflows
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)")
_NAME: Final = re.compile(r"[A-Za-z0-9._:/@-]*\*?", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 30 * 86_400}

Label = Annotated[str, StringConstraints(max_length=128)]
Duration = Annotated[str, StringConstraints(max_length=16)]
PresentedKey = Annotated[str, StringConstraints(min_length=1, max_length=512)]


Names = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=256)]], Field(max_length=100)]
Tags = Annotated[list[Annotated[str, StringConstraints(max_length=TAG_MAX)]], Field(max_length=TAGS_MAX)]
Tokens = Annotated[int, Field(ge=MIN_OUTPUT_TOKENS, le=MAX_TOKENS)]


class IndexGrant(WireModel):
    """One index that the key may use, and how (LiteLLM's `allowed_vector_store_indexes`)."""

    index_name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    index_permissions: Annotated[list[Annotated[str, StringConstraints(max_length=16)]], Field(max_length=2)]


Grants = Annotated[list[IndexGrant], Field(max_length=100)]


class GenerateKey(Restrictions):
    """`POST /key/generate`: a key, by LiteLLM's names of its fields. `create_team`: make the team if it is new."""

    key_alias: Label | None = None
    team_id: Label | None = None
    create_team: StrictBool = False
    user_id: Label | None = None
    duration: Duration | None = None
    blocked: StrictBool | None = None
    allowed_vector_store_indexes: Grants | None = None
    metadata: dict[str, object] | None = None
    tags: Tags | None = None
    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    models: Names | None = None
    allowed_tools: Names | None = None
    max_output_tokens: Tokens | None = None
    role: Literal["admin", "team_admin"] | None = None
    tpm_limit: PerMinute | None = None
    rpm_limit: PerMinute | None = None
    max_parallel_requests: AtATime | None = None


class UpdateKey(Restrictions):
    """`POST /key/update`: a field that is not sent stays, null removes its value. A key's team does not change."""

    key: PresentedKey
    key_alias: Label | None = None
    user_id: Label | None = None
    duration: Duration | None = None
    blocked: StrictBool | None = None
    allowed_vector_store_indexes: Grants | None = None
    metadata: dict[str, object] | None = None
    tags: Tags | None = None
    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    models: Names | None = None
    allowed_tools: Names | None = None
    max_output_tokens: Tokens | None = None
    tpm_limit: PerMinute | None = None
    rpm_limit: PerMinute | None = None
    max_parallel_requests: AtATime | None = None


class DeleteKeys(WireModel):
    """`POST /key/delete`: keys or their hashes, or aliases. LiteLLM's client sends null for one of them."""

    keys: Annotated[list[PresentedKey], Field(max_length=100)] | None = None
    key_aliases: Annotated[list[Label], Field(max_length=100)] | None = None


def generate(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Make a key. The answer is the only place that ever holds the secret. InvalidRequest for an unknown team."""
    secret, row, claims = made_key(schemas.validate(GenerateKey, read_body(request)), deps)
    deps.stores.keys.add_key(row, claims=claims)
    return {"key": secret, **described(row, deps)}


def info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A key's row, by the key or by its hash, its spend by call type, and its storage that is not charged yet.

    Any key sees its own, also without naming it.
    """
    row = find_key(key_id_in(required(request, "key")), deps) if deps.caller is None else own_key(request, deps.caller)
    subject, limit = Subject(BudgetScope.KEY, row.id), key_limit(row)
    details = pending_storage_fields(subject, limit, deps) | Spent(deps).lines_of(subject, limit, row.created_at)
    return {"key": row.id, "info": described(row, deps) | details}


def update(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent, clear those that are null. In force everywhere within 5 s."""
    body = schemas.validate(UpdateKey, read_body(request))
    key_id = key_id_in(body.key)

    def replace_row() -> VirtualKey:
        before = find_key(key_id, deps)
        row = updated_key(before, body, deps.clock.unix_s())
        deps.stores.keys.replace_key(row, claims=claims_of(before, row, deps))
        return row

    row = retry_on_conflict("key", replace_row)
    return {"key": row.id, **described(row, deps)}


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete keys. They stop working within 5 s everywhere; what they made stays with their tenant."""
    body = schemas.validate(DeleteKeys, read_body(request))
    if body.keys is None and body.key_aliases is None:
        raise InvalidRequest("Missing required parameter: 'keys'.", code="missing_required_parameter", param="keys")
    rows = map(deps.stores.keys.key, map(key_id_in, body.keys or ()))
    found = [row.id for row in rows if row is not None] + ids_with(body.key_aliases or [], deps)
    deleted = [key_id for key_id in dict.fromkeys(found) if deps.stores.keys.delete_key(key_id)]
    if not deleted and (body.keys or body.key_aliases):
        raise NotFound("No such key.", param="keys")
    return {"deleted_keys": deleted}


def key_id_in(presented: str) -> KeyId:
    """The id of a key that is given as itself or as its hash: an administrator may hold either."""
    return KeyId(presented) if _HASH.fullmatch(presented) else key_id_of(presented)


def find_key(key_id: KeyId, deps: AdminDeps) -> VirtualKey:
    """The key with that id or that hash of a secret. NotFound."""
    row = deps.stores.keys.key(key_id)
    if row is None:
        raise NotFound("No such key.", param="key")
    return row


def described(row: VirtualKey, deps: AdminDeps) -> dict[str, object]:
    """A key, its budget and its spend as LiteLLM shows them: `token` is the key's hash."""
    spent = Spent(deps).fields_of(Subject(BudgetScope.KEY, row.id), key_limit(row), row.created_at)
    return with_spend(row, spent)


def with_spend(row: VirtualKey, spent: dict[str, object]) -> dict[str, object]:
    """A key's row with its budget and spend. A duration stays without an amount: an update may bring one."""
    return key_fields(row) | spent | {"budget_duration": row.budget_duration}


def key_fields(row: VirtualKey) -> dict[str, object]:
    """A key's row under LiteLLM's names, without its budget."""
    return {
        "token": row.id,
        "key_alias": row.alias,
        "team_id": row.team_id,
        "user_id": row.user_id,
        "created_at": iso_time(row.created_at),
        "expires": iso_time(row.expires_at),
        "blocked": row.blocked,
        "allowed_vector_store_indexes": [
            {"index_name": name, "index_permissions": sorted(permissions)}
            for name, permissions in sorted(row.indexes.items())
        ],
        "models": list(row.models),
        "allowed_tools": list(row.allowed_tools) if row.allowed_tools is not None else None,
        "max_output_tokens": row.max_output_tokens,
        **rate_fields(row),
        **restriction_fields(row),
        "role": row.role,
        "metadata": metadata_object(row.metadata),
        "tags": list(row.tags),
    }


def new_secret(randomness: Random) -> str:
    """A key of 256 random bits."""
    text = base64.urlsafe_b64encode(randomness.bits(KEY_BITS).to_bytes(KEY_BITS // 8, "big")).decode()
    return "sk-" + text.rstrip("=")


def made_key(body: GenerateKey, deps: AdminDeps) -> tuple[str, VirtualKey, Sequence[str]]:
    """A secret, the row to keep, of a team that exists, and the claims of its name. InvalidRequest."""
    secret, row = new_key(body, deps.clock, deps.randomness)
    row = with_bounds(row, deps.actor)
    claims = claims_of(None, row, deps)
    if row.team_id is not None:
        require_team(row.team_id, deps, create=body.create_team)
    return secret, row, claims


def new_key(body: GenerateKey, clock: Clock, randomness: Random) -> tuple[str, VirtualKey]:
    """A secret of 256 random bits, and the row to keep, which holds its SHA-256. InvalidRequest."""
    secret, now = new_secret(randomness), clock.unix_s()
    row = VirtualKey(
        id=key_id_of(secret),
        created_at=now,
        alias=optional_label("key_alias", body.key_alias),
        team_id=optional_label("team_id", body.team_id),
        user_id=optional_label("user_id", body.user_id),
        expires_at=_expiry(body.duration, now),
        indexes=_permissions_by_index(body.allowed_vector_store_indexes),
        models=_names("models", body.models or []),
        allowed_tools=_tools(body.allowed_tools),
        max_output_tokens=body.max_output_tokens,
        tpm_limit=body.tpm_limit,
        role=KeyRole(body.role) if body.role is not None else None,
        rpm_limit=body.rpm_limit,
        max_parallel_requests=body.max_parallel_requests,
        metadata=metadata_text(body.metadata),
        tags=tags(body.tags),
        **dict(restriction_columns(body).values()),
        max_budget=budget_amount("max_budget", body.max_budget),
        soft_budget=budget_amount("soft_budget", body.soft_budget),
        budget_duration=budget_duration(body.budget_duration),
        blocked=bool(body.blocked),
    )
    return secret, checked_role(row)


def updated_key(row: VirtualKey, body: UpdateKey, now: int) -> VirtualKey:
    """The key's next row. InvalidRequest."""
    values: dict[str, tuple[str, Any]] = {
        "key_alias": ("alias", optional_label("key_alias", body.key_alias)),
        "user_id": ("user_id", optional_label("user_id", body.user_id)),
        "duration": ("expires_at", _expiry(body.duration, now)),
        "blocked": ("blocked", bool(body.blocked)),
        "allowed_vector_store_indexes": ("indexes", _permissions_by_index(body.allowed_vector_store_indexes)),
        "models": ("models", _names("models", body.models or [])),
        "allowed_tools": ("allowed_tools", _tools(body.allowed_tools)),
        "max_output_tokens": ("max_output_tokens", body.max_output_tokens),
        "tpm_limit": ("tpm_limit", body.tpm_limit),
        "rpm_limit": ("rpm_limit", body.rpm_limit),
        "max_parallel_requests": ("max_parallel_requests", body.max_parallel_requests),
        "metadata": ("metadata", metadata_text(body.metadata)),
        "tags": ("tags", tags(body.tags)),
        **restriction_columns(body),
        "max_budget": ("max_budget", budget_amount("max_budget", body.max_budget)),
        "soft_budget": ("soft_budget", budget_amount("soft_budget", body.soft_budget)),
        "budget_duration": ("budget_duration", budget_duration(body.budget_duration)),
    }
    changes = dict(values[name] for name in values if name in body.model_fields_set)
    return checked_role(replace(row, **changes, version=row.version + 1))


def checked_role(row: VirtualKey) -> VirtualKey:
    """The row of a key that has what its role needs. InvalidRequest."""
    if row.role is KeyRole.ADMIN and row.team_id is not None:
        raise invalid("team_id", "none: an admin key is of no team")
    if row.role is KeyRole.TEAM_ADMIN and row.team_id is None:
        raise InvalidRequest("A team admin's key needs 'team_id'.", code="missing_required_parameter", param="team_id")
    if row.role is KeyRole.ADMIN and None in (row.alias, row.expires_at):
        missing = "key_alias" if row.alias is None else "duration"
        raise InvalidRequest(f"An admin key needs '{missing}'.", code="missing_required_parameter", param=missing)
    return row


def _tools(names: list[str] | None) -> tuple[str, ...] | None:
    """The tools that a key may use; None for the default ones, and an empty list for none."""
    return None if names is None else _names("allowed_tools", names)


def _names(param: str, names: list[str]) -> tuple[str, ...]:
    """Names of models or tools, of which each may end in `*`. InvalidRequest."""
    if not all(map(_NAME.fullmatch, names)):
        raise invalid(param, "names of letters, digits, and '.', '_', ':', '/', '@' or '-'; one may end in '*'")
    return tuple(dict.fromkeys(names))


def _expiry(duration: str | None, now: int) -> int | None:
    """The Unix second after a duration such as `30d`; None for a key that does not expire."""
    return now + seconds_of("duration", duration) if duration is not None else None


def seconds_of(param: str, duration: str) -> int:
    """The seconds of a duration such as `30d`, at most a century. InvalidRequest."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise invalid(param, "a number and a unit, such as '30s', '30m', '30h', '30d', '1w' or '1mo'")
    return min(int(match[1]) * _SECONDS[match[2]], MAX_SECONDS)


def _permissions_by_index(grants: list[IndexGrant] | None) -> dict[str, frozenset[IndexPermission]]:
    return {grant.index_name: _permissions(grant) for grant in grants or ()}


def _permissions(grant: IndexGrant) -> frozenset[IndexPermission]:
    try:
        return frozenset(IndexPermission(permission) for permission in grant.index_permissions)
    except ValueError:
        raise InvalidRequest(
            "Invalid value in 'index_permissions'. Supported values are: 'read' and 'write'.",
            code="invalid_value",
            param="allowed_vector_store_indexes",
        ) from None
