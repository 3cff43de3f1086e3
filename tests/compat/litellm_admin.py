"""LiteLLM's own management client against the gateway at argv[1], with the master key in VECTORGATE_KEY.

Runs in an interpreter of its own. Prints what the gateway answered; a refusal is an exception, and so another status.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

client: Any = importlib.import_module("litellm.proxy.client")  # by name: types are checked without it
users: Any = importlib.import_module("litellm.proxy.client.users")


def main(url: str, key: str) -> dict[str, object]:
    """Make, list, show, change and delete a key and a person, and list the teams."""
    proxy = client.Client(base_url=url, api_key=key)
    made = proxy.keys.generate(key_alias="nightly", user_id="ann", duration="7d", models=["gpt-5"])
    page = proxy.keys.list(page=1, size=5, user_id="ann", return_full_object=True, include_team_keys=True)
    proxy.keys.update(key=made["token"], key_alias="daily")
    shown = proxy.keys.info(key=made["token"])["info"]
    people = users.UsersManagementClient(url, key)
    person = people.create_user({"user_email": "bob@red.example", "user_role": "internal_user", "user_alias": "Bob"})
    return {
        "listed": [each["key_alias"] for each in page["keys"]],
        "alias": shown["key_alias"],
        "models": shown["models"],
        "deleted": proxy.keys.delete(keys=[made["key"]])["deleted_keys"] == [made["token"]],
        "teams": [each["team_id"] for each in proxy.teams.list()],
        "people": sorted(str(each["user_email"]) for each in people.list_users()),
        "person": people.get_user(person["user_id"])["user_info"]["user_alias"],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], os.environ["VECTORGATE_KEY"])))  # noqa: T201 - the caller reads it
