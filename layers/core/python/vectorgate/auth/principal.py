"""The principal of a call: its virtual key, and the tenant that owns the objects that it creates. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller."""

    key: VirtualKey
    tenant: TenantId
