"""One run of the command, from the store to the summary."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from vectorgate.client.destinations import OpenAI
from vectorgate.client.errors import APIError
from vectorgate.client.ingest import stores, summary
from vectorgate.client.ingest.journal import Journal, history
from vectorgate.client.ingest.plan import plan, removed
from vectorgate.client.ingest.progress import Progress
from vectorgate.client.ingest.run import carry_out
from vectorgate.client.ingest.scan import JOURNALS
from vectorgate.client.ingest.session import Session, Summary, reason_of
from vectorgate.client.ingest.watch import Stopped, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vectorgate.client.client import Client
    from vectorgate.client.destinations import Destination
    from vectorgate.client.ingest.arguments import Arguments
    from vectorgate.client.ingest.journal import FileRecord
    from vectorgate.client.ingest.plan import Plan
    from vectorgate.client.ingest.scan import Scan

FAILED: Final = 1
AGAIN: Final = "run the same command again to continue"


@dataclass(frozen=True, slots=True)
class Output:
    """Where the command writes, and its clocks: `monotonic` and `wall` in seconds."""

    out: TextIO
    err: TextIO
    monotonic: Callable[[], float]
    wall: Callable[[], float]

    def say(self, line: str) -> None:
        """Write a line about the run itself."""
        self.err.write(f"vectorgate ingest: {line}\n")
        self.err.flush()

    def tell(self, lines: Iterable[str]) -> None:
        """Write lines of the result."""
        self.out.write("".join(f"{line}\n" for line in lines))


@dataclass(frozen=True, slots=True)
class Command:
    """A run: what was asked for, what the folder has, and where it goes."""

    client: Client
    destination: Destination
    given: Arguments
    found: Scan
    output: Output

    async def rehearse(self) -> int:
        """Print what would be done, and return the exit status. Changes nothing."""
        store = await stores.find(self.client, self.given.store)
        self.output.say(f"{self._where()}, dry run: nothing is changed")
        records = history(self._journal_path()).about(store.id) if store is not None else {}
        named = f"{store.name} ({store.id})" if store is not None else f"{self.given.store} (will be created)"
        steps = self._plan(records)
        self.output.tell([f"store      {named}", *summary.planned(self.found, steps, records)])
        return FAILED if self.found.skipped or steps.refused else 0

    async def carry_out(self) -> int:
        """Carry out the plan, print the summary, and return the exit status."""
        with Journal(self._journal_path()) as journal:
            store = await stores.find_or_create(self.client, self.given.store)
            self.output.say(f"{self._where()}, store {store.name} ({store.id})")
            journal.store(store.id)
            steps = self._plan(journal.records)
            session = self._session(store.id, journal, steps)
            stopped = await self._run(session, steps)
        done = session.summary
        self.output.tell([f"store      {store.name} ({store.id})", *summary.counts(done, self.found, steps)])
        if stopped is None:
            self.output.tell([f"stored     {await self._stored(store.id)}"])
        return FAILED if stopped or done.failed else 0

    def _session(self, store_id: str, journal: Journal, steps: Plan) -> Session:
        refused = [*((file.path, file.reason) for file in self.found.skipped), *steps.refused]
        return Session(
            client=self.client,
            watch=Watch(self.client, store_id),
            journal=journal,
            progress=Progress(self.output.err, self.output.monotonic, len(steps.upload), steps.size),
            summary=Summary(unchanged=len(steps.unchanged), failed=refused),
            concurrency=self.given.concurrency,
            asked=self.given.asked,
        )

    async def _run(self, session: Session, steps: Plan) -> Stopped | None:
        """Carry out the steps; what stopped them, if anything has."""
        try:
            await carry_out(session, steps)
        except Stopped as error:
            stopped: Stopped | None = error
        else:
            stopped = None
        if steps.upload:
            session.progress.finish()
        if stopped is not None:
            self.output.say(f"stopped: {self.destination.api_base}: {reason_of(stopped.cause)}")
            self.output.say(AGAIN)
        return stopped

    async def _stored(self, store_id: str) -> str:
        try:
            store = await self.client.vector_stores.aretrieve(store_id, max_retries=stores.RETRIES)
        except APIError as error:
            return f"unknown: {reason_of(error)}"
        now_ms = int(self.output.wall() * 1000)
        return summary.storage(store, summary.price_at(self.destination, store.response_headers, now_ms))

    def _where(self) -> str:
        """The destination, for the user to see."""
        kind = "the provider itself" if isinstance(self.destination, OpenAI) else "the gateway"
        return f"{self.given.path} to {kind} at {self.destination.api_base}"

    def _plan(self, records: Mapping[str, FileRecord]) -> Plan:
        steps = plan(self.found, records, self.given.asked)
        if self.given.delete:
            steps.delete = removed(self.given.path, records.values(), self.given.selection)
        return steps

    def _journal_path(self) -> Path:
        """One journal for each folder, gateway and store."""
        if self.given.state is not None:
            return self.given.state
        folder = self.given.path if self.given.path.is_dir() else self.given.path.parent
        target = f"{self.destination.api_base} {self.given.store}"
        return Path(folder) / JOURNALS / f"ingest-{hashlib.sha256(target.encode()).hexdigest()[:12]}.jsonl"
