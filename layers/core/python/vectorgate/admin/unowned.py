"""`GET /vector_stores/unowned` and `POST /vector_stores/adopt`: the provider's objects that have no owner.

A call looks at objects until it has seen `limit` of them or its time is over, and returns in `next_cursor` where the
next call continues. It may be repeated from any cursor: objects with an owner are skipped.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StrictBool, StringConstraints

from vectorgate.admin.adoption import ADOPTABLE, Adopter, Found, Owner, Selection, counted
from vectorgate.admin.budgets import require_team
from vectorgate.admin.fields import invalid, label, optional_label, read_body
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.open_creates import Origin
from vectorgate.admin.provider_objects import ProviderObjects
from vectorgate.admin.store_list import provider_named
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas.fields import WireModel
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectKind, is_object_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.provider_objects import Document
    from vectorgate.api.http import Request
    from vectorgate.ids import KeyId

SECONDS: Final = 12.0  # after which no further page is read: the function has 30 s, and a read may take 10
DEFAULT_LIMIT: Final = 1_000
MAX_LIMIT: Final = 5_000  # objects of one call
MAX_IDS: Final = 100
KINDS: Final[Mapping[str, ObjectKind]] = {"vector_store": ObjectKind.VECTOR_STORE, "file": ObjectKind.FILE}
_DIGITS: Final = 5

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Adopt(WireModel):
    """`POST /vector_stores/adopt`: the objects, and their new owner. Nothing is written in a dry run."""

    team_id: Text
    key: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    end_user: Text | None = None
    provider: Text | None = None
    object: Text = "vector_store"
    all: StrictBool = False
    ids: Annotated[list[Text], Field(min_length=1, max_length=MAX_IDS)] | None = None
    name_pattern: Text | None = None
    metadata: Annotated[dict[str, str], Field(min_length=1, max_length=16)] | None = None
    dry_run: StrictBool = True
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Text | None = None


@dataclass(slots=True)
class Walk:
    """The objects that one call looks at. `next`: where the next call continues, None at the end."""

    looked_at: int = 0
    found: list[Found] = field(default_factory=list)
    next: str | None = None


def unowned(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the provider's objects that have no owner here, oldest first. InvalidRequest."""
    query = request.query
    provider = provider_named(query.get("provider"), deps)
    objects = ProviderObjects(deps.provider, provider, _kind(query.get("object", "vector_store")))
    adopter = Adopter(deps, objects, Selection(name_pattern=query.get("name_pattern")))
    limit, after = _limit(query.get("limit")), _cursor(query.get("cursor"))
    walk = _walked(objects.pages(after), adopter, limit, dry_run=True)
    shown = [_described(each) for each in walk.found if each.row is None]
    return {"object": "list", "data": shown, "has_more": walk.next is not None, "next_cursor": walk.next}


def adopt(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give objects without an owner to a team: each one's outcome, or its possible one in a dry run. InvalidRequest."""
    body = schemas.validate(Adopt, read_body(request))
    selection = Selection(ids=body.ids, name_pattern=body.name_pattern, metadata=body.metadata or {})
    if body.all == (selection != Selection()):
        message = "Select the objects by 'ids', 'name_pattern' or 'metadata', or send 'all': true."
        raise InvalidRequest(message, code="missing_required_parameter", param="ids")
    objects = ProviderObjects(deps.provider, provider_named(body.provider, deps), _kind(body.object))
    adopter = Adopter(deps, objects, selection, owner_of(body.team_id, body.key, body.end_user, deps))
    after = _cursor(body.cursor)
    pages = objects.pages(after) if body.ids is None else objects.named(_ids_after(body.ids, after))
    walk = _walked(pages, adopter, body.limit, dry_run=body.dry_run)
    return {
        "dry_run": body.dry_run,
        "looked_at": walk.looked_at,
        "outcomes": counted(walk.found),
        "data": [_described(each) for each in walk.found],
        "next_cursor": walk.next,
    }


def owner_of(team_id: str, key: str | None, end_user: str | None, deps: AdminDeps) -> Owner:
    """The team, which exists, with the key, which is the team's, and the end user. InvalidRequest."""
    team = label("team_id", team_id)
    require_team(team, deps, create=False)
    key_id = _key_of(key, team, deps) if key is not None else None
    return Owner(team_id=team, key_id=key_id, end_user=optional_label("end_user", end_user))


def _key_of(key: str, team: str, deps: AdminDeps) -> KeyId:
    row = deps.stores.keys.key(key_id_in(key))
    if row is None or row.team_id != team:
        raise invalid("key", "a key of the team")
    return row.id


def _walked(pages: Iterator[list[Document]], adopter: Adopter, limit: int, *, dry_run: bool) -> Walk:
    """Look at pages, and adopt what may be adopted unless it is a dry run, until the limit or the end of the time."""
    clock = adopter.deps.clock
    walk, ends_at = Walk(), clock.monotonic() + SECONDS
    act = adopter.looked_at if dry_run else adopter.adopted
    for page in pages:
        walk.next = None
        part = page[: limit - walk.looked_at]
        walk.found += act(part)
        walk.looked_at += len(part)
        if part:
            walk.next = str(part[-1]["id"])
        if walk.looked_at >= limit or clock.monotonic() >= ends_at:
            return walk
    walk.next = None
    return walk


def _ids_after(ids: Sequence[str], after: str | None) -> list[str]:
    """The ids that are left behind the cursor. InvalidRequest."""
    unique = list(dict.fromkeys(ids))
    if not all(map(is_object_id, unique)):
        raise invalid("ids", "ids of stores or files")
    if after is None:
        return unique
    if after not in unique:
        raise invalid("cursor", "the next_cursor of an earlier answer")
    return unique[unique.index(after) + 1 :]


def _described(found: Found) -> dict[str, object]:
    """An object as the provider describes it, as far as an administrator needs it to decide, and its outcome."""
    document = found.document
    row = found.row
    return {
        "id": document["id"],
        "object": document.get("object"),
        "name": document.get("name", document.get("filename")),
        "created_at": document.get("created_at"),
        "bytes": document.get("usage_bytes", document.get("bytes")),
        "metadata": document.get("metadata"),
        "outcome": found.outcome,
        "adoptable": row is None and found.outcome in {ADOPTABLE, Origin.OTHER_GATEWAY},
    }


def _kind(name: str) -> ObjectKind:
    if name not in KINDS:
        raise invalid("object", "'vector_store' or 'file'")
    return KINDS[name]


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    number = int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0
    if not 1 <= number <= MAX_LIMIT:
        raise invalid("limit", f"a number from 1 to {MAX_LIMIT}")
    return number


def _cursor(text: str | None) -> str | None:
    if text is not None and not is_object_id(text):
        raise invalid("cursor", "the next_cursor of an earlier answer")
    return text
