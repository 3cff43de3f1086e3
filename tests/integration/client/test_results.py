"""What a program can do with an answer."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fakes.upstream import answer
from tests.integration.client.conftest import STORE
from vectorgate.client.resource import CallInfo
from vectorgate.client.resources import VectorStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.upstream import FaultyUpstream
    from vectorgate.client.client import Client

COST = {"x-litellm-response-cost": "0.000000001", "x-litellm-call-id": "c-1", "x-request-id": "r-1", "X-Other": "o"}


def test_an_answer_says_what_it_cost_and_how_it_is_called(gateway: Client, server: FaultyUpstream) -> None:
    server.always(answer(200, STORE, COST))
    store = gateway.vector_stores.create(name="n", user="jo")
    assert store.response_cost == Decimal("0.000000001")
    assert (store.call_id, store.request_id, store.response_headers["x-other"]) == ("c-1", "r-1", "o")
    hidden = store._hidden_params
    assert (hidden["response_cost"], hidden["litellm_call_id"], hidden["user"]) == (1e-09, "c-1", "jo")
    assert hidden["api_base"] == server.url


def test_straight_from_a_provider_the_price_book_says_the_cost(direct: Client) -> None:
    store = direct.vector_stores.create(name="n")
    assert store.response_cost == 0
    assert store.call_id is None
    assert store._hidden_params["custom_llm_provider"] == "openai"


def test_an_answer_is_read_by_attribute_and_as_a_dictionary() -> None:
    store = VectorStore(STORE)
    assert store.id == store["id"] == store.get("id") == "vs_1"
    assert "of_tomorrow" in store
    assert store.of_tomorrow == {"nested": [1]}
    assert dict(store)["name"] == "n"
    assert store.get("absent", 7) == 7
    assert store.expires_after is None
    assert store.file_counts.total == store.file_counts["total"] == 0
    with pytest.raises(AttributeError, match="'VectorStore' has no field 'nmae'"):
        store.nmae  # noqa: B018 - the access is what is tested
    with pytest.raises(KeyError):
        store["expires_after"]
    with pytest.raises(AttributeError, match="cannot be set"):
        store.name = "other"


def test_an_answer_dumps_to_what_was_answered() -> None:
    fields = {**STORE, "expires_at": None}
    store = VectorStore(fields)
    assert store.to_dict() == store.model_dump() == store.model_dump(mode="json") == fields
    assert "expires_at" not in store.model_dump(exclude_none=True)
    assert store.model_dump_json() == store.to_json(indent=None)
    store.to_dict()["metadata"] = {"changed": "x"}
    assert store.metadata == {}


def test_an_answer_can_be_copied_pickled_and_compared() -> None:
    store = VectorStore(STORE, CallInfo(cost=Decimal(1)))
    for other in (copy.copy(store), copy.deepcopy(store), pickle.loads(pickle.dumps(store))):  # noqa: S301 - our own
        assert other == store
        assert other.response_cost == 1
    assert store != VectorStore({"id": "vs_2"})
    assert repr(VectorStore({"id": "vs_2"})) == "VectorStore(id='vs_2')"


def test_a_file_s_content_is_its_bytes(gateway: Client, server: FaultyUpstream, tmp_path: Path) -> None:
    server.always(answer(200, b"\x00\xff text", {"content-type": "application/octet-stream"}))
    content = gateway.files.content("file-1")
    assert content.read() == content.content == b"\x00\xff text"
    content.write_to_file(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == content.content
    assert content.text.endswith(" text")
    assert repr(content) == "BinaryContent(7 bytes)"
