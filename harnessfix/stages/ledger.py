"""A job on a cluster, in such a way that a lost driver, head or cluster costs only the parts that were being worked on.

Each part is known by the digest of everything its result depends on. The task that does it writes the result into the
store under that digest; the driver is told only that it is there. Whoever starts the job again finds those parts done.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harnessfix.engines import Done, Engine
from harnessfix.store import Store

from . import versions
from .batches import Batch
from .examine import Examine
from .examined import Examined

CHUNK = 500


@dataclass(frozen=True)
class Recorded:
    """A job whose results go into the store."""

    job: Examine
    name: str

    def __call__(self, part: tuple[str, Batch]) -> str:
        """Do one part and keep its result; returns the part's digest."""
        digest, batch = part
        self.job.store.finish_work(self.name, digest, self.job(batch))
        return digest


class Ledger:
    """Executes a job over parts by way of the store's `work` table.

    Args:
        store: shared by all machines.
        job: to execute.
        engine: executes it.
    """

    def __init__(self, store: Store, job: Examine, engine: Engine) -> None:
        self.store, self.job, self.engine = store, job, engine
        self._name = versions.digest_of(
            job.compiler,
            [[key, sorted(harness.wanted.items())] for key, harness in sorted(job.harnesses.items())],
            sorted(job.severities.items()),
        )

    def run(self, parts: Iterable[Batch]) -> Iterator[Done[Batch, Examined]]:
        """As `Engine.run`, but parts that were done before are not done again."""
        by_digest = {self._digest(batch): batch for batch in parts}
        done_before = self.store.plan_work(self._name, list(by_digest))
        todo = [(digest, batch) for digest, batch in by_digest.items() if digest not in done_before]
        yield from self._results(list(done_before), by_digest)
        arrived: list[str] = []
        for done in self.engine.run(Recorded(self.job, self._name), todo):
            if done.error is not None:
                yield Done(done.part[1], error=done.error)
                continue
            arrived.append(done.part[0])
            if len(arrived) == CHUNK:
                yield from self._results(arrived, by_digest)
                arrived = []
        yield from self._results(arrived, by_digest)
        self.store.forget_work(self._name)

    def _results(self, digests: list[str], by_digest: dict[str, Batch]) -> Iterator[Done[Batch, Examined]]:
        missing = set(digests)
        for digest, result in self.store.work_results(digests, Examined):
            missing.discard(digest)
            yield Done(by_digest[digest], result)
        for digest in missing:
            yield Done(by_digest[digest], error=LookupError("its result is gone from the table of work"))

    def _digest(self, batch: Batch) -> str:
        return versions.digest_of(self._name, [versions.htir_key(task.run, task.model) for task in batch])
