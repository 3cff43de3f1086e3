"""Simulated clients of the Responses API: whole answers, streams that they leave, background, and foreign ids."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.responses import MODEL
from vectorgate.api.http import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.clients import Clients
    from tests.simulation.environment import SimulatedEnvironment
    from tests.simulation.provider import SimulatedProvider
    from vectorgate.api.http import Response

SECRETS: Final = ("sk-simulated-a", "sk-simulated-b", "sk-simulated-c")
TEAMS: Final[Mapping[str, str]] = {"sk-simulated-a": "red", "sk-simulated-b": "red", "sk-simulated-c": "None"}
END_USERS: Final = (None, None, "émile", "東京", "u3")
CREATES: Final = 0.6  # of what concerns responses
KEYED: Final = 0.2  # of the creates have an idempotency key
# The fields of each kind of request. A response that is followed is a stream in the background.
KINDS: Final[Mapping[str, Mapping[str, bool]]] = {
    "whole": {},
    "stream": {"stream": True},
    "background": {"background": True},
    "followed": {"background": True, "stream": True},
}
LEAVES: Final = 0.15  # of the streams, whose client disconnects after some event
LONGEST: Final = 12  # events of a stream
RECENT: Final = 20  # responses that are used
REFUSED: Final = frozenset({400, 403, 404, 429, 503})  # statuses of what names an object of another tenant


@dataclass(slots=True)
class LogicalResponse:
    """One response, however often it is sent. `response_id`: the id that the client received.

    `foreign`: it names what its tenant does not own. `document`: its end, as the client saw it.
    """

    name: str
    secret: str
    end_user: str | None
    body: bytes
    kind: str
    keyed: bool = False
    foreign: bool = False
    response_id: str | None = None
    deleted: bool = False
    document: dict[str, Any] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)


class ResponseClients:
    """Every client of responses of a seed. `made`: what they created, in order; `violations`: wrong answers."""

    def __init__(self, environment: SimulatedEnvironment, provider: SimulatedProvider, clients: Clients) -> None:
        self.made: list[LogicalResponse] = []
        self._environment = environment
        self._provider = provider
        self._clients = clients

    def act(self) -> None:
        """Create a response, or use one."""
        own = [made for made in self.made[-RECENT:] if made.response_id is not None and not made.deleted]
        if not own or self._environment.happens(CREATES):
            self._create(own)
        else:
            self._use(self._environment.rng.choice(own))

    def _create(self, own: list[LogicalResponse]) -> None:
        environment, rng = self._environment, self._environment.rng
        secret, kind = rng.choice(SECRETS), rng.choice(("whole", "stream", "stream", "background", "followed"))
        name = f"r{len(self.made)}"
        body: dict[str, Any] = {"model": MODEL, "input": "q" * rng.randrange(200), "metadata": {"made": name}}
        foreign = self._add_objects(body, secret, own)
        body |= KINDS[kind]
        if environment.happens(0.6):
            body["max_output_tokens"] = rng.randrange(16, 129)
        if not body.get("background") and environment.happens(0.1):
            body["store"] = False
        made = LogicalResponse(name, secret, rng.choice(END_USERS), encode_json(body), kind, foreign=foreign)
        made.keyed = environment.happens(KEYED)
        self.made.append(made)
        self._send(made)

    def _add_objects(self, body: dict[str, Any], secret: str, own: list[LogicalResponse]) -> bool:
        """Name stores and an earlier response, of the tenant or not; return whether one of them is foreign."""
        rng, team = self._environment.rng, TEAMS[secret]
        stores = self._clients.stores_of(team)
        if self._environment.happens(0.1):
            body |= self._foreign(team, own)
            return True
        if stores and self._environment.happens(0.7):
            named = sorted({rng.choice(stores) for _ in range(rng.randrange(1, 3))})
            body["tools"] = [{"type": "file_search", "vector_store_ids": named}]
        earlier = [made for made in own if TEAMS[made.secret] == team]
        if earlier and self._environment.happens(0.2):
            body["previous_response_id"] = rng.choice(earlier).response_id
        return False

    def _foreign(self, team: str, own: list[LogicalResponse]) -> dict[str, Any]:
        """Return what names an object of another tenant, one that the gateway did not make, or one that is absent."""
        rng, other = self._environment.rng, "None" if team == "red" else "red"
        responses = [str(made.response_id) for made in own if TEAMS[made.secret] == other]
        runs = [run.id for run in self._provider.responses.runs.values() if run.name is None]
        stores = [store.id for store in self._provider.stores.values() if store.foreign]
        if self._environment.happens(0.5):
            return {"previous_response_id": rng.choice(["resp_absent", *responses, *runs[-3:]])}
        named = rng.choice(["vs_absent", *self._clients.stores_of(other)[-3:], *stores[-3:]])
        return {"tools": [{"type": "file_search", "vector_store_ids": [named]}]}

    def _send(self, made: LogicalResponse) -> None:
        headers = {"x-litellm-end-user-id": made.end_user} if made.end_user else {}
        if made.keyed:
            headers["idempotency-key"] = f"key of {made.name}"
        leaves = made.kind in {"stream", "followed"} and self._environment.happens(LEAVES)
        after = self._environment.rng.randrange(1, LONGEST) if leaves else None
        response = self._clients.send_with_retries(
            "POST", "/v1/responses", made, made.body, headers, leaves_after=after
        )
        if response is not None and made.foreign and response.status not in REFUSED:
            self._clients.violations.append(f"{made} names what is not its own, and was answered {response.status}")
        if response is not None and response.status == 200:
            self._answered(made, response)

    def _answered(self, made: LogicalResponse, response: Response) -> None:
        content = response.read_body()
        is_stream = made.kind in {"stream", "followed"}
        events = events_in(content) if is_stream else [{"response": json.loads(content)}]
        documents = [event["response"] for event in events if "response" in event]
        for document in documents:
            made.response_id, made.document = document["id"], document
            if document["metadata"] != {"made": made.name}:
                self._clients.violations.append(f"{made} was answered with {document}")

    def _use(self, made: LogicalResponse) -> None:
        path = f"/v1/responses/{made.response_id}"
        match self._environment.rng.randrange(6):
            case 0:
                response = self._clients.send_with_retries("DELETE", path, made)
                made.deleted = response is not None and response.status == 200
            case 1:
                self._clients.send_with_retries("POST", f"{path}/cancel", made)
            case 2:
                self._ask_as_another(made, path)
            case 3:
                runs = [run.id for run in self._provider.responses.runs.values() if run.name is None]
                self._expect_refusal(made, f"/v1/responses/{self._environment.rng.choice(['resp_absent', *runs])}")
            case 4:
                self._follow(made, path)
            case _:
                self._retrieve(made, path)

    def _follow(self, made: LogicalResponse, path: str) -> None:
        """Read the events of a response from some event on, as a client does whose stream broke."""
        since = self._environment.rng.randrange(4)
        query = {"stream": "true", "starting_after": str(since)}
        response = self._clients.send_with_retries("GET", path, made, query=query)
        if response is None or response.status != 200:
            return
        events = events_in(response.read_body())
        numbers = [event["sequence_number"] for event in events if event["type"] != "error"]
        others = [
            event for event in events if event.get("response", {}).get("id", made.response_id) != made.response_id
        ]
        if others or numbers != list(range(since + 1, since + 1 + len(numbers))):
            self._clients.violations.append(f"{made} followed {numbers} after {since}, of {others}")

    def _retrieve(self, made: LogicalResponse, path: str) -> None:
        response = self._clients.send_with_retries("GET", path, made)
        if response is not None and response.status == 200:
            made.document = json.loads(response.read_body())
            if made.document["metadata"] != {"made": made.name}:
                self._clients.violations.append(f"{made} retrieved {made.document}")

    def _ask_as_another(self, made: LogicalResponse, path: str) -> None:
        """Ask for a response with the key of another tenant."""
        secret = "sk-simulated-c" if made.secret != "sk-simulated-c" else "sk-simulated-a"
        self._expect_refusal(LogicalResponse("", secret, None, b"", "foreign"), path)

    def _expect_refusal(self, caller: LogicalResponse, path: str) -> None:
        method, below = self._environment.rng.choice((("GET", ""), ("DELETE", ""), ("POST", "/cancel")))
        response = self._clients.send_with_retries(method, path + below, caller)
        if response is not None and response.status not in REFUSED:
            self._clients.violations.append(f"{caller.secret} got {response.status} for {method} {path}")


def events_in(content: bytes) -> list[dict[str, Any]]:
    """Return the data of each whole event."""
    return [json.loads(line[len("data: ") :]) for line in content.decode().split("\n") if line.startswith("data: ")]
