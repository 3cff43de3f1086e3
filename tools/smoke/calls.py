"""What is tried at a stack, in this order: each check stands on what those before it have made."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx
from openai import OpenAIError

from tools.smoke.target import NotProven, Target, prove
from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

SETTLED_SECONDS: Final = 60
INDEXED_SECONDS: Final = 120
REVOKED_SECONDS: Final = 20  # a revoked key holds 5 s longer
TEXT: Final = b"The tide turns at noon."
# A key that no stack has, in the form of one.
UNKNOWN: Final = "sk-" + "0" * 43


class Made:
    """What the checks have made so far: the key, the store, the file, and the id of a call."""

    key: str
    store: str
    file: str
    call: str


def a_key_is_made(target: Target, made: Made) -> str:
    """The administrator makes a team and a key; the table takes the row."""
    status, body = target.ask(
        "POST",
        "/key/generate",
        target.master_key,
        {"team_id": target.run, "create_team": True, "key_alias": target.run},
    )
    prove(status == HTTPStatus.OK, f"/key/generate: {status} {body}")
    made.key = body["key"]
    target.undo.append(lambda: target.ask("POST", "/team/delete", target.master_key, {"team_ids": [target.run]}))
    target.undo.append(lambda: target.ask("POST", "/key/delete", target.master_key, {"keys": [made.key]}))
    return f"team and key {target.run}"


def strangers_are_refused(target: Target, made: Made) -> str:
    """Send no key, an unknown one, a client's to the admin API, and the administrator's to the clients'."""
    for method, path, key in (
        ("GET", "/v1/vector_stores", None),
        ("GET", "/v1/vector_stores", UNKNOWN),
        ("GET", "/v1/vector_stores", target.master_key),
        ("GET", "/spend/logs", made.key),
    ):
        status, _ = target.ask(method, path, key)
        prove(status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}, f"{method} {path} was {status}")
    return "4 wrong callers"


def a_store_is_made_and_searched(target: Target, made: Made) -> str:
    """Files and stores pass to the provider, and belong to the key's team."""
    client = target.client(made.key)
    made.file = client.files.create(file=("tides.txt", TEXT), purpose="assistants").id
    target.undo.append(lambda: client.files.delete(made.file))
    raw = client.vector_stores.with_raw_response.create(name=target.run, file_ids=[made.file])
    made.store, made.call = raw.parse().id, raw.headers["x-litellm-call-id"]
    target.undo.append(lambda: client.vector_stores.delete(made.store))

    def completed() -> bool:
        return client.vector_stores.retrieve(made.store).status == "completed"

    target.within(INDEXED_SECONDS, completed, f"{made.store} was not indexed")
    hits = client.vector_stores.search(made.store, query="When does the tide turn?").data
    prove([hit.file_id for hit in hits] == [made.file], f"the search found {hits}")
    return f"{made.store} with {made.file}"


def what_is_foreign_is_absent(target: Target, made: Made) -> str:
    """Another team sees neither the store nor that there is one."""
    status, body = target.ask("POST", "/key/generate", target.master_key, {"key_alias": target.run + "-other"})
    prove(status == HTTPStatus.OK, f"/key/generate: {status} {body}")
    other = body["key"]
    target.undo.append(lambda: target.ask("POST", "/key/delete", target.master_key, {"keys": [other]}))
    foreign = target.ask("GET", f"/v1/vector_stores/{made.store}", other)
    absent = target.ask("GET", "/v1/vector_stores/vs_" + "0" * 32, other)
    prove(
        foreign[0] == absent[0] == HTTPStatus.NOT_FOUND, f"a foreign store was {foreign[0]}, an absent one {absent[0]}"
    )
    return "404 for another team's store"


def the_call_is_settled(target: Target, made: Made) -> str:
    """The table's stream reaches the usage logger, which settles the call."""

    def record() -> Any:  # noqa: ANN401 - JSON
        status, rows = target.ask("GET", f"/spend/logs?request_id={made.call}", target.master_key)
        prove(status == HTTPStatus.OK, f"/spend/logs: {status}")
        row = target.aws("dynamodb").get_item(
            TableName=target.outputs["TableName"],
            Key={"PK": {"S": f"OP#{made.call}"}, "SK": {"S": "STATE"}},
            ConsistentRead=True,
        )["Item"]
        return rows[0] if row["state"] == {"S": "settled"} else None

    found = target.within(SETTLED_SECONDS, record, "the call was not settled")
    prove((found["team_id"], found["status"]) == (target.run, "success"), f"the record says {found}")
    return f"{made.call}, spend {found['spend']}"


def the_invoke_function_answers(target: Target, made: Made) -> str:
    """The AWS SDK's way in."""
    answer = target.invoke("InvokeFunction", {"operation": "vector_stores.list", "api_key": made.key})
    prove(answer["status"] == HTTPStatus.OK, f"it was {answer}")
    prove(made.store in json.dumps(answer["body"]), "the list lacks the store")
    return "vector_stores.list"


def the_meter_ticks(target: Target, made: Made) -> str:
    """The meter's own rights suffice for a whole tick."""
    del made
    result = target.invoke("MeterFunction", {})
    prove({"posted", "settled"} <= result.keys() and "failed" not in result, f"a tick returned {result}")
    return ", ".join(f"{name} {count}" for name, count in result.items())


def a_deleted_store_and_key_open_nothing(target: Target, made: Made) -> str:
    """Deletion reaches the provider; a revoked key ends within seconds."""
    client = target.client(made.key)
    prove(client.vector_stores.delete(made.store).deleted, "the store was not deleted")
    prove(
        target.ask("GET", f"/v1/vector_stores/{made.store}", made.key)[0] == HTTPStatus.NOT_FOUND,
        "the deleted store is there",
    )
    client.files.delete(made.file)
    status, _ = target.ask("POST", "/key/delete", target.master_key, {"keys": [made.key]})
    prove(status == HTTPStatus.OK, f"/key/delete was {status}")

    def refused() -> bool:
        return target.ask("GET", "/v1/vector_stores", made.key)[0] == HTTPStatus.UNAUTHORIZED

    target.within(REVOKED_SECONDS, refused, "the revoked key went on")
    return "404, then 401"


CALLS: Final[tuple[Callable[[Target, Made], str], ...]] = (
    a_key_is_made,
    strangers_are_refused,
    a_store_is_made_and_searched,
    what_is_foreign_is_absent,
    the_call_is_settled,
    the_invoke_function_answers,
    the_meter_ticks,
)
# What a check may fail with; anything else is a defect of the check.
EXPECTED: Final = (NotProven, OpenAIError, httpx.HTTPError, SettingsError)
