"""The admin function's parts, out of the deployment's environment."""

from __future__ import annotations

from functools import cache

from vectorgate import runtime
from vectorgate.admin.desk import AdminDesk
from vectorgate.admin.parts import AdminParts
from vectorgate.secret import Secret


@cache
def deployed_admin() -> AdminDesk:
    """The admin function. ValueError when the deployment names no master key, or an empty one."""
    settings = runtime.deployed_settings()
    if settings.master_key_secret is None:
        raise ValueError("the setting VECTORGATE_MASTER_KEY_SECRET is missing")
    return AdminDesk(
        master_key=Secret(runtime.deployed_secrets().read(settings.master_key_secret)),
        parts=AdminParts(
            stores=runtime.deployed_stores(),
            clock=runtime.system_clock(),
            chance=runtime.system_chance(),
            book=runtime.price_book(settings.prices),
        ),
        telemetry=runtime.deployed_telemetry(),
    )
