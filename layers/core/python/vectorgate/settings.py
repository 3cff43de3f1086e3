"""The deployment's settings: read from the environment once, by the composition root, and never changed after.

A setting that is present but empty is an error at the start (ValueError naming it), not a default: an empty secret name
or table name must fail closed. The two that weaken a check, VECTORGATE_PLAIN_HTTP and VECTORGATE_TRUST_INVOKER, are on
with the value `1` and off with any other.

The template sets, of the 4 KB that Lambda takes:

- from parameters: VECTORGATE_DEFAULT_PROVIDER, VECTORGATE_PRICES, VECTORGATE_TRUST_INVOKER, VECTORGATE_INGEST_SENDERS,
  VECTORGATE_CORS_ORIGINS, VECTORGATE_STORE_RULES, VECTORGATE_LOGGED_SUCCESSES, VECTORGATE_RECORD_DAYS
- resources: VECTORGATE_TABLE, VECTORGATE_INGEST_BUCKET, VECTORGATE_INGEST_BUS, VECTORGATE_INGEST_QUEUE,
  VECTORGATE_INGEST_FAILURES, VECTORGATE_METER_FUNCTION, VECTORGATE_EXPORT_FUNCTION, VECTORGATE_DEAD_LETTERS_<NAME>;
  VECTORGATE_EXPORTED_IN_ORDER (`1`) where there is an exporter that needs it, of the functions that settle
- secrets, in Lambda's region (AWS_REGION): VECTORGATE_SECRET_<PROVIDER>, VECTORGATE_MASTER_KEY_SECRET,
  VECTORGATE_OPENAI_ADMIN_SECRET
- VECTORGATE_BASE_PATH (`/` and DomainPath), VECTORGATE_RESPONSE_SECONDS (28; of the stream function 885),
  POWERTOOLS_SERVICE_NAME (the metrics' dimension)

Lambda sets AWS_LAMBDA_INITIALIZATION_TYPE (`snap-start`). For tests only: VECTORGATE_AWS_ENDPOINT, and
VECTORGATE_PLAIN_HTTP for plain HTTP to a provider.
"""

from __future__ import annotations

