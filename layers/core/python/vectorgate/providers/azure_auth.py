"""Azure's two headers for a key: `api-key`, or a Bearer token when the secret's `auth` says so. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import Unavailable

if TYPE_CHECKING:
    from vectorgate.providers.credentials import Credential


def auth_header(credential: Credential) -> dict[str, str]:
    """The header with the key. Unavailable (503) for an `auth` that is neither `api-key` nor `bearer`."""
    key = credential.api_key.reveal()
    match credential.options.get("auth", "api-key").lower():
        case "api-key":
            return {"api-key": key}
        case "bearer":
            return {"authorization": f"Bearer {key}"}
        case _:  # no guess: it could send the key in a header that was not chosen
            raise Unavailable("The provider's credential cannot be used.", code="credential_unavailable")
