"""The bodies of the administrator's routes: pydantic's schema of each model, with what each field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.requests import model_schemas
from vectorgate.admin import (
    blocking,
    budgets,
    cleanup,
    dead_letters,
    indexes,
    keys,
    regenerating,
    repricing,
    shares,
    store_paths,
    team_deletion,
    transfers,
    unowned,
    user_changes,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    Document: TypeAlias = dict[str, Any]

BODIES: Final[Mapping[str, type[BaseModel]]] = {
    "/spend/reprice": repricing.Reprice,
    "/key/generate": keys.GenerateKey,
    "/key/update": keys.UpdateKey,
    "/key/delete": keys.DeleteKeys,
    "/key/block": blocking.OneKey,
    "/key/unblock": blocking.OneKey,
    "/key/regenerate": regenerating.RegenerateKey,
    store_paths.REGENERATE_PATH: regenerating.RegenerateKey,
    "/team/new": budgets.Team,
    "/team/update": budgets.Team,
    "/team/delete": team_deletion.DeleteTeams,
    "/team/block": blocking.OneTeam,
    "/team/unblock": blocking.OneTeam,
    "/customer/new": budgets.Customer,
    "/customer/update": budgets.Customer,
    "/customer/block": blocking.EndUsers,
    "/customer/unblock": blocking.EndUsers,
    "/user/new": users.NewUser,
    "/user/update": user_changes.UpdateUser,
    "/user/delete": user_changes.DeleteUsers,
    "/vector_stores/adopt": unowned.Adopt,
    "/vector_stores/cleanup": cleanup.Cleanup,
    "/admin/dead_letters/retry": dead_letters.ChosenLetters,
    "/admin/dead_letters/drop": dead_letters.ChosenLetters,
    store_paths.TRANSFER_PATH: transfers.Transfer,
    store_paths.SHARE_PATH: shares.Sharing,
    "/v1/indexes": indexes.CreateIndex,
    "/v1/indexes/delete": indexes.DeleteIndex,
}
OPTIONAL: Final[Mapping[str, str]] = {"/team/new": "team_id"}  # which the route makes before the model sees the body
# What a field means in every body, unless OF_MODEL says otherwise.
MEANINGS: Final[Mapping[str, str]] = {
    "key": "The key, or its hash.",
    "keys": "Keys, or their hashes.",
    "queue": "The name of a queue of `GET /admin/dead_letters`.",
    "key_aliases": "Aliases: earlier releases let several keys have one.",
    "key_alias": "The key's name, of one key alone. A key of an administrator needs one.",
    "team_id": "The team. Its keys share what they own, and its budget.",
    "create_team": "Make the team if `/team/new` has not made it; otherwise an unknown team is refused.",
    "team_ids": "Teams.",
    "team_alias": "A name for people.",
    "alias": "A name for people.",
    "user_id": "The person to whom the key belongs, whose budget counts over all their keys.",
    "user_ids": "People, or end users.",
    "user_email": "The person's address.",
    "user_alias": "The person's name.",
    "user_role": "LiteLLM's: people have no rights here, their keys have.",
    "teams": "The team of the key that is made.",
    "auto_create_key": "Make a key, too, shown once.",
    "end_user": "The end user that the objects belong to.",
    "duration": "Until the key ends, such as `30d`: a number and s, m, h, d, w or mo. Without it the key does not end.",
    "grace_period": "How long the secret before stays valid, such as `24h`; by default it ends at once.",
    "blocked": "Every call is refused with 403 `blocked`.",
    "metadata": "Any JSON object of at most 2,048 characters.",
    "tags": "Tags of every record of the key, before those of a call: 10 in all.",
    "max_budget": "Dollars in a period. A call that would pass it is 429 `insufficient_quota`.",
    "soft_budget": "Dollars in a period, beyond which answers have the header `x-vectorgate-soft-budget-exceeded`.",
    "budget_duration": "The budget's period, such as `1d`, `30d` or `1mo`. Null: for ever.",
    "models": "Models of the Responses API; `*` at the end of a name matches any rest. Empty or null: none.",
    "allowed_tools": (
        "Tools of the Responses API. Null: `file_search`, `web_search`, `code_interpreter` and those that run at the "
        "caller. Empty: none. `mcp`, `conversation`, `prompt` and `skill` allow what the gateway cannot check."
    ),
    "max_output_tokens": "Of a response that names no maximum.",
    "allowed_vector_store_indexes": "Virtual indexes of Azure AI Search, and what the key may do. Empty or null: none.",
    "index_name": "The virtual name.",
    "index_permissions": "`read`, `write`, or both.",
    "litellm_params": "The real index.",
    "vector_store_index": "The index's name in the search service.",
    "vector_store_name": "LiteLLM's name of the search service.",
    "allowed_routes": "Paths, with `*` at the end, templates, or groups such as `llm_api_routes`. Empty: any.",
    "allowed_providers": "Providers that the key may use. Empty: any.",
    "object_permission": "The vector stores that the key may use: others do not exist for it.",
    "vector_stores": "Ids. Empty: any store of the team's.",
    "read_only": "Reads alone: others are 403 `read_only_key`.",
    "role": (
        "`admin`: a key for all admin calls and no others, which only the master key makes, with `key_alias` and "
        "`duration`. `team_admin`: for the keys and the spend of its `team_id`."
    ),
    "rpm_limit": "Requests that may come at once; they come back evenly over a minute. Replays do not count.",
    "tpm_limit": "Tokens of responses, as `rpm_limit`; they count when a response ends.",
    "max_parallel_requests": "Requests at a time; a stream is one until it ends.",
    "default_expires_after_days": "Of a store whose client names no expiry.",
    "max_expires_after_days": "A longer expiry, or none, is 400; without a default it is the default.",
    "max_vector_stores": (
        "Beyond it creates are 429 `vector_store_limit_reached`. A place is free once a deletion is settled; adoptions "
        "and transfers count, and are not refused. Set again, it counts anew."
    ),
    "max_vector_store_gib": (
        "Beyond it attaching files is 429 `vector_store_storage_limit_reached`, by the bytes last metered."
    ),
    "start_date": "The first day, UTC.",
    "end_date": "The last day, UTC.",
    "price_ids": "Only rows that were last priced by these entries.",
    "provider": "The provider; the default's otherwise.",
    "object": "`vector_store` or `file`.",
    "all": "Every object without an owner.",
    "ids": "These objects.",
    "name_pattern": "Objects whose name matches: `*`, `?`.",
    "dry_run": "Say what would be done, and write nothing. Send false to do it.",
    "limit": "How many of them this call looks at.",
    "cursor": "`next_cursor` of the answer before.",
    "idle_days": "Stores that were not used for so many days.",
    "min_bytes": "Stores of at least that size.",
    "file_ids": "Files of the same owner, which go with the store.",
    "permission": (
        "`read`: retrieve, list, search, read files, `file_search`. `write`: also change the store and its files, and "
        "attach one's own. `none` takes the share back."
    ),
}
OF_MODEL: Final[Mapping[tuple[str, str], str]] = {
    ("Adopt", "key"): "The key of the team that the objects belong to, or its hash.",
    ("Adopt", "team_id"): "The team that gets them.",
    ("Adopt", "metadata"): "Objects with these values.",
    ("Adopt", "limit"): "Objects to look at: a call ends earlier when its time is over.",
    ("Cleanup", "team_id"): "Stores of this team alone.",
    ("Customer", "user_id"): "The end user, by the name that callers send in `user`.",
    ("NewUser", "user_id"): "Without it one is made.",
    ("NewUser", "team_id"): "The team of the key that is made.",
    ("Sharing", "team_id"): "The team that the store is shared with.",
    ("Team", "team_id"): "The team's id. `/team/new` makes one without it.",
    ("Transfer", "key"): "The key of the next owner's team, or its hash.",
    ("Transfer", "team_id"): "The next owner, which pays for the storage from then on.",
    ("UpdateUser", "user_id"): "The person.",
}


def body_schemas() -> dict[str, Document]:
    """The schemas of all bodies, and of what they are made of, by name. LookupError for a field without a meaning."""
    found = model_schemas(dict.fromkeys(BODIES.values()))
    return {name: _explained(name, found[name]) for name in sorted(found)}


def body_of(path: str) -> Document | None:
    """The schema of a route's body; None for a route without one."""
    if path not in BODIES:
        return None
    reference: Document = {"$ref": f"#/components/schemas/{BODIES[path].__name__}"}
    return reference


def _explained(name: str, schema: Document) -> Document:
    properties = {
        field: {**value, "description": meaning(name, field)} for field, value in schema["properties"].items()
    }
    made = {field for path, field in OPTIONAL.items() if BODIES[path].__name__ == name}
    required = [field for field in schema.get("required", []) if field not in made]
    kept = {name: value for name, value in schema.items() if name != "required"}
    return {**kept, "properties": properties, **({"required": required} if required else {})}


def meaning(model: str, field: str) -> str:
    """What a field of a model means. LookupError if it is not said."""
    found = OF_MODEL.get((model, field)) or MEANINGS.get(field)
    if found is None:
        raise LookupError(f"MEANINGS in {__file__} does not say what {field} of {model} means")
    return found
