"""The store's face: one class, documents in and out. What it does is in the modules beside it."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Self

from harnessfix_ir.errors import HarnessfixError, StoreError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.vocabulary import Outcome

from . import blobs, ingest, labels, runs, schema, transfer, upkeep
from .copies import BlockCopy
from .database import Database
from .documents import EarlierBlock, Label, Merged, Pruned, RunRow, StepHit, StepRow, StoreInfo
from .models import MemoryRow, PatchRow, VerdictRow
from .place import place_of
from .plaintext import column
from .rereading import ReadBytes
from .shelves import FindingShelf, RepairShelf
from .stage_shelf import StageShelf


class Store(FindingShelf, StageShelf):
    """An open store; a context manager, safe to share between threads.

    Every method that writes is one transaction: done as a whole, or not at all. All of them raise `StoreError` when the
    store is locked for too long, the disk is full, or the file is damaged.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached = 0
        self.patches = RepairShelf(database, PatchRow)
        self.verdicts = RepairShelf(database, VerdictRow)
        self.memory = RepairShelf(database, MemoryRow)

    @classmethod
    def open(cls, address: str | Path, *, create: bool = True, readonly: bool = False, timeout: float = 30.0) -> Self:
        """Open a store; an older one is upgraded, on SQLite after a backup `store.db.bak-<version>` was made beside it.

        Args:
            address: a file, a folder that has (or gets) a `.harnessfix` folder, or a `postgresql://` URL.
            create: make a store where there is none.
            readonly: never write to it.
            timeout: seconds to wait for another writer.

        Raises:
            NewerStoreError: a later harnessfix wrote it.
            StoreError: it cannot be opened, or is none.
        """
        database = Database(place_of(address), readonly=readonly, timeout=timeout)
        try:
            schema.make_ready(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def __reduce__(self) -> tuple[Callable[[str], "Store"], tuple[str]]:
        """A store that is sent to another process is opened there, once."""
        return _opened_here, (self._database.place.address,)

    def close(self) -> None:
        """Close it; whatever was written stays."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def place(self) -> str:
        """The file, or the URL without its password."""
        return str(self._database.place)

    # Runs

    def add(
        self,
        data: bytes,
        *,
        format: str,
        filename: str,
        recordings: Sequence[Recording],
        supersedes: bool = False,
    ) -> list[str]:
        """Add the runs that a reader found in `data`.

        Adding the same bytes again changes nothing. Other bytes for a run id that is held make the newer recording the
        run; the earlier bytes and all labels are kept, its diagnoses are not.

        Args:
            data: the original bytes, all of them.
            format, filename: the reader's name and the file's, as `recording` will hand them to a reader again.
            recordings: every run in `data`, in the reader's order.
            supersedes: `data` holds all that was held of these runs, so the earlier bytes need not be kept.

        Returns:
            The runs' ids in this store, in the order of `recordings`.
        """
        prepared = [ingest.prepare(run_id, each, format, filename) for run_id, each in ingest.with_own_ids(recordings)]
        block = blobs.Block.of(data)
        self._database.repeat(lambda connection: ingest.write(connection, block, prepared, supersedes=supersedes))
        return [str(rows.run["id"]) for rows in prepared]

    def runs(
        self,
        *,
        outcome: Outcome | None = None,
        task: str | None = None,
        flaw: str | None = None,
        tool: str | None = None,
        text: str | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> list[RunRow]:
        """List runs by time.

        Args:
            outcome, task: as the run's label and recording say.
            flaw: beginning of a flaw id that was diagnosed in the run.
            tool: name of a tool that the run called.
            text: words that one step of the run brought in, all of them.
            limit: at most so many.
            newest_first: or oldest first.
        """
        with self._database.read() as connection:
            return runs.listed(
                connection,
                outcome=outcome,
                task=task,
                flaw=flaw,
                tool=tool,
                words=text,
                limit=limit,
                newest_first=newest_first,
            )

    def run_count(self) -> int:
        """How many runs there are."""
        with self._database.read() as connection:
            return runs.count(connection)

    def run(self, run_id: str) -> RunRow:
        """The line of one run. Raises `StoreError` when there is none of that id."""
        with self._database.read() as connection:
            return runs.row(connection, run_id)

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly that id."""
        with self._database.read() as connection:
            return runs.is_known(connection, run_id)

    def resolve_run(self, asked: str) -> str:
        """The id that `asked` means: an id or its unambiguous beginning, one run's name, or `latest`.

        Raises:
            StoreError: there is none or more than one; the message says what is near.
        """
        with self._database.read() as connection:
            return runs.resolve(connection, asked)

    def run_info(self, run_id: str) -> RunInfo:
        """The run as a whole, with the outcome that its labels say. Raises `StoreError`."""
        with self._database.read() as connection:
            return runs.info(connection, run_id)

    def steps(self, run_id: str) -> list[StepRow]:
        """The run's outline, without opening its bytes."""
        with self._database.read() as connection:
            return runs.steps(connection, run_id)

    def search(self, text: str, *, limit: int | None = 50) -> list[StepHit]:
        """Steps that brought in all words of `text` (names, errors, inputs, outputs), last added first."""
        with self._database.read() as connection:
            return runs.found_steps(connection, text, limit)

    def steps_with_message(self, digest: str, *, limit: int | None = 50) -> list[StepHit]:
        """The first step of each run that held the text with that digest, last added first."""
        with self._database.read() as connection:
            return runs.steps_with_message(connection, digest, limit)

    def blob(self, run_id: str) -> tuple[bytes, str, str]:
        """The original bytes of a run, their format and file name. Other runs may have come out of the same bytes."""
        with self._database.read() as connection:
            return runs.block(connection, run_id)

    def blob_digest(self, run_id: str) -> str:
        """SHA-256 of the run's bytes, as hex digits: what everything computed from the run depends on."""
        with self._database.read() as connection:
            return runs.block_digest(connection, run_id)

    def earlier_blobs(self, run_id: str) -> list[EarlierBlock]:
        """The bytes that earlier imports gave for the same run id, oldest first."""
        with self._database.read() as connection:
            return runs.earlier_blocks(connection, run_id)

    def recording(self, run_id: str, read: ReadBytes) -> Recording:
        """Read the run's original bytes again, so that a later reader may see more in them.

        Args:
            run_id: as in the store.
            read: called with the bytes, the format and the file name, as `blob` returns them.

        Raises:
            StoreError: there is no such run, or the reader does not find it in its bytes any more.
        """
        ((_, found),) = self.reread(self.facts([run_id]), read)
        if isinstance(found, HarnessfixError):
            raise found
        return found

    def delete_runs(self, run_ids: Iterable[str]) -> Pruned:
        """Delete runs with all that hangs on them; their bytes are gone from the disk after `vacuum`."""
        with self._database.write() as connection:
            doomed = [(runs.key_of(connection, run_id), run_id) for run_id in run_ids]
            return upkeep.remove(connection, doomed, dry_run=False)

    # Labels

    def label(self, run_id: str, outcome: Outcome, *, by: str, score: float | None = None, reason: str = "") -> None:
        """Say how a run ended. A user's word counts most, and of each kind the newest.

        Args:
            outcome: `unknown` with a score gives only the score; from a user without one it takes any outcome back.
            by: `user`, `evaluation`, `pytest`, `exception`, `exit`, or another name.
            score: any finite number.
        """
        if score is not None and not isfinite(score):
            raise StoreError(f"a score has to be a finite number, not {score}")
        reason = column(reason, 10_000)
        label = Label(outcome=outcome, by=column(by), score=score, reason=reason, created_ns=time.time_ns())
        with self._database.write(durable=True) as connection:
            labels.add(connection, runs.key_of(connection, run_id), label)

    def labels(self, run_id: str) -> list[Label]:
        """Everything that was said about how the run ended, oldest first."""
        with self._database.read() as connection:
            return labels.of_run(connection, runs.key_of(connection, run_id))

    # Upkeep

    def prune(
        self, *, older_than: timedelta | datetime | None = None, keep: int | None = None, dry_run: bool = False
    ) -> Pruned:
        """Delete old runs with all that hangs on them.

        Args:
            older_than: an age, or a point in time (aware).
            keep: the newest so many runs stay, however old; without `older_than` all others go.
            dry_run: only say what would go.

        Raises:
            StoreError: neither was given.
        """
        if older_than is None and keep is None:
            raise StoreError("nothing says which runs to prune", hint="Give an age, or how many runs to keep.")
        if isinstance(older_than, timedelta):
            older_than = datetime.now(UTC) - older_than
        before_ns = None if older_than is None else int(older_than.timestamp() * 1e9)
        with self._database.write() as connection:
            return upkeep.prune(connection, before_ns=before_ns, keep=keep, dry_run=dry_run)

    def export(self, path: Path) -> int:
        """Write everything but the cache into a new file, itself a store on SQLite; returns the number of runs.

        Raises:
            StoreError: there is a file already, or it cannot be written; nothing is left of it then.
        """
        return transfer.export(self._database, path)

    def import_(self, path: Path, *, own: bool = False) -> Merged:
        """Take in what another store's file holds, an export for instance; all of it or nothing.

        Args:
            path: the file.
            own: its runs were recorded on this machine. Those of others say neither which folders are read as their
                harness (the settings do), nor which command makes them again.

        Runs that are known keep their labels and get the other store's. Where the stores hold different bytes for a
        run, those added last make the run and the others are kept as earlier ones. Of flaws, patches, verdicts and
        memories of the same id the one changed last stays.
        """
        return transfer.take_in(self._database, path, own=own)

    def copy_blocks(self, address: str) -> int:
        """Copy the runs' bytes to a folder or an object store, those that are not there yet; returns their number."""
        copy, copied, after = BlockCopy(address), 0, b""
        while True:
            with self._database.read() as connection:
                block = blobs.following(connection, after)
            if block is None:
                return copied
            after, frame = block
            if not copy.has(after.hex()):
                copy.put(after.hex(), frame)
                copied += 1

    def vacuum(self, *, drop_cache: bool = False) -> None:
        """Give the space of what was deleted back to the disk.

        After it no trace of deleted runs is left, but for bytes that they share with others and for flaws that were
        last told of them, which go with the next check.
        """
        upkeep.vacuum(self._database, drop_cache=drop_cache)

    def info(self) -> StoreInfo:
        """The store in numbers."""
        with self._database.read() as connection:
            return upkeep.info(connection, self._database)


@cache
def _opened_here(address: str) -> Store:
    return Store.open(address, create=False)