import json
import os
from dataclasses import field
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.ids import ProviderName, is_label, normal_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SECRET_PREFIX: Final = "VECTORGATE_SECRET_"  # noqa: S105 - a setting's name
_DEAD_LETTERS_PREFIX: Final = "VECTORGATE_DEAD_LETTERS_"
# Settings whose value may be the `s3://` URL of an object that holds it: Lambda takes 4 KB of environment in all.
_LONG: Final = ("VECTORGATE_PRICES", "VECTORGATE_INGEST_SENDERS")
MIB: Final = 1024 * 1024
OPENAI: Final = ProviderName("openai")
OPENAI_ADMIN: Final = ProviderName("openai_admin")  # no provider: the name of the credential of OpenAI's reports
# Lambda accepts events of 6 MB, in which a binary body is base64: 4.5 MB of body, less the rest of the event.
LAMBDA_UPLOAD: Final = int(4.4 * 1000 * 1000)
# What reads a row looks back less far. A response is continued for 30 days, as long as OpenAI keeps it; a queue
# delivers for 14; an idempotency record is kept for 7. The month before can be corrected until this one ends: for 62.
LEAST_RECORD_DAYS: Final = 90
MAX_RECORD_DAYS: Final = 9_999
MAX_RESPONSE_SECONDS: Final = 900.0  # the longest that Lambda, and API Gateway's streams, let a call take
# The rules for a team's stores, each with its least and greatest value. Days are at most those that OpenAI allows.
STORE_RULES: Final[Mapping[str, tuple[int, int]]] = {
    "default_expires_after_days": (1, 365),
    "max_expires_after_days": (1, 365),
    "max_vector_stores": (0, 1_000_000),
    "max_vector_store_gib": (0, 1_000_000),
}
LAMBDA_TOO_LARGE: Final = (
    "File too large: this endpoint accepts at most 4.4 MB. Put larger files into the ingest bucket (S3), from where "
    "they are uploaded and attached for you, or send them in parts that fit: POST /v1/uploads, which OpenAI's clients "
    "call client.uploads.upload_file_chunked(..., part_size=4_000_000)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResources:
    """The bucket and the bus by name, the queue and its dead-letter queue by URL."""

    bucket: str
    bus: str
    queue_url: str
    failures_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`secrets` maps each configured provider to the name of its secret; the first is the default provider.

    `meter_function`: the function that reads providers for the admin function, which has none of their keys;
    `export_function`: the one that tests destinations of exports for it.
    `exported_in_order`: an exporter reads from the table's stream in which order a store's rows were settled.
    `dead_letters`: the URLs of the dead-letter queues by what they hold, for the admin function.
    `bill_secret`: the secret with the admin key of OpenAI's organization, for its reports of usage and costs.
    `service`: the dimension of the metrics, which is the stack's name. `logged_successes_percent`: of the calls that
    succeeded, how many have a log line. `max_upload` in bytes; `too_large`: the message
    to a client whose file is larger. `prices`: the deployment's own entries of the price book, as a JSON array or the
    path of a file that holds one. `senders`: the team of each sender of ingestion, which is the first part of an
    object's key, or an event's source. `ingest`: its AWS resources. `cors_origins`: as `CrossOrigin.of` takes them.
    `base_path`: where a domain name is mapped to the HTTP API, such as `/ai`.
    `generated_keys`: every virtual key was generated by /key/generate.
    `store_rules`: those for the stores of every team, as `parse_store_rules` reads them.
    `record_days`: how long DynamoDB keeps a row of the ledger that is settled or voided; 0: for ever, as SQLite does.
    `from_snapshot`: Lambda takes a snapshot after the start, and runs copies of it (SnapStart).
    `deadline_seconds`, `response_seconds` and `upload_bytes_per_second`: as in `Gateway`, where the caller is not
    API Gateway.
    """

    table: str
    service: str = "vectorgate"
    logged_successes_percent: int = 100
    secrets: Mapping[ProviderName, str] = field(default_factory=dict)
    master_key_secret: str | None = None
    default_provider: ProviderName = OPENAI
    meter_function: str | None = None
    export_function: str | None = None
    exported_in_order: bool = False
    bill_secret: str | None = None
    dead_letters: Mapping[str, str] = field(default_factory=dict)
    region: str | None = None
    endpoint_url: str | None = None
    plain_http: bool = False
    trust_invoker: bool = False
    max_upload: int = LAMBDA_UPLOAD
    too_large: str = LAMBDA_TOO_LARGE
    prices: str | None = None
    senders: Mapping[str, str] = field(default_factory=dict)
    ingest: IngestResources | None = None
    cors_origins: tuple[str, ...] = ()
    store_rules: Mapping[str, int] | None = None
    base_path: str | None = None
    generated_keys: bool = False
    deadline_seconds: float | None = None
    response_seconds: float | None = None
    upload_bytes_per_second: float | None = None
    record_days: int = 0
    from_snapshot: bool = False

    @property
    def credential_names(self) -> Mapping[ProviderName, str]:
        """The secret of each credential: of the providers, and of OpenAI's admin key."""
        return self.secrets if self.bill_secret is None else {**self.secrets, OPENAI_ADMIN: self.bill_secret}


def from_environment(stored_text: Callable[[str], str]) -> Settings:
    """The settings of a deployed function. `stored_text`: reads the object of an `s3://` URL."""
    return read(with_objects(os.environ, stored_text))


def with_objects(environment: Mapping[str, str], stored_text: Callable[[str], str]) -> Mapping[str, str]:
    """The environment with the text of the object in place of each `s3://` URL of a setting that may be long."""
    urls = {name: url for name in _LONG if (url := environment.get(name, "")).startswith("s3://")}
    return {**environment, **{name: stored_text(url) for name, url in urls.items()}}


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. ValueError for one that is missing or empty."""
    default = ProviderName(environment.get("VECTORGATE_DEFAULT_PROVIDER", "openai"))
    secrets = {
        ProviderName(name.removeprefix(_SECRET_PREFIX).lower()): _required(environment, name)
        for name in environment
        if name.startswith(_SECRET_PREFIX)
    }
    if secrets and default not in secrets:
        raise ValueError(f"VECTORGATE_DEFAULT_PROVIDER is {default}, which has no secret")
    region = _optional(environment, "AWS_REGION")
    bill_secret = _optional(environment, "VECTORGATE_OPENAI_ADMIN_SECRET")
    for provider, secret in (*secrets.items(), *([(OPENAI_ADMIN, bill_secret)] if bill_secret else [])):
        _check_region(provider, secret, region)
    return Settings(
        table=_required(environment, "VECTORGATE_TABLE"),
        service=environment.get("POWERTOOLS_SERVICE_NAME", "vectorgate"),
        logged_successes_percent=_percent(environment, "VECTORGATE_LOGGED_SUCCESSES"),
        secrets=dict(sorted(secrets.items(), key=lambda item: (item[0] != default, item[0]))),
        master_key_secret=_optional(environment, "VECTORGATE_MASTER_KEY_SECRET"),
        default_provider=default,
        meter_function=_optional(environment, "VECTORGATE_METER_FUNCTION"),
        export_function=_optional(environment, "VECTORGATE_EXPORT_FUNCTION"),
        exported_in_order=environment.get("VECTORGATE_EXPORTED_IN_ORDER") == "1",
        bill_secret=bill_secret,
        dead_letters=_dead_letters(environment),
        region=region,
        endpoint_url=_optional(environment, "VECTORGATE_AWS_ENDPOINT"),
        plain_http=environment.get("VECTORGATE_PLAIN_HTTP") == "1",
        trust_invoker=environment.get("VECTORGATE_TRUST_INVOKER") == "1",
        prices=_optional(environment, "VECTORGATE_PRICES"),
        response_seconds=_response_seconds(environment),
        senders=parse_senders(_optional(environment, "VECTORGATE_INGEST_SENDERS") or "{}"),
        ingest=_ingest(environment) if "VECTORGATE_INGEST_BUCKET" in environment else None,
        cors_origins=_cors_origins(environment),
        base_path=_base_path(environment),
        generated_keys=True,
        store_rules=parse_store_rules(_optional(environment, "VECTORGATE_STORE_RULES")),
        record_days=_record_days(environment),
        from_snapshot=environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
    )


def _check_region(provider: ProviderName, secret: str, region: str | None) -> None:
    """Refuse the ARN of a secret of another region: Secrets Manager would not find it, and every call would fail."""
    parts = secret.split(":")
    if parts[0] == "arn" and region is not None and parts[3] != region:
        raise ValueError(f"the secret of provider {provider} is in {parts[3]}, but the function runs in {region}")


def _response_seconds(environment: Mapping[str, str]) -> float | None:
    text = _optional(environment, "VECTORGATE_RESPONSE_SECONDS")
    if text is None:
        return None
    seconds = float(text) if text.isascii() and text.isdigit() else 0.0
    if not 1 <= seconds <= MAX_RESPONSE_SECONDS:
        raise ValueError(f"VECTORGATE_RESPONSE_SECONDS is a number from 1 to {MAX_RESPONSE_SECONDS:.0f}")
    return seconds


def _percent(environment: Mapping[str, str], name: str) -> int:
    text = _optional(environment, name) or "100"
    percent = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= percent <= 100:  # noqa: PLR2004 - the hundred of a percentage
        raise ValueError(f"{name} is a number from 0 to 100")
    return percent


def _record_days(environment: Mapping[str, str]) -> int:
    text = _optional(environment, "VECTORGATE_RECORD_DAYS") or "0"
    days = int(text) if text.isascii() and text.isdigit() else -1
    if days != 0 and not LEAST_RECORD_DAYS <= days <= MAX_RECORD_DAYS:
        raise ValueError(f"VECTORGATE_RECORD_DAYS is 0, or a number from {LEAST_RECORD_DAYS} to {MAX_RECORD_DAYS}")
    return days


def _base_path(environment: Mapping[str, str]) -> str | None:
    text = _optional(environment, "VECTORGATE_BASE_PATH")
    if text is not None and (not text.startswith("/") or text.endswith("/")):
        raise ValueError("VECTORGATE_BASE_PATH begins with a slash, and ends without one")
    return text


def _cors_origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    text = _optional(environment, "VECTORGATE_CORS_ORIGINS")
    return tuple(text.split(",")) if text is not None else ()


def _dead_letters(environment: Mapping[str, str]) -> Mapping[str, str]:
    names = [name for name in environment if name.startswith(_DEAD_LETTERS_PREFIX)]
    return {
        name.removeprefix(_DEAD_LETTERS_PREFIX).lower().replace("_", " "): _required(environment, name)
        for name in names
    }


def _ingest(environment: Mapping[str, str]) -> IngestResources:
    return IngestResources(
        bucket=_required(environment, "VECTORGATE_INGEST_BUCKET"),
        bus=_required(environment, "VECTORGATE_INGEST_BUS"),
        queue_url=_required(environment, "VECTORGATE_INGEST_QUEUE"),
        failures_url=_required(environment, "VECTORGATE_INGEST_FAILURES"),
    )


def parse_senders(text: str) -> Mapping[str, str]:
    """The JSON as a mapping. ValueError, also for a repeated name, whose team would be ambiguous.

    Teams are in the normal form of names. Senders stay as they are: AWS authenticates exactly these.
    """
    error = ValueError(
        "VECTORGATE_INGEST_SENDERS is a JSON object from a sender (the first part of a key, without '/', or an event's "
        "source) to a team; neither holds '#' or control characters"
    )
    try:
        senders = json.loads(text, object_pairs_hook=_DistinctNames)
    except (ValueError, RecursionError):
        raise error from None
    if not isinstance(senders, dict):
        raise error
    for name, team in senders.items():
        if "/" in name or not is_label(name) or not isinstance(team, str) or not is_label(normal_name(team)):
            raise error
    return {name: normal_name(team) for name, team in senders.items()}


def parse_store_rules(text: str | None) -> Mapping[str, int] | None:
    """The JSON as a mapping from a rule's name to its value; None for no text. ValueError."""
    if text is None:
        return None
    try:
        rules = json.loads(text, object_pairs_hook=_DistinctNames)
    except (ValueError, RecursionError):
        rules = None
    if not isinstance(rules, dict) or not STORE_RULES.keys() >= rules.keys():
        raise ValueError(f"VECTORGATE_STORE_RULES is a JSON object with some of {', '.join(STORE_RULES)}")
    for name, value in rules.items():
        least, most = STORE_RULES[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"VECTORGATE_STORE_RULES: {name} is a number from {least} to {most}")
    return dict(rules)


class _DistinctNames(dict[str, object]):
    """A JSON object in which no name is repeated."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        if len(self) != len(pairs):
            raise ValueError("a name is repeated")


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the setting {name} is missing or empty")
    return value


def _optional(environment: Mapping[str, str], name: str) -> str | None:
    return _required(environment, name) if name in environment else None
