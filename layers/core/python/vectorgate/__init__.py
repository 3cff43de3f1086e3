"""vectorgate: a gateway in front of OpenAI's and Azure's vector stores, and its Python SDK.

Start at `gateway/` (the path of a request) and `api/operations.py` (the table of the API's operations); for the SDK,
`vectorgate.vector_stores.create(...)` and the other methods, at `client/`. Importing the package, or any module of it,
does nothing: no client, no environment, no clock. The SDK's names below are looked up when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.version import __version__

if TYPE_CHECKING:
    from vectorgate.client.authorizers import AwsSignature, IdentityToken
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
    from vectorgate.client.responses import Models, Responses
    from vectorgate.client.uploads import Uploads
    from vectorgate.client.vector_stores import VectorStores

    vector_stores: VectorStores
    files: Files
    uploads: Uploads
    responses: Responses
    models: Models

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "AwsSignature",
    "BadRequestError",
    "Client",
    "ConflictError",
    "IdentityToken",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "SettingsError",
    "UnprocessableEntityError",
    "VectorGateError",
    "__version__",
    "files",
    "models",
    "responses",
    "uploads",
    "vector_stores",
]


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from vectorgate.client import public  # noqa: PLC0415 - the functions of a deployment import the package, too

        return public.lookup(name)


def __dir__() -> list[str]:
    return __all__
