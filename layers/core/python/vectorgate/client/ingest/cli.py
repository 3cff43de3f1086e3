"""The command: arguments in, a summary out.

Exit status 0 when every file is in the store; 1 when a file was not ingested or the gateway refused the call; 2 when
the command cannot be run with these arguments or settings; 130 when it was interrupted.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from vectorgate.client.client import Client
from vectorgate.client.errors import APIError, SettingsError
from vectorgate.client.ingest.journal import Journal, JournalBusy
from vectorgate.client.ingest.progress import Progress, sized
from vectorgate.client.ingest.run import RETRIES, Run, Summary, find_store, reason_of
from vectorgate.client.ingest.scan import scan
from vectorgate.client.options import Options
from vectorgate.pricing.book import GIB, STORAGE, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD, format_usd, rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.client.ingest.journal import FileRecord
    from vectorgate.client.ingest.scan import ScannedFile
    from vectorgate.client.resources import VectorStore

CONCURRENCY: Final = 8
INTERRUPTED: Final = 130  # as shells report Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ingest`."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder (its hidden files are left out) or a file")
    parser.add_argument("--store", required=True, metavar="NAME", help="a store's name (made when absent) or vs_... id")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help="uploads at a time (default %(default)s)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="the journal (default: in PATH/.vectorgate)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program and return the exit status."""
    parser = argparse.ArgumentParser(prog="vectorgate ingest", description="Put a folder into a vector store.")
    add_arguments(parser)
    return ingest(parser.parse_args(arguments))


def ingest(arguments: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    try:
        return anyio.run(_ingest, arguments)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on from here", INTERRUPTED)
    except (SettingsError, JournalBusy, OSError) as error:
        return _fail(str(error), 2)
    except APIError as error:
        return _fail(reason_of(error), 1)


async def _ingest(arguments: argparse.Namespace) -> int:
    if arguments.concurrency < 1:
        raise SettingsError("--concurrency must be at least 1")
    found, skipped = scan(arguments.path)
    async with Client() as client:
        with Journal(arguments.state or _journal_path(arguments, client)) as journal:
            store = await find_store(client, arguments.store)
            journal.store(store.id)
            refused = [(file.path, record.reason) for file in found if (record := _refused(file, journal)) is not None]
            current = [file for file in found if _up_to_date(file, journal)]
            due = [file for file in found if not _up_to_date(file, journal) and _refused(file, journal) is None]
            not_sent = [*((file.path, file.reason) for file in skipped), *refused]
            summary = Summary(unchanged=len(current), failed=not_sent)
            if due:
                progress = Progress(sys.stderr, time.monotonic, len(due), sum(file.size for file in due))
                await Run(client, store.id, journal, progress, summary, arguments.concurrency).ingest(due)
        store = await client.vector_stores.aretrieve(store.id, max_retries=RETRIES)
    sys.stdout.write(described(summary, store))
    return 1 if summary.failed else 0


def _journal_path(arguments: argparse.Namespace, client: Client) -> Path:
    """One journal for each folder, gateway and store."""
    folder = arguments.path if arguments.path.is_dir() else arguments.path.parent
    target = f"{client.destination(Options()).api_base} {arguments.store}"
    return Path(folder) / ".vectorgate" / f"ingest-{hashlib.sha256(target.encode()).hexdigest()[:12]}.jsonl"


def _up_to_date(file: ScannedFile, journal: Journal) -> bool:
    record = journal.records.get(file.path)
    return record is not None and record.state == "done" and record.sha256 == file.sha256 and not record.replaces


def _refused(file: ScannedFile, journal: Journal) -> FileRecord | None:
    """The record of a file whose present content the provider has refused; None for any other file."""
    record = journal.records.get(file.path)
    return record if record is not None and record.state == "refused" and record.sha256 == file.sha256 else None


def described(summary: Summary, store: VectorStore) -> str:
    """The summary as text."""
    size = int(store.usage_bytes or 0)
    price = PriceBook(shipped_prices()).price("openai", STORAGE, int(time.time() * 1000))
    nano = int(price.per_gib_day or 0)
    cost, each = format_usd(NanoUSD(rounded_ratio(size * nano, GIB))), format_usd(NanoUSD(nano))
    free = sized(price.free_bytes)
    lines = [
        f"store      {store.name} ({store.id})",
        f"uploaded   {summary.uploaded} files, {sized(summary.uploaded_bytes)}",
        f"attached   {summary.attached} files, {summary.replaced} of them in place of an older version",
        f"unchanged  {summary.unchanged} files",
        f"failed     {len(summary.failed)} files",
        *(f"  {path}: {reason}" for path, reason in summary.failed),
        f"stored     {sized(size)}: ${cost} a day (${each} a GiB-day; the account's first {free} are free)",
    ]
    return "".join(f"{line}\n" for line in lines)


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"vectorgate ingest: {reason}\n")
    return status
