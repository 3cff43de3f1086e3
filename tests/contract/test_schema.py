"""The DynamoDB adapter's pure parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vectorgate.persistence.dynamodb as package
from tests.factories.ledger import OPENAI, RED, STORE, answered, begun, own, ref, settled
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import Bucket, Scope
from vectorgate.persistence.dynamodb import schema
from vectorgate.persistence.dynamodb.codec import decode, encode
from vectorgate.persistence.dynamodb.rollups import rollup_key

FOLDER = Path(package.__file__).parent
PLAIN = st.recursive(
    st.text() | st.integers(-(10**38) + 1, 10**38 - 1) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=5,
)
PARTS = st.text(alphabet="ab#", min_size=1, max_size=3)


@given(PLAIN)
def test_plain_values_survive_their_encoding(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [1.5, None, b"x", object()])
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_a_number_beyond_38_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="38 digits"):
        encode(10**38)


def test_an_attribute_type_that_is_never_written_is_refused() -> None:
    with pytest.raises(ValueError, match="type B"):
        decode({"B": b""})


@pytest.mark.parametrize("entry", [begun(), answered(begun()), settled(answered(begun()), 2**60)])
def test_an_image_of_an_operation_is_its_row(entry: object) -> None:
    assert schema.entry_of_item(schema.operation_item(entry)) == entry  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [
        {},
        schema.ownership_item(own(ref())),
        schema.virtual_key_item(VirtualKey(id=begun().key_id, created_at=0)),  # type: ignore[arg-type]
        rollup_key(Bucket(Scope.KEY, "k", "2026-03-04", "openai", "o")),
        {"PK": {"S": "OP#x"}, "SK": {"S": "LEASE"}},
    ],
)
def test_an_image_of_anything_else_is_none(image: dict[str, dict[str, str]]) -> None:
    assert schema.entry_of_item(image) is None


@pytest.mark.parametrize("state", list(State))
def test_unfinished_rows_alone_are_in_the_open_index_if_they_are_uncertain_or_listed(state: State) -> None:
    assert ("open_pk" in schema.operation_item(begun(state=state))) is (state is State.UNCERTAIN)
    unfinished = {State.STARTED, State.ANSWERED, State.UNCERTAIN}
    assert ("open_pk" in schema.operation_item(begun(state=state), listed=True)) is (state in unfinished)


def test_retired_ownership_is_not_in_the_tenants_index() -> None:
    assert "by_tenant_pk" in schema.ownership_item(own(ref()))
    assert not {"by_tenant_pk", "by_tenant_sk"} & set(schema.ownership_item(own(ref(), retired_at=0)))


def test_every_key_of_an_index_is_defined() -> None:
    table = package.TABLE_DEFINITION
    used = {part["AttributeName"] for index in package.INDEXES for part in index["KeySchema"]} | {"PK", "SK"}
    assert used == {part["AttributeName"] for part in table["AttributeDefinitions"]}


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_different_parts_never_meet_in_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    def keys(parts: tuple[str, str]) -> list[object] | None:
        first, second = parts
        try:
            return [
                schema.ownership_key(ref(second, provider=first)),  # type: ignore[arg-type]
                schema.tenant_partition(first, second, STORE),  # type: ignore[arg-type]
                rollup_key(Bucket(Scope.KEY, first, "2026-03-04", "-", second)),
            ]
        except ValueError:
            assert "#" in first + second
            return None

    left, right = keys(one), keys(other)
    if one != other and left is not None and right is not None:
        assert all(mine != theirs for mine, theirs in zip(left, right, strict=True))


@pytest.mark.parametrize(("provider", "id_"), [("a#b", "c"), ("a", "b#c")])
def test_a_separator_inside_a_part_gets_nowhere(provider: str, id_: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        schema.ownership_key(ref(id_, provider=provider))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a"):
        schema.tenant_partition(f"team:{provider}", id_, STORE)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        schema.tenant_partition(RED, "a#b", STORE)  # type: ignore[arg-type]
    assert schema.tenant_partition(RED, OPENAI, STORE) == {"S": "TEN#team:red#openai#vector_store"}


def test_importing_the_adapter_imports_no_boto3() -> None:
    code = "import sys, vectorgate.persistence.dynamodb; sys.exit(any(n in sys.modules for n in ('boto3', 'botocore')))"
    root = str(FOLDER.parents[2])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env={"PYTHONPATH": root}, check=False)  # noqa: S603  # our own line
    assert done.returncode == 0
