"""What local mode prints: when it is ready, and for `--help`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.home import CREDENTIALS_FILE, MASTER_KEY_FILE
from local.provider_settings import EMBEDDED, UPSTREAM, origin
from local.settings import MASTER_KEY_SETTING, PUBLISHED_KEY

if TYPE_CHECKING:
    from local.settings import LocalSettings

HELP: Final = f"""\
usage: make run        (ARGS=--help shows this)

Serve the gateway on this machine. It takes no arguments; environment variables set it up (an empty one counts as not
set; the default is in parentheses):

  HOST, PORT                  where it listens (127.0.0.1, 4000)
  VECTORGATE_HOME             its data folder, of one process (.vectorgate)
  VECTORGATE_MASTER_KEY       the master key, of 16 characters or more (generated in the data folder; {PUBLISHED_KEY}
                              for the demo)
  VECTORGATE_ALLOWED_HOSTS    host names to answer under, with commas; '*.example.com', '*'
  VECTORGATE_CORS_ORIGINS     origins whose web pages may call it, with commas; https://app.example.com
  VECTORGATE_UPSTREAM         embedded: nothing is forwarded, whatever keys are set; openai: to OpenAI (by
                              OPENAI_API_KEY, if that is set)
  OPENAI_API_KEY, OPENAI_BASE_URL
                              OpenAI (the embedded engine without a key)
  OPENAI_ADMIN_KEY            an admin key, to compare OpenAI's bill; of one project: OPENAI_PROJECT_ID
  AZURE_API_KEY, AZURE_API_BASE, AZURE_API_VERSION
                              Azure OpenAI, a second provider; without a version in its v1 form
  AZURE_AI_SEARCH_API_KEY, AZURE_AI_SEARCH_ENDPOINT
                              Azure AI Search (also as AZURE_SEARCH_API_KEY, AZURE_SEARCH_ENDPOINT)
  VECTORGATE_ACCESS_LOG       1: a line for each request on standard output; or the file to append it to
  VECTORGATE_INGEST           the watched folder (ingest in the data folder)
  VECTORGATE_INGEST_SENDERS   JSON: folder to team (demo to the team of {PUBLISHED_KEY})
  VECTORGATE_PRICES           your own prices: JSON, or a file of it
  VECTORGATE_STORE_RULES      rules for every team's vector stores: JSON
  VECTORGATE_EXPORT_WEBHOOK   a URL that gets each settled record, signed by VECTORGATE_EXPORT_WEBHOOK_KEY (whsec_...)
  VECTORGATE_EXPORT_OTLP      an OTLP/HTTP endpoint for a span of each; VECTORGATE_EXPORT_OTLP_HEADERS: name=value, ...
  VECTORGATE_EXPORT_SLACK     a Slack webhook for budget alerts
  VECTORGATE_EXPORT_FOLDER    a folder for JSON lines, partitioned by day
  VECTORGATE_METER_SECONDS    seconds between two meter ticks (60)
  VECTORGATE_TIMEOUT_SECONDS  seconds for a provider's answer (600); one more for each 256 KiB of a file, a response 900
  VECTORGATE_DRAIN_SECONDS    seconds for calls in progress at SIGTERM (as the timeout)
  VECTORGATE_TRUST_INVOKER    1: an invoker may name any team

More on keys, hosts and prices: docs/configuration.md.
"""


def ready(settings: LocalSettings, port: int, master_key: str) -> str:
    """The banner: a first line, where things are, and a request to try. It ends with a blank line."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    embedded = settings.upstreams.openai_key is None
    upstream = "the embedded engine" if embedded else origin(settings.upstreams.openai_url)
    lines = [
        f"vectorgate is ready on http://{host}:{port} (upstream: {upstream})",
        f"dashboard: http://{host}:{port}/ui",
        *settings.upstreams.explanation(),
        *_way_back(settings),
        f"data folder: {settings.home}",
        f"watched folder: {settings.ingest}",
        f"master key and client key: {_key(settings, master_key)}",
        f"keys for the Invoke API: {settings.home / CREDENTIALS_FILE}",
    ]
    return "\n".join(lines) + f"\nTry:\n\n{_sample(settings, f'http://{host}:{port}', master_key)}\n"


def _way_back(settings: LocalSettings) -> list[str]:
    if settings.upstreams.is_embedded_alone:
        return []
    return [f"The provider charges for it. To forward nothing: {UPSTREAM}={EMBEDDED} make run"]


def _key(settings: LocalSettings, master_key: str) -> str:
    if settings.master_key is not None:
        return MASTER_KEY_SETTING
    if master_key == PUBLISHED_KEY:
        return f"'{PUBLISHED_KEY}', a published key: only while the embedded engine alone is served, to this machine"
    return str(settings.home / MASTER_KEY_FILE)


def _shown(settings: LocalSettings, master_key: str) -> str:
    """The key in a shell's command: a secret is read from where it is."""
    if settings.master_key is not None:
        return f'"Authorization: Bearer ${MASTER_KEY_SETTING}"'
    if master_key == PUBLISHED_KEY:
        return f"'Authorization: Bearer {PUBLISHED_KEY}'"
    return f"\"Authorization: Bearer $(cat '{settings.home / MASTER_KEY_FILE}')\""


def _sample(settings: LocalSettings, url: str, master_key: str) -> str:
    files = ', "file_ids": ["file-abc123", "file-def456"]' if settings.upstreams.openai_key is None else ""
    return f"""curl -s -X POST '{url}/v1/vector_stores' -H {_shown(settings, master_key)} \\
  -H 'Content-Type: application/json' -d '{{"name": "My Document Store"{files}}}'
"""
