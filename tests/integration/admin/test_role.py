"""What the admin function asks of DynamoDB, against what its role allows: all of it, and nothing besides."""

from __future__ import annotations

from typing import Any, Final

import pytest
from moto import mock_aws

from tests.harnesses.admin import AdminHarness, book_of, calls, meter
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.template import granted
from tests.integration.gateway.test_roles import listening, refused
from vectorgate.persistence.dynamodb import stores_of

ROLE: Final = "AdminRole"
WINDOW: Final = {"start_date": "2026-03-03", "end_date": "2026-03-05"}
SUBJECTS: Final = (("customer", "end_user_id", {"user_id": "ann"}), ("user", "user_id", {"user_id": "bo"}))


def administer(admin: AdminHarness, call: str) -> None:
    """Every kind of call: teams, keys, limits, objects, indexes, reports, and what is read of the ledger."""
    for team in ("red", "blue"):
        done(admin, "POST", "/team/new", {"team_id": team, "max_budget": 5, "max_vector_stores": 9})
    made = done(admin, "POST", "/key/generate", {"team_id": "red", "max_budget": 1, "key_alias": "one"})["key"]
    objects(admin)
    indexes(admin)
    reports(admin, made, call)
    for path, body in (("block", {}), ("unblock", {}), ("update", {"max_budget": 2}), ("delete", {})):
        done(admin, "POST", f"/key/{path}", {"keys": [made]} if path == "delete" else {"key": made, **body})
    for kind, asked, name in SUBJECTS:
        done(admin, "POST", f"/{kind}/new", {**name, "max_budget": 1})
        done(admin, "GET", f"/{kind}/info", **dict.fromkeys([asked], *name.values()))
        done(admin, "GET", f"/{kind}/list")
    done(admin, "POST", "/team/update", {"team_id": "blue", "max_budget": 6})
    done(admin, "POST", "/team/delete", {"team_ids": ["blue"]})


def objects(admin: AdminHarness) -> None:
    """A store is adopted, shared, transferred, and looked at."""
    admin.documents.store("vs_a")
    done(admin, "POST", "/vector_stores/adopt", {"team_id": "red", "all": True, "dry_run": False})
    done(admin, "POST", "/vector_stores/vs_a/share", {"team_id": "blue", "permission": "read"})
    done(admin, "GET", "/admin/vector_stores/vs_a")
    done(admin, "GET", "/admin/vector_stores")
    done(admin, "POST", "/vector_stores/vs_a/transfer", {"team_id": "blue"})
    done(admin, "GET", "/vector_stores/unowned")
    done(admin, "POST", "/vector_stores/cleanup", {"idle_days": 1, "dry_run": True})


def indexes(admin: AdminHarness) -> None:
    """An index of Azure AI Search is registered, read, listed, and removed."""
    place = {"vector_store_index": "tides-1", "vector_store_name": "azure_ai"}
    done(admin, "POST", "/v1/indexes", {"index_name": "tides", "litellm_params": place})
    done(admin, "GET", "/v1/indexes")
    permission = {"index_name": "tides", "index_permissions": ["read"]}
    done(admin, "POST", "/key/generate", {"team_id": "red", "metadata": {"allowed_vector_store_indexes": [permission]}})
    done(admin, "POST", "/v1/indexes/delete", {"index_name": "tides"})


def reports(admin: AdminHarness, key: str, call: str) -> None:
    """The ledger, its sums, the audit, and a correction."""
    done(admin, "GET", "/key/info", key=key)
    done(admin, "GET", "/key/list")
    done(admin, "GET", "/team/info", team_id="red")
    done(admin, "GET", "/team/list")
    done(admin, "GET", "/spend/logs", request_id=call)
    done(admin, "GET", "/spend/logs", **WINDOW)
    done(admin, "GET", "/spend/logs/v2", **WINDOW)
    done(admin, "GET", "/global/spend/report", **WINDOW)
    done(admin, "GET", "/audit")
    done(admin, "GET", "/admin/open_operations")
    done(admin, "POST", "/spend/reprice", {**WINDOW, "dry_run": False})


def done(admin: AdminHarness, method: str, path: str, body: object = None, **query: str) -> Any:
    """The document of a call that succeeded."""
    status, document = admin.ask(method, path, body, **query)
    assert status == 200, (method, path, document)
    return document


@pytest.mark.exhaustive  # three seconds
def test_the_admin_functions_role_allows_what_it_asks_and_nothing_that_it_never_asks() -> None:
    with mock_aws():
        admin = AdminHarness(stores_of(MotoBackend().table))
        admin.charge([meter("vs_a", 10**12)])
        call = admin.call(1)
        admin.book = book_of(calls("later", 7))  # which that call was not charged by
        with listening(admin.stores) as asked:
            administer(admin, call.id)
        assert refused(ROLE, asked) == set()
        used = {(action, key.partition("#")[0]) for action, key, _ in asked}
        assert granted(ROLE) - used == set()
