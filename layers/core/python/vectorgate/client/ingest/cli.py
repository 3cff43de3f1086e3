"""The command: arguments in, a summary out.

Exit status 0 when all is in the store; 1 when a file was not sent or the gateway refuses; 2 when the command cannot be
run as it was given; 130 when it was interrupted.
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

    from vectorgate.client.ingest.journal import Known
    from vectorgate.client.ingest.scan import Found
    from vectorgate.client.resources import VectorStore

CONCURRENCY: Final = 8
INTERRUPTED: Final = 130  # as shells report Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `ingest` takes."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder (its hidden files are left out) or a file")
    parser.add_argument("--store", required=True, metavar="NAME", help="a store's name (made when absent) or vs_... id")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help="uploads at a time (default %(default)s)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="the journal (default: in PATH/.vectorgate)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; the exit status."""
    parser = argparse.ArgumentParser(prog="vectorgate ingest", description="Put a folder into a vector store.")
    add_arguments(parser)
    return ingest(parser.parse_args(arguments))


def ingest(said: argparse.Namespace) -> int:
    """The command itself."""
    try:
        return anyio.run(_ingest, said)
    except KeyboardInterrupt:
        return _say("interrupted; the same command goes on from here", INTERRUPTED)
    except (SettingsError, JournalBusy, OSError) as error:
        return _say(str(error), 2)
    except APIError as error:
        return _say(reason_of(error), 1)


async def _ingest(said: argparse.Namespace) -> int:
    if said.concurrency < 1:
        raise SettingsError("--concurrency must be at least 1")
    found, skipped = scan(said.path)
    async with Client() as client:
        with Journal(said.state or _journal_of(said, client)) as journal:
            store = await find_store(client, said.store)
            journal.store(store.id)
            refused = [(file.path, known.reason) for file in found if (known := _refused(file, journal)) is not None]
            current = [file for file in found if _up_to_date(file, journal)]
            work = [file for file in found if not _up_to_date(file, journal) and _refused(file, journal) is None]
            not_sent = [*((file.path, file.reason) for file in skipped), *refused]
            summary = Summary(unchanged=len(current), failed=not_sent)
            if work:
                progress = Progress(sys.stderr, time.monotonic, len(work), sum(file.size for file in work))
                await Run(client, store.id, journal, progress, summary, said.concurrency).take(work)
        store = await client.vector_stores.aretrieve(store.id, max_retries=RETRIES)
    sys.stdout.write(described(summary, store))
    return 1 if summary.failed else 0


def _journal_of(said: argparse.Namespace, client: Client) -> Path:
    """One a folder, gateway and store."""
    folder = said.path if said.path.is_dir() else said.path.parent
    place = f"{client.destination(Options()).api_base} {said.store}"
    return Path(folder) / ".vectorgate" / f"ingest-{hashlib.sha256(place.encode()).hexdigest()[:12]}.jsonl"


def _up_to_date(file: Found, journal: Journal) -> bool:
    known = journal.known.get(file.path)
    return known is not None and known.state == "done" and known.sha256 == file.sha256 and not known.replaces


def _refused(file: Found, journal: Journal) -> Known | None:
    """What is known of a file of which the provider would not have this very content."""
    known = journal.known.get(file.path)
    return known if known is not None and known.state == "refused" and known.sha256 == file.sha256 else None


def described(summary: Summary, store: VectorStore) -> str:
    """The summary, a line a fact."""
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


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"vectorgate ingest: {text}\n")
    return status
