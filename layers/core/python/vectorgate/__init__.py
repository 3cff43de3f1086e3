"""vectorgate: a gateway in front of other people's vector stores, and its Python SDK.

Start at `gateway.py` (the path of a request, one screen) and `operations.py` (the table of what it speaks); for the
SDK, `vectorgate.vector_stores.create(...)` and its like, at `client/`.
Importing the package, or any module of it, does nothing: no client, no environment, no clock. The SDK's names below
are looked up when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from vectorgate.client.client import Client
    from vectorgate.client.errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConflictError,
        InternalServerError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        SettingsError,
        UnprocessableEntityError,
        VectorGateError,
    )
    from vectorgate.client.files import Files
    from vectorgate.client.uploads import Uploads
    from vectorgate.client.vector_stores import VectorStores

    vector_stores: VectorStores
    files: Files
    uploads: Uploads

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConflictError",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "SettingsError",
    "UnprocessableEntityError",
    "VectorGateError",
    "__version__",
    "files",
    "uploads",
    "vector_stores",
]


if not TYPE_CHECKING:  # a type checker would take it for a licence to any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from vectorgate.client import public  # noqa: PLC0415 - the functions of a deployment import the package, too

        return public.named(name)


def __dir__() -> list[str]:
    return __all__
