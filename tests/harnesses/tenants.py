"""Several tenants in front of one gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.factories.requests import request_for
from vectorgate.api.operations import BY_NAME, Operation
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.api.http import Response

RED, RED_TOO, BLUE, TEAMLESS = "sk-red-client-1", "sk-red-client-2", "sk-blue-client-1", "sk-teamless-client-1"


class TenantScenario:
    """Four keys of three tenants, and an object of each kind that RED created."""

    def __init__(self, harness: GatewayHarness) -> None:
        self.harness = harness
        for key, team in ((RED, "red"), (RED_TOO, "red"), (BLUE, "blue"), (TEAMLESS, None)):
            harness.key(key, team=team, models=("*",))
        self.ids: dict[str, str] = {}
        self.ids["file_id"] = self.created("files.create")
        self.ids["vector_store_id"] = self.created("vector_stores.create")
        self.ids["batch_id"] = self.created("vector_stores.file_batches.create", {"file_ids[]": self.ids["file_id"]})
        self.ids["upload_id"] = self.created("uploads.create")
        self.ids["response_id"] = self.created("responses.create")
        self.ids["model"] = "gpt-5-mini"
        self.named = {ObjectKind.FILE: self.ids["file_id"], ObjectKind.PART: self.created("uploads.parts.create")}
        self.forget()

    def created(self, name: str, file_ids: Mapping[str, str] | None = None, key: str = RED, **ids: str) -> str:
        """Call an operation that creates an object, and return the id."""
        response = self.ask(BY_NAME[name], key, {**self.ids, **ids}, file_ids=file_ids)
        assert response.status == 200
        return str(json.loads(response.read_body())["id"])

    def own(self, kind: ObjectKind, key: str) -> str:
        """Create a file or a part with a key, and return its id."""
        if kind is ObjectKind.FILE:
            return self.created("files.create", key=key)
        return self.created("uploads.parts.create", key=key, upload_id=self.created("uploads.create", key=key))

    def in_body(self, operation: Operation, key: str) -> dict[str, str]:
        """Return the ids that an operation's body has to name, of objects that the key owns."""
        return {path: self.own(operation.body_kind, key) for path in operation.body_ids[:1]}

    def own_path_ids(self, key: str) -> dict[str, str]:
        """Return the path's ids, with a store and an upload that the key owns."""
        made = {"vector_store_id": "vector_stores.create", "upload_id": "uploads.create"}
        return {**self.ids, **{name: self.created(operation, key=key) for name, operation in made.items()}}

    def ask(self, operation: Operation, key: str, ids: Mapping[str, str] | None = None, **more: Any) -> Response:
        """Call an operation with a key."""
        return self.harness.gateway.handle(request_for(operation, ids or self.ids, key=key, **more))

    def forget(self) -> None:
        """Settle the ledger, and drop the recorded requests."""
        self.harness.settle()
        self.harness.upstream.forget()

    @property
    def calls(self) -> int:
        """The number of requests that reached the provider."""
        return self.harness.upstream.calls
