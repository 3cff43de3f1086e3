"""The gateway behind its socket, as the integration tests have it."""

from tests.integration.conftest import connect, door, wire

__all__ = ["connect", "door", "harness", "wire"]
