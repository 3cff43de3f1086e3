"""The version of the package: what the SDK's User-Agent, the command line and the built distribution say."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.2.0"
