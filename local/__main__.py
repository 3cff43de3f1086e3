"""`python -m local`: the gateway on this machine. See the README for what it serves and `Options` for its settings."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.azure import azure_secrets
from local.edition import Edition
from local.embedded import EmbeddedUpstream
from local.meter_loop import seconds_in
from local.server import Front, listen

if TYPE_CHECKING:
    from collections.abc import Mapping

MASTER_KEY: Final = "sk-1234"
OPENAI_URL: Final = "https://api.openai.com/v1"
SWITCH_SECONDS: Final = 0.0005  # the default of 5 ms is what a request would wait for the thread that books
ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the environment says. ValueError for what makes no sense."""

    host: str
    port: int
    home: Path
    openai_key: str | None
    openai_url: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Options:
        """`HOST`, `PORT`, `VECTORGATE_HOME`, `OPENAI_API_KEY` and `OPENAI_BASE_URL`, with their defaults."""
        return cls(
            host=environment.get("HOST") or "127.0.0.1",
            port=int(environment.get("PORT") or "4000"),
            home=Path(environment.get("VECTORGATE_HOME") or ROOT / ".vectorgate").resolve(),
            openai_key=environment.get("OPENAI_API_KEY") or None,
            openai_url=environment.get("OPENAI_BASE_URL") or OPENAI_URL,
        )


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = Options.read(os.environ)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is what a load test makes
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)
    options.home.mkdir(parents=True, exist_ok=True)
    upstream = EmbeddedUpstream(options.home / "upstream", os.environ) if options.openai_key is None else None
    try:
        _serve(options, upstream)
    finally:
        if upstream is not None:
            upstream.stop()


def _serve(options: Options, upstream: EmbeddedUpstream | None) -> None:
    base_url, api_key = (
        (upstream.base_url, upstream.api_key) if upstream is not None else (options.openai_url, options.openai_key)
    )
    secret = json.dumps({"type": "openai", "base_url": base_url, "api_key": api_key})
    edition = Edition(
        database=options.home / "ledger.db",
        secret=secret,
        master_key=MASTER_KEY,
        others=azure_secrets(os.environ),
        trust_invoker=os.environ.get("VECTORGATE_TRUST_INVOKER") == "1",
        prices=os.environ.get("VECTORGATE_PRICES") or None,
        meter_seconds=seconds_in(os.environ),
    )
    try:
        run, port = listen(Front(edition.api, edition.admin, edition.invoke), options.host, options.port)
        sys.stdout.write(_ready(options.host, port, "the embedded upstream" if upstream else base_url))
        sys.stdout.flush()
        run()
    finally:
        edition.close()


def _ready(host: str, port: int, upstream: str) -> str:
    return f"""vectorgate is ready on http://{host}:{port} (upstream: {upstream})
'{MASTER_KEY}' is master key and client key, in this edition only: do not expose it. Try:

curl -s -X POST 'http://{host}:{port}/v1/vector_stores' -H 'Authorization: Bearer {MASTER_KEY}' \\
  -H 'Content-Type: application/json' -d '{{"name": "My Document Store", "file_ids": ["file-abc123", "file-def456"]}}'

"""


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
