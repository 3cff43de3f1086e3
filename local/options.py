"""What local mode is started with: `serving` takes it from `LocalSettings`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from local.exports import Exports
from local.local_key import TEAM
from local.provider_settings import OPENAI
from local.settings import METER_SECONDS, TIMEOUT_SECONDS
from vectorgate.ids import ProviderName
from vectorgate.settings import MIB, OPENAI_ADMIN, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROVIDER: Final = OPENAI  # the default one
DEMO_SENDERS: Final[Mapping[str, str]] = MappingProxyType({"demo": TEAM})
SETTINGS: Final = Settings(
    table="-",
    secrets={PROVIDER: PROVIDER},
    plain_http=True,
    max_upload=513 * MIB,
    too_large="File too large: expected at most 512 MB, which is the most that OpenAI takes.",
    upload_bytes_per_second=256 * 1024,
)
RESPONSE_SECONDS: Final = 900.0  # at least, for what a model writes, which may be streamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What local mode is started with.

    `secret` is the default provider's; `others` are those of further providers, `admin_secret` is OpenAI's admin key's.
    `invoke_credentials` as in `InvokeApi`; `prices` and `store_rules` as in `Settings`. `ingest` is the folder that is
    watched (None: none); `senders` are the teams by the names of the folders in it. `upstream` names the default
    provider: a file that it refused is tried again with another one. `models` are those that the local key may use if
    its row names none. `exports`: where settled rows go.
    """

    database: Path
    secret: str = field(repr=False)
    master_key: str = field(repr=False)
    others: Mapping[ProviderName, str] = field(default_factory=dict, repr=False)
    admin_secret: str | None = field(default=None, repr=False)
    trust_invoker: bool = False
    invoke_credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: str | None = None
    store_rules: Mapping[str, int] | None = None
    meter_seconds: float = METER_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS
    ingest: Path | None = None
    senders: Mapping[str, str] = field(default_factory=lambda: DEMO_SENDERS)
    upstream: str = "embedded"
    models: tuple[str, ...] = ()
    exports: Exports = field(default_factory=Exports)

    def secrets(self) -> GivenSecrets:
        """The secrets of all providers, and of the admin key if there is one."""
        admin = {} if self.admin_secret is None else {OPENAI_ADMIN: self.admin_secret}
        return GivenSecrets({PROVIDER: self.secret, **self.others, **admin})

    def settings(self) -> Settings:
        """The gateway's settings. Each secret is named like its provider."""
        return replace(
            SETTINGS,
            secrets={name: name for name in (PROVIDER, *self.others)},
            bill_secret=OPENAI_ADMIN if self.admin_secret is not None else None,
            prices=self.prices,
            store_rules=self.store_rules,
            deadline_seconds=self.timeout_seconds,
            response_seconds=max(self.timeout_seconds, RESPONSE_SECONDS),
        )


class GivenSecrets:
    """`SecretSource`: the secrets that the process was started with, one a provider."""

    def __init__(self, texts: Mapping[ProviderName, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> str:
        """A secret, which is named like its provider."""
        return self._texts[ProviderName(name)]
