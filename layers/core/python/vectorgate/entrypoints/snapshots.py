"""Lambda SnapStart: copies of one snapshot share neither connections nor secrets nor randomness."""

from __future__ import annotations

import os
import random
import ssl
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from vectorgate.bootstrap import deployed_secrets, deployed_settings, deployed_table, price_book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.entrypoints.function import Renewable

ENTROPY: Final = 48  # bytes, as many as OpenSSL seeds its generator with
# What a start leaves to the first request that needs it, by a module that the start imports. A snapshot holds it.
LATER: Final[Mapping[str, tuple[str, ...]]] = {
    "vectorgate.gateway.parser": (
        "python_multipart.multipart",
        "vectorgate.api.form_data",
        "vectorgate.api.schemas.files",
        "vectorgate.api.schemas.forms",
        "vectorgate.api.schemas.litellm_used",
        "vectorgate.api.schemas.query",
        "vectorgate.api.schemas.responses",
        "vectorgate.api.schemas.store_files",
    ),
    "vectorgate.entrypoints.invoke.payload": ("vectorgate.entrypoints.invoke.file_body",),
    "vectorgate.admin.routes": ("vectorgate.admin.indexes", "vectorgate.admin.users"),
}


def register(app: Renewable) -> None:
    """Renew `app` before Lambda takes the snapshot, which then holds no secret, and when a copy of it begins."""
    from snapshot_restore_py import register_after_restore, register_before_snapshot  # noqa: PLC0415 - of Lambda's runtime

    register_before_snapshot(renewed, app)
    register_after_restore(renewed, app)


def renewed(app: Renewable) -> None:
    """Make this process differ from every other copy. Ids come from the system's generator, which no snapshot holds."""
    _load_rest()
    random.seed()  # botocore's pauses
    ssl.RAND_add(os.urandom(ENTROPY), ENTROPY)  # the keys of TLS connections
    deployed_table().disconnect()
    deployed_secrets().disconnect()
    app.renew()


def _load_rest() -> None:
    for module, later in LATER.items():
        for name in later if module in sys.modules else ():
            import_module(name)
    _ = price_book(deployed_settings().prices).tokens
