"""The deployment's settings: read from the environment once, by the composition root, and never changed after.

A setting that is there but empty is an error at the start (ValueError naming it), not a default: an empty secret name
or table name must fail closed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET_PREFIX: Final = "VECTORGATE_SECRET_"  # noqa: S105 - a setting's name
MIB: Final = 1024 * 1024
# Lambda takes 6 MB a call, in which a binary body is base64: 4.5 MB of it, less the rest of the event.
LAMBDA_UPLOAD: Final = int(4.4 * 1000 * 1000)
LAMBDA_TOO_LARGE: Final = (
    "File too large for this door, which takes 4.4 MB. Put larger files into the ingest bucket (S3), "
    "from where they are uploaded and attached for you."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`secrets` maps each configured provider to the name of its secret; the first is the default provider.

    `prices`: entries of the deployment's own for the price book, as a JSON array or the name of a file that holds one.
    """

    table: str
    secrets: Mapping[ProviderName, str] = field(default_factory=dict)
    master_key_secret: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    plain_http: bool = False
    trust_invoker: bool = False
    max_upload: int = LAMBDA_UPLOAD
    too_large: str = LAMBDA_TOO_LARGE
    prices: str | None = None


def from_environment() -> Settings:
    """The settings of a deployed function."""
    return read(os.environ)


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. ValueError for one that is missing or empty."""
    default = ProviderName(environment.get("VECTORGATE_DEFAULT_PROVIDER", "openai"))
    secrets = {
        ProviderName(name.removeprefix(_SECRET_PREFIX).lower()): _filled(environment, name)
        for name in environment
        if name.startswith(_SECRET_PREFIX)
    }
    if secrets and default not in secrets:
        raise ValueError(f"VECTORGATE_DEFAULT_PROVIDER is {default}, which has no secret")
    return Settings(
        table=_filled(environment, "VECTORGATE_TABLE"),
        secrets=dict(sorted(secrets.items(), key=lambda item: (item[0] != default, item[0]))),
        master_key_secret=_optional(environment, "VECTORGATE_MASTER_KEY_SECRET"),
        region=_optional(environment, "AWS_REGION"),
        endpoint_url=_optional(environment, "VECTORGATE_AWS_ENDPOINT"),
        plain_http=environment.get("VECTORGATE_PLAIN_HTTP") == "1",
        trust_invoker=environment.get("VECTORGATE_TRUST_INVOKER") == "1",
        prices=_optional(environment, "VECTORGATE_PRICES"),
    )


def _filled(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the setting {name} is missing or empty")
    return value


def _optional(environment: Mapping[str, str], name: str) -> str | None:
    return _filled(environment, name) if name in environment else None
