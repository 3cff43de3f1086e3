"""The command's arguments, read and checked before anything is sent."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vectorgate.client.authorizers import AUTHORIZER, DEFAULT_HEADER, KINDS, TOKEN, TOKEN_HEADER, Asked
from vectorgate.client.errors import SettingsError
from vectorgate.client.ingest.processing import Processing, read_attributes, read_chunking
from vectorgate.client.ingest.selection import Selection
from vectorgate.client.settings import value_of

CONCURRENCY: Final = 8
EPILOG: Final = """\
environment:
  VECTORGATE_BASE_URL, VECTORGATE_API_KEY   the gateway, such as http://127.0.0.1:4000, and a key of it
  VECTORGATE_FUNCTION                       or the gateway's invoke function
  VECTORGATE_AUTHORIZER, VECTORGATE_TOKEN, VECTORGATE_TOKEN_HEADER    as the options
  OPENAI_API_KEY, OPENAI_BASE_URL           with --direct: the provider itself

exit status:
  0    every selected file is in the store
  1    a file was not ingested, or the gateway stopped answering; the same command continues
  2    nothing was sent: arguments, settings, no answer, or a refused key
  130  interrupted; the same command continues
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one run."""

    path: Path
    store: str
    selection: Selection
    asked: Processing
    concurrency: int = CONCURRENCY
    state: Path | None = None
    delete: bool = False
    direct: bool = False
    dry_run: bool = False
    before: Asked = field(default_factory=Asked)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ingest`."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("path", type=Path, metavar="PATH", help="a folder (its links and hidden files are left out) or a file")
    add("--store", required=True, metavar="NAME", help="a store's name (created if absent) or its id (vs_...)")
    add("--include", action="append", metavar="PATTERN", help="only files such as '*.md'; may be repeated")
    add("--exclude", action="append", metavar="PATTERN", help="no files such as 'drafts' or '*.tmp'; may be repeated")
    add("--dry-run", action="store_true", help="print what would be done, and change nothing")
    add("--delete", action="store_true", help="remove ingested files from the store that are no longer in the folder")
    add(
        "--attributes",
        action="append",
        metavar="KEY=VALUE",
        help="for every file, also unchanged ones; or a JSON object",
    )
    add("--chunking", metavar="SIZE/OVERLAP", help="tokens, such as 800/400, or auto; another one uploads again")
    add("--concurrency", type=int, default=CONCURRENCY, help="uploads at a time (default %(default)s)")
    add("--state", type=Path, metavar="FILE", help="the journal (default: in PATH/.vectorgate)")
    add("--direct", action="store_true", help="upload to the provider itself, where no gateway is named")
    _add_what_stands_before(parser)


def _add_what_stands_before(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--authorizer", choices=KINDS, help="what API Gateway asks for: a token (default, if one is named), AWS_IAM")
    add("--region", help="of AWS, for AWS_IAM (default: as the URL or AWS's own tools have it)")
    add("--token", help="the issuer's, for JWT")
    add("--token-header", metavar="NAME", help=f"its header (default {DEFAULT_HEADER})")


def read(parsed: argparse.Namespace) -> Arguments:
    """The arguments. SettingsError for contradictory or invalid ones; FileNotFoundError."""
    if not parsed.path.exists():
        raise FileNotFoundError(f"no such file or folder: {parsed.path}")
    if parsed.concurrency < 1:
        raise SettingsError("--concurrency must be at least 1")
    if parsed.delete and not parsed.path.is_dir():
        raise SettingsError("--delete compares the store with a folder: PATH must be a folder")
    return Arguments(
        path=parsed.path,
        store=parsed.store,
        selection=Selection(tuple(parsed.include or ()), tuple(parsed.exclude or ())),
        asked=Processing(read_attributes(parsed.attributes), read_chunking(parsed.chunking)),
        concurrency=parsed.concurrency,
        state=parsed.state,
        delete=parsed.delete,
        direct=parsed.direct,
        dry_run=parsed.dry_run,
        before=Asked(
            authorizer=parsed.authorizer or value_of(AUTHORIZER),
            token=parsed.token or value_of(TOKEN),
            header=parsed.token_header or value_of(TOKEN_HEADER),
            region=parsed.region,
        ),
    )
