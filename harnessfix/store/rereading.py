"""Reading runs again from their original bytes, with whatever reader there is now."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from harnessfix_ir.errors import HarnessfixError, StoreError
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome

from .documents import RunFacts
from .ingest import with_own_ids

ReadBytes = Callable[[bytes, str, str], Iterable[Recording]]
"""A reader of bytes, given with their format and file name."""


def by_block(runs: Iterable[RunFacts]) -> Iterator[list[RunFacts]]:
    """Runs in groups, those of one block together."""
    groups: dict[tuple[str, str, str], list[RunFacts]] = {}
    for run in runs:
        groups.setdefault((run.blob, run.format, run.filename), []).append(run)
    yield from groups.values()


def reread(
    wanted: Mapping[str, RunFacts], block: tuple[bytes, str, str], read: ReadBytes
) -> Iterator[tuple[str, Recording | HarnessfixError]]:
    """The wanted runs of one block, as the store has it (id, outcome, harness), or what went wrong."""
    data, format_name, filename = block
    missing = dict(wanted)
    trouble: HarnessfixError | None = None
    try:
        for run_id, recording in with_own_ids(read(data, format_name, filename)):
            info = missing.pop(run_id, None)
            if info is not None:
                # Bytes from elsewhere may name any folder as their harness; the store says which are believed.
                changed = {
                    "id": run_id,
                    "outcome": Outcome(info.outcome),
                    "outcome_by": info.outcome_by,
                    "harness": info.harness,
                }
                yield run_id, recording.model_copy(update={"run": recording.run.model_copy(update=changed)})
            if not missing:
                return
    except HarnessfixError as error:
        trouble = error
    for run_id in missing:
        yield (
            run_id,
            trouble
            or StoreError(
                f"the {format_name} reader does not find run {run_id!r} in its own bytes any more",
                hint="Import the file again, or name another reader with --format.",
            ),
        )
