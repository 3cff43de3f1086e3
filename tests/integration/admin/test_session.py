"""`GET /admin/session`, and the dashboard beside the admin routes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.server.app import App, Handlers
from tests.factories.secrets import MASTER_KEY
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.local_server import requested, serving
from vectorgate.admin.app import AdminApp
from vectorgate.entrypoints import admin as admin_function
from vectorgate.providers.credentials import Secret
from vectorgate.ui.pages import files

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness


def made(admin: AdminHarness, **terms: str) -> str:
    """The secret of a new key."""
    status, document = admin.ask("POST", "/key/generate", terms)
    assert status == 200, document
    return str(document["key"])


def test_the_session_says_whose_key_it_is(admin: AdminHarness) -> None:
    admin.ask("POST", "/team/new", {"team_id": "red"})
    ops = made(admin, role="admin", key_alias="ops", duration="1d")
    team = made(admin, role="team_admin", key_alias="lead", team_id="red")
    said = [admin.ask("GET", "/admin/session", by=key)[1] for key in (MASTER_KEY, ops, team)]
    assert [each["role"] for each in said] == ["master", "admin", "team_admin"]
    assert [each["key_alias"] for each in said] == [None, "ops", "lead"]
    assert [each["team_id"] for each in said] == [None, None, "red"]
    assert [each["expires"] is None for each in said] == [True, False, True]
    assert {each["default_provider"] for each in said} == {"openai"}
    assert admin.ask("GET", "/admin/session", by=made(admin, team_id="red"))[0] == 401
    assert admin.ask("GET", "/admin/session", by="sk-unknown")[0] == 401


def test_the_dashboard_is_served_without_a_key_and_what_is_not_there_is_the_apis_404(admin: AdminHarness) -> None:
    app = AdminApp(master_key=Secret(MASTER_KEY), deps=admin.deps(), telemetry=RecordingTelemetry())
    handler = admin_function.handler.bound_to(app)
    port = serving(App(Handlers(api=handler, admin=handler)))
    for path, kind in (("/ui", "text/html"), (f"/ui/{files().digest}/main.js", "text/javascript")):
        with requested(port, path) as answer:
            assert (answer.status, str(answer.headers["content-type"]).partition(";")[0]) == (200, kind)
            assert len(answer.read()) > 100
    for path in ("/ui/../admin/session", "/ui/%2e%2e/pages.py", "/ui/none.js"):
        with requested(port, path) as answer:
            assert answer.status in {401, 404}, path
            assert "error" in json.loads(answer.read())
