"""Lambda SnapStart: copies of one snapshot share neither connections nor secrets nor randomness."""

from __future__ import annotations

import os
import random
import ssl
from typing import TYPE_CHECKING, Final

from vectorgate.bootstrap import deployed_secrets, deployed_table

if TYPE_CHECKING:
    from vectorgate.entrypoints.function import Renewable

ENTROPY: Final = 48  # bytes, as many as OpenSSL seeds its generator with


def register(app: Renewable) -> None:
    """Renew `app` before Lambda takes the snapshot, which then holds no secret, and when a copy of it begins."""
    from snapshot_restore_py import register_after_restore, register_before_snapshot  # noqa: PLC0415 - of Lambda's runtime

    register_before_snapshot(renewed, app)
    register_after_restore(renewed, app)


def renewed(app: Renewable) -> None:
    """Make this process differ from every other copy. Ids come from the system's generator, which no snapshot holds."""
    random.seed()  # botocore's pauses
    ssl.RAND_add(os.urandom(ENTROPY), ENTROPY)  # the keys of TLS connections
    deployed_table().disconnect()
    deployed_secrets().disconnect()
    app.renew()
