"""The public names of `import vectorgate`, looked up when they are first used."""

from __future__ import annotations

from functools import cache

from vectorgate.client import errors

AUTHS = ("AwsSignature", "IdentityToken")


@cache
def lookup(name: str) -> object:
    """An error class, an `auth`, `Client`, or one of the default client's groups of operations."""
    if hasattr(errors, name):
        return getattr(errors, name)
    if name in AUTHS:
        from vectorgate.client import authorizers  # noqa: PLC0415 - see below

        return getattr(authorizers, name)
    from vectorgate.client.client import Client  # noqa: PLC0415 - errors are cheap, the table of operations is not

    return Client if name == "Client" else getattr(default_client(), name)


@cache
def default_client() -> object:
    """The client of the module's own functions. It reads the environment at each call."""
    from vectorgate.client.client import Client  # noqa: PLC0415 - see lookup

    return Client()
