"""The composition root of the gateway: its parts handed in, or taken from the deployment's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate import bootstrap_runtime as runtime
from vectorgate.gateway.parser import Limits
from vectorgate.budgets.limits import CachedLimits
from vectorgate.budgets.service import Treasury
from vectorgate.gateway.surfaces import ObjectDoor
from vectorgate.gateway.pipeline import Gateway
from vectorgate.ids import ProviderName
from vectorgate.auth.keys.cache import CachedKeys
from vectorgate.entrypoints.lambda_http import MAX_CARRIED
from vectorgate.auth.token_bucket import TokenBucket
from vectorgate.api.operations import BATCH_BODY
from vectorgate.providers.openai import OpenAI
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.gateway.surfaces import Door
    from vectorgate.deps import Ports
    from vectorgate.providers.base import Provider
    from vectorgate.settings import Settings
    from vectorgate.persistence import Stores

# Refused strangers leave a row each as long as they come at this rate; beyond it they are only counted.
STRANGERS_AT_ONCE: Final = 100
STRANGERS_PER_SECOND: Final = 10.0


def _azure(name: str) -> Provider:
    from vectorgate.providers.azure_openai import AzureOpenAI  # noqa: PLC0415 - for a deployment that has it

    return AzureOpenAI(name)


def _azure_ai(name: str) -> Provider:
    from vectorgate.providers.azure_search import AzureAISearch  # noqa: PLC0415 - for a deployment that has it

    return AzureAISearch(name)


PROVIDERS: Final[Mapping[str, Callable[[str], Provider]]] = {
    "openai": OpenAI,
    "azure": _azure,
    "azure_ai": _azure_ai,
}
INDEX_PROVIDER: Final = ProviderName("azure_ai")  # the one that does not speak OpenAI's API


def build_gateway(settings: Settings, ports: Ports) -> Gateway:
    """A gateway of these parts."""
    stores, clock, telemetry = ports.stores, ports.clock, ports.telemetry
    book = runtime.price_book(settings.prices)
    return Gateway(
        clock=clock,
        chance=ports.chance,
        keys=CachedKeys(stores.keys, clock),
        ledger=stores.ledger,
        book=book,
        door=_doors(settings, stores),
        providers=_providers(settings.secrets),
        credentials=ports.credentials,
        transport=ports.transport,
        telemetry=telemetry,
        treasury=Treasury(
            limits=CachedLimits(stores.budgets, clock),
            store=stores.budgets,
            ownership=stores.ownership,
            book=book,
            telemetry=telemetry,
        ),
        strangers=TokenBucket(clock, burst=STRANGERS_AT_ONCE, per_second=STRANGERS_PER_SECOND),
    )


def _doors(settings: Settings, stores: Stores) -> Callable[[str], Door]:
    """From a path to its API. Without a search service, its paths are unknown ones of OpenAI's."""
    objects = ObjectDoor(
        ownership=stores.ownership,
        providers=[name for name in settings.secrets if name != INDEX_PROVIDER],
        limits=Limits(max_upload=settings.max_upload, too_large=settings.too_large),
    )
    if INDEX_PROVIDER not in settings.secrets:
        return lambda _path: objects
    from vectorgate.azure_search.surface import IndexDoor  # noqa: PLC0415 - a deployment without a search service has no need
    from vectorgate.azure_search.router import speaks_azure  # noqa: PLC0415 - the same

    most = max(settings.max_upload, BATCH_BODY)
    indexes = IndexDoor(provider=INDEX_PROVIDER, indexes=stores.indexes, max_body=most)
    return lambda path: indexes if speaks_azure(path) else objects


def _providers(secrets: Mapping[ProviderName, str]) -> Mapping[ProviderName, Provider]:
    unknown = sorted(set(secrets) - set(PROVIDERS))
    if unknown or not secrets:
        raise ValueError(f"no provider is configured, or one that is not known: {unknown}")
    return {name: PROVIDERS[name](name) for name in secrets}


@cache
def deployed_gateway() -> Gateway:
    """The api function."""
    transport = PooledTransport(runtime.system_clock(), most_content=MAX_CARRIED)
    return build_gateway(runtime.deployed_settings(), runtime.deployed_ports(transport))
