"""The part of the store's face that the stages use: facts of many runs, what was made of them, and shared work."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from harnessfix_ir.document import Document
from harnessfix_ir.errors import HarnessfixError, StoreError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.recording import Recording

from . import blobs, cache, examinations, findings, labels, rereading, runs, work
from .database import Database
from .documents import Brief, Label, RunFacts
from .plaintext import from_json, to_json
from .rereading import ReadBytes

D = TypeVar("D", bound=Document)


class StageShelf:
    """Runs as the stages see them."""

    _database: Database
    _cached: int

    def facts(self, run_ids: Sequence[str] | None = None, *, missing_ok: bool = False) -> Iterator[RunFacts]:
        """What a stage has to know of these runs, or of all runs in the order they were added, page by page.

        Raises:
            StoreError: there is no such run, unless `missing_ok`.
        """
        if run_ids is None:
            yield from self._all_facts()
            return
        for start in range(0, len(run_ids), examinations.PAGE):
            chunk = run_ids[start : start + examinations.PAGE]
            yield from self._database.repeat(
                partial(examinations.of_runs, run_ids=chunk, missing_ok=missing_ok), reading=True
            )

    def _all_facts(self) -> Iterator[RunFacts]:
        after: int | None = 0
        while after is not None:
            found, after = self._database.repeat(partial(examinations.page, after=after), reading=True)
            yield from found

    def reread(
        self, wanted: Iterable[RunFacts], read: ReadBytes, get: Callable[[str], bytes] | None = None
    ) -> Iterator[tuple[str, Recording | HarnessfixError]]:
        """Read many runs again, opening bytes that several of them came out of only once.

        Args:
            wanted: the runs.
            read: called with the bytes, the format and the file name, as `blob` returns them.
            get: gives the bytes by their digest, from a copy of the blocks; the store itself when None.

        Yields:
            Each run's id and recording, or what went wrong with it; those of the same bytes one after the other.
        """
        for group in rereading.by_block(wanted):
            first = group[0]
            try:
                data = self._bytes(first.blob) if get is None else get(first.blob)
            except HarnessfixError as error:
                yield from ((run.id, error) for run in group)
            else:
                by_id = {run.id: run for run in group}
                yield from rereading.reread(by_id, (data, first.format, first.filename), read)

    def _bytes(self, digest: str) -> bytes:
        return self._database.repeat(lambda connection: blobs.get(connection, bytes.fromhex(digest)), reading=True)

    # What was made of runs

    def examinations(self, run_ids: Sequence[str], kind: type[D]) -> dict[str, tuple[str, D]]:
        """What was last made of each of these runs: the digest of what it was made from, and the document."""
        out: dict[str, tuple[str, D]] = {}
        kept = self._database.repeat(lambda connection: list(examinations.kept(connection, run_ids)), reading=True)
        for run_id, made_from, text in kept:
            try:
                out[run_id] = made_from, from_json(kind, text.decode())
            except StoreError:
                continue  # it can be made again
        return out

    def keep_examination(
        self,
        run: RunFacts,
        *,
        made_from: str,
        document: Document,
        current: str,
        diagnoses: Sequence[Diagnosis],
        rules: Collection[str] | None = None,
        htir: bytes | None = None,
    ) -> bool:
        """Keep what was made of one run, all of it or nothing.

        Args:
            run: as it was when the work began.
            made_from: digest of the content that the run's HTIR was made from.
            document: what the rules said.
            current: what `diagnoses`, which replace the run's earlier ones, were made from.
            rules: whose earlier ones are replaced; those of all rules when None.
            htir: the compiled run for the cache, None when it is there.

        Returns:
            False when the run has got other bytes meanwhile, or is gone; nothing is written then.
        """
        frame = blobs.compress(to_json(document).encode())
        cached = None if htir is None else blobs.compress(htir)

        def write(connection: Connection) -> bool:
            kept = examinations.keep(connection, run, made_from, frame, current, diagnoses, rules)
            if kept and cached is not None:
                self._put(connection, "htir", made_from, cached)
            return kept

        return self._database.repeat(write)

    # What verdicts are made from

    def briefs(self) -> list[Brief]:
        """All runs, newest first, in as little as tells them apart."""
        return self._database.repeat(runs.briefs, reading=True)

    def labels_of(self, run_ids: Sequence[str]) -> dict[str, list[Label]]:
        """Everything that was said about how each of these runs ended, oldest first."""
        out: dict[str, list[Label]] = {run_id: [] for run_id in run_ids}
        for run_id, label in self._database.repeat(lambda c: list(labels.of_runs(c, run_ids)), reading=True):
            out[run_id].append(label)
        return out

    def shown_in(self, run_ids: Sequence[str], rules: Collection[str]) -> dict[str, list[str]]:
        """JSON of what these rules found in each of these runs, as far as the run shows it."""
        out: dict[str, list[str]] = {run_id: [] for run_id in run_ids}
        found = self._database.repeat(lambda c: list(findings.shown_in(c, run_ids, rules)), reading=True)
        for run_id, document in found:
            out[run_id].append(document)
        return out

    # Cache

    def cached(self, kind: str, key: str) -> bytes | None:
        """What was cached under `kind` and `key`, None when it is not there (any more)."""
        return self._database.repeat(lambda connection: cache.get(connection, kind, key), reading=True)

    def cached_ones(self, kind: str, keys: Sequence[str]) -> list[tuple[str, bytes]]:
        """Those of these keys that are cached, each with its value; at most a few hundred keys."""
        return self._database.repeat(lambda connection: list(cache.get_all(connection, kind, keys)), reading=True)

    def cache(self, kind: str, key: str, value: bytes) -> None:
        """Keep something that can be computed again; the oldest entries give way to new ones.

        Args:
            kind: what it is, `htir` for instance.
            key: digest of everything it was computed from, programs included.
        """
        frame = blobs.compress(value)
        self._database.repeat(lambda connection: self._put(connection, kind, key, frame))

    def _put(self, connection: Connection, kind: str, key: str, frame: bytes) -> None:
        cache.put(connection, kind, key, frame)
        if self._cached % cache.LOOK_EVERY == 0:
            cache.trim(connection)
        self._cached += 1

    # Work that several machines share

    def plan_work(self, job: str, parts: Sequence[str]) -> set[str]:
        """Note the parts of a job that are to do, by the digest of what each depends on; returns those done already."""
        return self._database.repeat(lambda connection: work.plan(connection, job, parts))

    def finish_work(self, job: str, part: str, result: Document) -> None:
        """A part is done; doing it twice leaves one result."""
        frame = blobs.compress(to_json(result).encode())
        self._database.repeat(lambda connection: work.finish(connection, job, part, frame))

    def work_results(self, parts: Sequence[str], kind: type[D]) -> Iterator[tuple[str, D]]:
        """The results of those of these parts that are done."""
        for start in range(0, len(parts), work.CHUNK):
            with self._database.read() as connection:
                found = list(work.results(connection, parts[start : start + work.CHUNK]))
            yield from ((part, from_json(kind, text.decode())) for part, text in found)

    def forget_work(self, job: str) -> None:
        """A job has come to its end; its parts are not needed any more."""
        self._database.repeat(lambda connection: work.forget(connection, job))

    def work_left(self) -> int:
        """How many parts of all jobs are still to do."""
        with self._database.read() as connection:
            return work.left(connection)
