"""Keys from the command line, from the first to the last day of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.cli.conftest import run

if TYPE_CHECKING:
    import pytest

    from tests.harnesses.gateway import Connect, GatewayHarness
    from tests.integration.cli.conftest import Run


def test_a_key_is_made_used_blocked_rotated_and_deleted(vectorgate: Run, connect: Connect) -> None:
    made = vectorgate("keys create --team red --create-team --alias ci --budget 0.5 --budget-duration 30d --json").json
    assert connect(made["key"]).vector_stores.create(name="s").id
    (listed,) = vectorgate("keys list --team red --json").json
    assert (listed["token"], listed["max_budget"], listed["budget_duration"]) == (made["token"], 0.5, "30d")

    assert "yes" in vectorgate("keys block ci").out
    assert vectorgate("keys list --json --status revoked").json[0]["token"] == made["token"]
    assert vectorgate(f"keys unblock {made['token'][:8]} --json").json[0]["blocked"] is False

    rotated = vectorgate("keys rotate ci --grace 24h --json").json
    assert rotated["token"] == made["token"]
    assert rotated["key"] not in {made["key"], None}
    assert connect(rotated["key"]).vector_stores.list().data[0].name == "s"
    assert vectorgate("keys delete ci --yes --csv").out == f"token,deleted\n{made['token']},yes\n"
    assert vectorgate("keys list --json").json == []


def test_an_update_changes_what_is_named_and_clears_what_is_to_be_cleared(vectorgate: Run) -> None:
    vectorgate("keys create --alias ci --budget 5 --tag a --tag b --store vs_1 --read-only --metadata '{\"x\": 1}'")
    before = vectorgate("keys info ci --json").json
    assert (before["tags"], before["read_only"], before["metadata"]) == (["a", "b"], True, {"x": 1})
    assert before["object_permission"] == {"vector_stores": ["vs_1"]}
    after = vectorgate("keys update ci --rpm 7 --clear max_budget --clear tags --json").json
    assert (after["rpm_limit"], after["max_budget"], after["tags"], after["read_only"]) == (7, None, [], True)
    assert vectorgate("keys update ci").code == 2


def test_a_name_that_stands_for_no_key_or_for_several_changes_none(vectorgate: Run, harness: GatewayHarness) -> None:
    for secret in ("sk-one", "sk-two"):  # as an earlier release let two keys have one name
        harness.key(secret, alias="twin")
    several = vectorgate("keys block twin")
    assert (several.code, "2 keys" in several.err) == (2, True)
    none = vectorgate("keys block absent twin")
    assert (none.code, none.out) == (5, "")
    assert [key["blocked"] for key in vectorgate("keys list --json").json] == [False, False]


def test_what_cannot_be_taken_back_is_asked_first(vectorgate: Run) -> None:
    vectorgate("keys create --alias ci")
    assert vectorgate("keys delete ci").code == 2
    refused = vectorgate("keys delete ci", given="n\n", terminal=True)
    assert (refused.code, "nothing was changed" in refused.err) == (1, True)
    assert len(vectorgate("keys list --json").json) == 1
    assert vectorgate("keys delete ci", given="y\n", terminal=True).code == 0
    assert vectorgate("keys list --json").json == []


def test_every_page_is_listed(vectorgate: Run, harness: GatewayHarness) -> None:
    for number in range(230):
        harness.key(f"sk-{number:03}", alias=f"k{number:03}")
    assert len({key["key_alias"] for key in vectorgate("keys list --json").json}) == 230
    assert vectorgate("keys list --csv").out.count("\n") == 231


def test_the_exit_code_says_what_went_wrong(vectorgate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vectorgate("keys info nothing").code == 5
    assert vectorgate("keys create --role admin").code == 1
    for key in ("sk-wrong", "''"):
        refused = vectorgate(f"keys list --key {key}")
        assert (refused.code, refused.out) == ({"sk-wrong": 4, "''": 2}[key], "")
        assert "sk-wrong" not in refused.err
    assert vectorgate("keys list --json --csv").code == 2
    assert vectorgate("keys list --no-such-option").code == 2
    lost = vectorgate("keys list --url http://127.0.0.1:9", sleep=lambda _: None)
    assert (lost.code, "127.0.0.1:9" in lost.err) == (3, True)
    monkeypatch.delenv("VECTORGATE_BASE_URL")
    assert run("keys list").code == 2
