"""How many connections there may be at once, and which of them gives way to a new one."""

from __future__ import annotations

from typing import Protocol


class Connection(Protocol):
    """A client's connection."""

    def give_way(self) -> None:
        """Close, for another one is to have the place."""
        ...


class Connections:
    """The open connections. Those that wait for a request, or for the rest of its head, are `quiet`.

    Beyond the limit, the one that has been quiet longest is closed: a client whose kept connection is closed opens
    another one, whereas one that is refused fails. So connections that send nothing, or little, exclude no client.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._quiet: dict[Connection, None] = {}  # the one that has been quiet longest comes first

    def opened(self, connection: Connection) -> bool:
        """Take a new connection; False if there is no place for it, because all others are at work."""
        self._open += 1
        self._quiet[connection] = None
        if self._open <= self._most:
            return True
        longest = next(iter(self._quiet))
        if longest is connection:
            return False
        del self._quiet[longest]
        longest.give_way()
        return True

    def at_work(self, connection: Connection) -> None:
        """The head of a request has arrived."""
        self._quiet.pop(connection, None)

    def quiet(self, connection: Connection) -> None:
        """Its request is answered."""
        self._quiet[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open -= 1
        self._quiet.pop(connection, None)
