"""The groups of the administrator's routes, of one client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.client.admin.exports import Exports
from vectorgate.client.admin.keys import Keys
from vectorgate.client.admin.records import Records
from vectorgate.client.admin.reports import Reports
from vectorgate.client.admin.stores import Stores
from vectorgate.client.admin.subjects import Customers, Teams
from vectorgate.client.admin.users import Users

if TYPE_CHECKING:
    from vectorgate.client.client import Client


class Admin:
    """The administrator's routes, with the client's key, connections, `timeout` and `max_retries`."""

    def __init__(self, client: Client) -> None:
        self.keys = Keys(client)
        self.teams = Teams(client)
        self.customers = Customers(client)
        self.users = Users(client)
        self.stores = Stores(client)
        self.records = Records(client)
        self.reports = Reports(client)
        self.exports = Exports(client)
