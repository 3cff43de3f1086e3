"""Simulated clients, which create, use and delete stores, and retry failures as OpenAI's SDKs do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from tests.simulation.response_clients import ResponseClients
from vectorgate.api.http import Body, Request, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.environment import SimulatedEnvironment
    from tests.simulation.provider import SimulatedProvider
    from vectorgate.api.http import Response

RETRIES: Final = 2  # of the official SDKs
LATE_RETRIES: Final = 0.1  # of the retries are so late that the first request has ended, or its process has crashed
LONG_PAUSE: Final = 100.0
KEYED: Final = 0.3  # of the creates have an idempotency key; the others have the SDK's count of retries
RESPONSES: Final = 0.07  # of what a client does concerns a response
OTHER_CALLS: Final = 0.12  # of what a client does is not a create
SHARED: Final = 0.1  # of the creates have the body and the team of a recent one, and another caller or the same
RECENT: Final = 5
NEVER_ARRIVED: Final = 0.05  # of the first attempts do not reach the gateway; of those with a shared body, half
SECRETS: Final = ("sk-simulated-a", "sk-simulated-b", "sk-simulated-c")
TEAMS: Final[Mapping[str, str]] = {"sk-simulated-a": "red", "sk-simulated-b": "red", "sk-simulated-c": "None"}
END_USERS: Final = (None, None, "émile", "東京", "u3")
FIRST_5XX: Final = 500
REUSED: Final = 422  # the idempotency key is another request's
FULL_METADATA: Final = {f"k{number}": "v" for number in range(16)}  # no room for a tag


@dataclass(slots=True)
class LogicalCreate:
    """One create, however often it is sent. `store_id`: the id that the client received.

    `arrives`: whether its first attempt reaches the gateway. `broken`: its attempts whose connection broke.
    """

    name: str
    secret: str
    end_user: str | None
    body: bytes
    keyed: bool = False
    arrives: bool = True
    store_id: str | None = None
    deleted: bool = False
    statuses: list[int] = field(default_factory=list)

    @property
    def caller(self) -> tuple[str, str | None]:
        """The API key and the end user for whom it is made."""
        return self.secret, self.end_user

    @property
    def is_open(self) -> bool:
        """Whether its client has no final answer: it is under way, or it failed in the end."""
        return not self.statuses or self.statuses[-1] == 0 or self.statuses[-1] >= FIRST_5XX

    @property
    def broken(self) -> int:
        return self.statuses.count(0)


class Caller(Protocol):
    """What a client calls for: with which key, and the statuses that it got."""

    @property
    def secret(self) -> str: ...

    @property
    def statuses(self) -> list[int]: ...


class Clients:
    """Every client of a seed, one at a time. `violations`: answers that no client may get. `limit`: of the creates."""

    def __init__(
        self,
        environment: SimulatedEnvironment,
        provider: SimulatedProvider,
        ask: Callable[[Request, int | None], Response | None],
        creates: list[LogicalCreate],
    ) -> None:
        self._environment = environment
        self._provider = provider
        self._handle = ask
        self._creates = creates
        self._own: list[LogicalCreate] = []
        self.responses = ResponseClients(environment, provider, self)
        self.violations: list[str] = []
        self.limit = 1 << 60

    def stores_of(self, team: str) -> list[str]:
        """Return the stores that a team's clients got the ids of, and did not delete."""
        return [str(made.store_id) for made in self._own if TEAMS[made.secret] == team]

    def act(self) -> None:
        """Make one call, with its retries."""
        if self._environment.happens(RESPONSES):
            self.responses.act()
        elif self._own and self._environment.happens(OTHER_CALLS):
            self._use(self._environment.rng.choice(self._own))
        elif len(self._creates) < self.limit:
            self.create()

    def create(self) -> None:
        environment, rng = self._environment, self._environment.rng
        if self._creates and environment.happens(SHARED):
            recent = self._creates[-RECENT:]
            made = self._shared(rng.choice([one for one in recent if one.is_open] or recent))
        else:
            name, secret = f"s{len(self._creates)}", rng.choice(SECRETS)
            made = LogicalCreate(name, secret, rng.choice(END_USERS), encode_json(self._body(name, secret)))
            made.keyed, made.arrives = environment.happens(KEYED), not environment.happens(NEVER_ARRIVED)
        self._creates.append(made)
        self.send(made)

    def _shared(self, one: LogicalCreate) -> LogicalCreate:
        """Another create of the same team with the same body, whose first attempt may never arrive."""
        rng, secrets = self._environment.rng, [secret for secret in SECRETS if TEAMS[secret] == TEAMS[one.secret]]
        made = LogicalCreate(one.name, rng.choice(secrets), rng.choice(END_USERS), one.body)
        is_new = all(other.caller != made.caller for other in self._creates if other.name == one.name)
        made.keyed, made.arrives = is_new and one.keyed, self._environment.happens(0.5)
        return made

    def send(self, made: LogicalCreate) -> None:
        """Send a create, with its retries. A keyed one may be sent again at any time."""
        headers = {"x-litellm-end-user-id": made.end_user} if made.end_user else {}
        if made.keyed:
            headers["idempotency-key"] = f"key of {made.name}"  # the same for every caller
        response = self.send_with_retries("POST", "/v1/vector_stores", made, made.body, headers, arrives=made.arrives)
        if response is not None and response.status == 200:
            self._created(made, json.loads(response.read_body()))
        if not made.keyed and REUSED in made.statuses:
            self.violations.append(f"{made} was refused for another caller's request")

    def _body(self, name: str, secret: str) -> dict[str, object]:
        body: dict[str, object] = {"name": name}
        kind = self._environment.rng.randrange(20)
        if kind == 0:
            body["metadata"] = FULL_METADATA
        elif kind < 4:
            body["metadata"] = {"a": "b"}
        elif kind == 4:
            body["file_ids"] = [f"file-{TEAMS[secret]}-0"]
        elif kind == 5 and self._environment.happens(0.1):
            body["name"] = 7  # the gateway refuses it
        return body

    def _created(self, made: LogicalCreate, document: Mapping[str, object]) -> None:
        made.store_id = str(document["id"])
        store = self._provider.stores.get(made.store_id)
        if store is None or store.name != made.name or document.get("name") != made.name:
            self.violations.append(f"{made.name} was answered with {document}")
        sent = json.loads(made.body).get("metadata", {})
        if document.get("metadata", {}) != sent:
            self.violations.append(f"{made.name} sent metadata {sent} and got {document.get('metadata')}")
        self._own.append(made)

    def _use(self, made: LogicalCreate) -> None:
        path = f"/v1/vector_stores/{made.store_id}"
        match self._environment.rng.randrange(6):
            case 0:
                self._delete(made, path)
            case 1:
                file_id = f"file-{TEAMS[made.secret]}-1"
                self.send_with_retries("POST", f"{path}/files", made, encode_json({"file_id": file_id}))
            case 2:
                self.send_with_retries("POST", f"{path}/search", made, b'{"query":"q"}')
            case 3:
                self.send_with_retries("GET", path, made)
            case 4:
                self.send_with_retries("POST", path, made, b'{"metadata":{"c":"d"}}')
            case _:
                self._use_foreign_keys(made, path)

    def _delete(self, made: LogicalCreate, path: str) -> None:
        response = self.send_with_retries("DELETE", path, made)
        # 404 means nothing: a store whose row could not be concluded has no owner until the meter has found it.
        if response is not None and response.status == 200:
            made.deleted = True
            self._own = [own for own in self._own if own is not made]

    def _use_foreign_keys(self, made: LogicalCreate, path: str) -> None:
        """Ask with the key of another tenant, and with an unknown one."""
        secret = "sk-simulated-c" if made.secret != "sk-simulated-c" else "sk-simulated-a"
        for key, allowed in ((secret, {404}), ("sk-unknown", {401})):
            headers = {"authorization": f"Bearer {key}"}
            response = self._handle(Request(method="DELETE", path=path, headers=headers), None)
            if response is not None and response.status not in allowed | {503}:
                self.violations.append(f"{key} got {response.status} for a store of {made.secret}")

    def send_with_retries(
        self,
        method: str,
        path: str,
        made: Caller,
        body: bytes = b"",
        more: Mapping[str, str] | None = None,
        *,
        arrives: bool = True,
        leaves_after: int | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response | None:
        """Retry as the SDK does: after a broken connection, 408, 409, 429 and 5xx, unless the answer forbids it.

        `arrives`: whether the first attempt reaches the gateway. `leaves_after`: events of a stream.
        """
        headers = {"authorization": f"Bearer {made.secret}", "content-type": "application/json", **(more or {})}
        response = None
        for attempt in range(0 if arrives else 1, RETRIES + 1):
            counted = {**headers, "x-stainless-retry-count": str(attempt)}
            request = Request(method=method, path=path, query=query or {}, headers=counted, body=Body.of(body))
            response = self._handle(request, leaves_after)
            made.statuses.append(response.status if response is not None else 0)
            if response is not None and not _wants_retry(response):
                break
            self._environment.now += LONG_PAUSE if self._environment.happens(LATE_RETRIES) else 0.5
        return response


def _wants_retry(response: Response) -> bool:
    said = response.headers.get("x-should-retry")
    if said is not None:
        return said == "true"
    return response.status in {408, 409, 429} or response.status >= 500
