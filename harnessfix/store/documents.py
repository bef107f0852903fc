"""What the store hands out: typed rows, with no trace of the database in them."""

from datetime import UTC, datetime
from typing import NamedTuple

from harnessfix_ir.document import Document
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

RECORDED = "record"
"""File name of what `harnessfix record` recorded on this machine: such a run is made again by its own command."""


def foreign_name(filename: str) -> str:
    """The name of a file that came from elsewhere: whatever it is called, it was not recorded here."""
    return f"{filename} (file)" if filename == RECORDED else filename


class RunRow(Document):
    """One line of a list of runs.

    Args:
        id: the run's id in this store; short_id: its beginning, at least 8 characters, that no other run shares.
        name, task: for people; the task groups runs that may be compared.
        outcome, outcome_by: by the label that counts, and who gave it; score: the newest that the labels hold.
        started_ns, seconds: Unix time in nanoseconds, duration; None when unknown.
        steps, errors: how many steps, how many of them ended in an error.
        flaws: different flaws found in it; None as long as nobody diagnosed it.
        incomplete: notes about evidence missing from the run.
        format, filename: reader, and the file it came from (for display only).
    """

    id: str
    short_id: str
    name: str
    task: str
    outcome: Outcome
    outcome_by: str = ""
    score: float | None = None
    started_ns: int | None = None
    seconds: float | None = None
    steps: int
    errors: int
    flaws: int | None = None
    incomplete: int = 0
    format: str
    filename: str = ""

    @property
    def started(self) -> datetime | None:
        """Start as an aware time in UTC; None when unknown or beyond what a calendar holds."""
        if self.started_ns is None:
            return None
        try:
            return datetime.fromtimestamp(self.started_ns / 1e9, UTC)
        except (OverflowError, ValueError, OSError):
            return None


class Brief(NamedTuple):
    """The least that says which runs there are: id, how it ended, its task, what people call it."""

    id: str
    outcome: str
    task: str
    called: str


class RunFacts(NamedTuple):
    """What a stage has to know of a run before it opens its bytes; small, since they are sent between processes.

    Args:
        id: the run's id in this store.
        blob: SHA-256 of its bytes, as hex digits; format, filename: for the reader of them.
        outcome, outcome_by: as the labels have it.
        harness: folders that it was recorded with.
        diagnosed_with: what its diagnoses in the store were made from, empty when it has none.
    """

    id: str
    blob: str
    format: str
    filename: str
    outcome: str
    outcome_by: str
    harness: tuple[str, ...]
    diagnosed_with: str


class StepRow(Document):
    """One line of a run's outline, without opening its bytes.

    Args:
        id, parent: step ids; kind, name, status: as in the step; error: type of its exception.
        started_ns, ended_ns: Unix time in nanoseconds.
        input_tokens, output_tokens: as the provider reported them.
    """

    id: str
    parent: str | None = None
    kind: StepKind
    name: str
    status: Status
    error: str | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class StepHit(Document):
    """A step that full-text search, or the look-up of a message, found."""

    run: str
    step: str
    kind: StepKind
    name: str
    status: Status


class Label(Document):
    """Someone's word on how a run ended.

    Args:
        outcome: unknown when only a score was given.
        by: `user`, `evaluation`, `pytest`, `exception`, `exit`, or the reader of a file that said so.
        score: any number; reason: in words.
        created_ns: Unix time in nanoseconds.
    """

    outcome: Outcome
    by: str
    score: float | None = None
    reason: str = ""
    created_ns: int


class EarlierBlock(Document):
    """Bytes that an earlier import gave for the same run id, kept until the run is pruned."""

    data: bytes
    format: str
    filename: str
    added_ns: int


class Pruned(Document):
    """What pruning took away, or would take with `dry_run`: run ids, and the stored bytes of their blocks."""

    runs: tuple[str, ...] = ()
    bytes: int = 0


class Merged(Document):
    """What importing an export changed: run ids that are new, that got newer bytes, and how many were known already."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    known: int = 0


class CacheUse(Document):
    """Entries of one kind in the cache and the bytes they take."""

    kind: str
    entries: int
    bytes: int


class StoreInfo(Document):
    """A store in numbers, for `doctor`.

    Args:
        place: file or URL (without its password); engine: `sqlite` or `postgresql`, with its version.
        version: of the schema; writer: harnessfix version that made or last upgraded it.
        bytes: size of the file, None for a server.
    """

    place: str
    engine: str
    version: str
    writer: str
    runs: int
    steps: int
    flaws: int
    bytes: int | None = None
    cache: tuple[CacheUse, ...] = ()
