"""A host's addresses, within a time that the system's resolver cannot be given."""

from __future__ import annotations

import socket
import threading


class _Lookup(threading.Thread):
    """One name at the resolver. Fills `addresses`, or else `failure`."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name="lookup", daemon=True)
        self._asked = host, port
        self.addresses: list[str] = []
        self.failure: OSError | None = None

    def run(self) -> None:
        """Ask."""
        try:
            found = socket.getaddrinfo(*self._asked, type=socket.SOCK_STREAM)
        except OSError as error:
            self.failure = error
        except UnicodeError as error:  # a label that is empty or longer than 63
            self.failure = OSError(str(error))
        else:
            self.addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))


def addresses_of(host: str, port: int, seconds: float) -> list[str]:
    """In the resolver's order. TimeoutError when it takes longer, another OSError when it knows none.

    Only the caller's wait is bounded: the thread of a lookup that is given up ends when the resolver does (glibc gives
    each server 5 s, twice, unless resolv.conf says otherwise), and it holds nothing meanwhile.
    """
    if _is_address(host):
        return [host]
    lookup = _Lookup(host, port)
    lookup.start()
    lookup.join(seconds)
    if lookup.is_alive():
        raise TimeoutError
    if lookup.failure is not None:
        raise lookup.failure
    return lookup.addresses


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
