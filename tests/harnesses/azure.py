"""A gateway with all three providers, each behind a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.fakes.azure import AZURE_KEY, SEARCH_KEY, FakeAzureOpenAI, FakeAzureSearch
from tests.fakes.upstream import FaultyUpstream
from tests.harnesses.gateway import PROVIDER, GatewayHarness
from vectorgate.auth.keys.model import IndexPermission
from vectorgate.azure_search.model import VirtualIndex
from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    from collections.abc import Mapping

AZURE, SEARCH = ProviderName("azure"), ProviderName("azure_ai")
REAL, VIRTUAL = "hotels-prod-7", "dall-e-4"  # an index's name at the service, and at the gateway
READ, WRITE = IndexPermission.READ, IndexPermission.WRITE


class AzureGatewayHarness(GatewayHarness):
    """`GatewayHarness` with Azure OpenAI and Azure AI Search beside OpenAI."""

    secrets: ClassVar[Mapping[ProviderName, str]] = {name: str(name) for name in (PROVIDER, AZURE, SEARCH)}

    def __init__(self) -> None:
        self.azure_openai, self.azure_search = FakeAzureOpenAI(), FakeAzureSearch()
        self.azure_upstream = FaultyUpstream(self.azure_openai.act)
        self.search_upstream = FaultyUpstream(self.azure_search.act)
        super().__init__()
        self.set_azure_secret()
        host = self.search_upstream.url.removesuffix("/v1")
        secret = {"type": SEARCH, "base_url": host, "api_key": SEARCH_KEY}
        self.secret_source.texts[SEARCH] = json.dumps(secret)
        self.azure_search.host = host.removeprefix("http://")

    def set_azure_secret(self, **options: object) -> None:
        """Add options to Azure OpenAI's secret. It has to be called before the first request, which caches it."""
        host = self.azure_upstream.url.removesuffix("/v1")
        secret = {"type": AZURE, "base_url": host, "api_key": AZURE_KEY, **options}
        self.secret_source.texts[AZURE] = json.dumps(secret)

    def index(self, name: str = VIRTUAL, real_name: str = REAL) -> None:
        """Give an index of the service a virtual name."""
        row = VirtualIndex(name=name, real_name=real_name, vector_store_name="azure-ai-search", created_at=1)
        self.stores.indexes.add_index(row)

    def index_key(self, secret: str, *permissions: IndexPermission, index: str = VIRTUAL, **fields: Any) -> str:
        """Add a key that has permissions on one index, and return its secret."""
        return self.key(secret, indexes={index: frozenset(permissions)}, **fields)

    def asked_no_provider(self) -> bool:
        """Whether no request was sent to a provider, and no secret was read."""
        upstreams = (self.azure_upstream, self.search_upstream, self.upstream)
        return not any(upstream.received for upstream in upstreams) and not self.secret_source.readings

    def close(self) -> None:
        """Close connections, sockets and the database."""
        super().close()
        self.azure_upstream.close()
        self.search_upstream.close()
