"""The gateway behind its socket, as the integration tests have it."""

from tests.integration.conftest import connect, door, gate, wire

__all__ = ["connect", "door", "gate", "wire"]
