"""A recording: one run as a collector hands it on, before the compiler adds links and anchors."""

from pydantic import Field

from .document import Document, JsonValue
from .reached import Reached
from .steps import TraceStep
from .vocabulary import Outcome


class RunInfo(Document):
    """What is known of a run as a whole.

    Args:
        id: trace id or another stable name of the run; unique in a store.
        name: for people: the task, the test, the command.
        task: name of the task it worked on; runs of one task are compared with each other.
        started_ns, ended_ns: Unix time in nanoseconds.
        outcome: passed, failed or unknown; `outcome_by` says who said so (`exit`, `exception`, `pytest`, `user`, …).
        score: how good it was, as its source says; any number, larger is better.
        exit_code: of the recorded program.
        command: as it was started.
        harness: roots of the harness: absolute folders or files.
        program: names that the recorded program uses, itself no part of the harness as a rule; empty
            where its source is not known.
        format: the reader that made this recording.
    """

    id: str
    name: str = ""
    task: str = ""
    started_ns: int | None = None
    ended_ns: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    outcome_by: str = ""
    score: float | None = None
    exit_code: int | None = None
    command: tuple[str, ...] = ()
    harness: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    format: str = ""
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class Recording(Document):
    """One run's steps and the texts they refer to.

    Args:
        run: the run as a whole.
        steps: in order of start; ids `s1`, `s2`, ….
        texts: digest to text; a text is stored once however often it was sent.
        reached: which lines ran, by file of the harness; empty where the capture does not tell.
        incomplete: evidence known to be missing from the run, in words.
    """

    run: RunInfo
    steps: tuple[TraceStep, ...] = ()
    texts: dict[str, str] = Field(default_factory=dict)
    reached: dict[str, Reached] = Field(default_factory=dict)
    incomplete: tuple[str, ...] = ()
