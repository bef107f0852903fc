"""A library built of documents: a run with a flaw, its source on disk, and the lists of a store."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

os.environ["TEXTUAL_ANIMATIONS"] = "none"

from harnessfix.store import RunRow
from harnessfix.tui.library import Advice, Contents, OpenRun, Tell
from harnessfix.tui.patch_view import PatchView
from harnessfix.tui.source_file import SourceFile, read_source
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import PatchError, StoreError
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, Span, StepEvent, TraceLink, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Evidence, Layer, LinkKind, Outcome, Route, Severity, Status, StepKind

AGENT = '''\
"""An agent."""


def observe(text):
    """Shorten what a tool said."""
    return text[:2000]


def run(task):
    while True:
        observe(task)
'''
CUT = Anchor(path="pkg/agent.py", qualname="observe", start_line=6, end_line=6, route=Route.PROBE)
LOOP = Anchor(path="pkg/agent.py", qualname="run", start_line=10, end_line=11, route=Route.STACK)
DIFF = """\
--- a/pkg/agent.py
+++ b/pkg/agent.py
@@ -6 +6 @@
-    return text[:2000]
+    return shortened(text)
"""


@dataclass
class Shelf:
    """A library in memory.

    Args:
        runs: opened by their ids.
        flaws, advice: as shown.
        base: folder of the harness.
        trouble: raised by `contents`.
        refusal: why no patch is proposed.
        diagnosed: flaws that `check` finds.
    """

    base: Path
    runs: dict[str, OpenRun] = field(default_factory=dict)
    flaws: Sequence[FlawRecord] = ()
    advice_given: Advice = field(default_factory=Advice)
    trouble: Exception | None = None
    refusal: str = ""
    diagnosed: Sequence[FlawRecord] = ()
    proposed: list[str] = field(default_factory=list)

    def contents(self) -> Contents:
        if self.trouble is not None:
            raise self.trouble
        rows = [_row(opened.run, len(opened.diagnoses)) for opened in self.runs.values()]
        return Contents("/here/.harnessfix/store.db", rows, tuple(self.flaws))

    def find_run(self, asked: str) -> str:
        found = [run for run in self.runs if run.startswith(asked)]
        if not found:
            raise StoreError(f"no run is called {asked!r}", hint="Look again.")
        return found[0]

    def find_flaw(self, asked: str) -> FlawRecord:
        return next(flaw for flaw in self.flaws if flaw.flaw.startswith(asked))

    def open_run(self, run_id: str) -> OpenRun:
        return self.runs[run_id]

    def advice(self, flaw: FlawRecord) -> Advice:
        return self.advice_given

    def propose(self, flaw: FlawRecord) -> None:
        if self.refusal:
            raise PatchError(self.refusal)
        self.proposed.append(flaw.flaw)
        patch = PatchView(id="feedfacefeedface", diff=DIFF, safety="unsafe", added=1, removed=1)
        self.advice_given = Advice(patches=[patch], bases=[self.base], safety="unsafe")

    def source(self, path: str, bases: Sequence[Path]) -> SourceFile:
        return read_source(path, bases)

    def check(self, tell: Tell) -> Contents:
        tell("first run")
        self.flaws = self.diagnosed
        return self.contents()


def _row(run: Htir, flaws: int) -> RunRow:
    info = run.run
    return RunRow(
        id=info.id,
        short_id=info.id[:8],
        name=info.name,
        task=info.task,
        outcome=info.outcome,
        outcome_by=info.outcome_by,
        started_ns=info.started_ns,
        steps=len(run.steps),
        errors=sum(step.status is Status.ERROR for step in run.steps),
        flaws=flaws,
        format="test",
    )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A harness of one file."""
    folder = tmp_path / "harness"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "agent.py").write_text(AGENT, "utf-8")
    return folder


@pytest.fixture
def run() -> Htir:
    """A task that reads a long file, loses its end, fails once, and goes on without it."""
    pool = TextPool()
    long, short = pool.put("report\n" * 4000), pool.put(("report\n" * 4000)[:2000])
    asked, answered = pool.put("Which test fails?"), pool.put("None of them.")
    source = Source(format="test", file="run.jsonl", span_ids=("0af7",))

    def step(number: int, kind: StepKind, name: str, parent: str | None = "s1", **more: object) -> TraceStep:
        given: dict[str, object] = {"id": f"s{number}", "parent": parent, "kind": kind, "name": name, "source": source}
        return TraceStep.model_validate({**given, **more})

    steps = (
        step(1, StepKind.TASK, "run", None, input=[Part(role="user", text=asked)], anchors=[LOOP]),
        step(2, StepKind.MODEL_CALL, "complete", input=[Part(role="user", text=asked)]),
        step(3, StepKind.TOOL_CALL, "read_file", output=[Part(role="result", text=long)], anchors=[CUT, LOOP]),
        step(4, StepKind.CONTEXT_BUILD, "observe", "s3", output=[Part(role="value", text=short)], anchors=[CUT]),
        step(
            5,
            StepKind.ERROR,
            "raise ValueError",
            "s3",
            status=Status.ERROR,
            error=ErrorInfo(type="ValueError", message="no such line", traceback="agent.py:6 in observe"),
        ),
        step(
            6,
            StepKind.MODEL_CALL,
            "complete",
            input=[Part(role="user", text=asked), Part(role="tool", text=short)],
            output=[Part(role="assistant", text=answered)],
            events=[StepEvent(name="cut", attributes={"before": 28000, "after": 2000})],
            attributes={"gen_ai.system": "scripted"},
        ),
    )
    links = (
        TraceLink(source="s3", target="s5", kind=LinkKind.TERMINATED_BY),
        TraceLink(
            source="s3",
            target="s6",
            kind=LinkKind.TRUNCATED,
            source_span=Span(side="out", part=0, start=0, end=2000),
            target_span=Span(side="in", part=1, start=0, end=2000),
            detail="2 000 of 28 000 characters kept",
        ),
    )
    info = RunInfo(
        id="1234567890abcdef1234567890abcdef",
        name="find the failing test",
        task="find-test",
        outcome=Outcome.FAILED,
        outcome_by="exit",
        started_ns=1_800_000_000_000_000_000,
    )
    return Htir(run=info, steps=steps, links=links, texts=pool.texts)


@pytest.fixture
def diagnosis(run: Htir) -> Diagnosis:
    """The file's end was lost at s3 and missed at s6."""
    return Diagnosis(
        flaw="3f9a2c71",
        rule="C101",
        name="unbounded-observation",
        layer=Layer.CONTEXT,
        severity=Severity.ERROR,
        run=run.run.id,
        responsible_step="s3",
        symptom_step="s6",
        path=("s3", "s4", "s6"),
        anchors=(CUT,),
        message="2 000 of 28 000 characters of read_file (s3) reached request s6.",
        confidence=0.9,
        evidence=Evidence.OBSERVED,
        quotes=(("s3 output", "report"),),
        operator="bound-observation",
        missing=("a recording of the cut itself",),
    )


@pytest.fixture
def flaw(diagnosis: Diagnosis) -> FlawRecord:
    """That flaw over all runs, with a clone elsewhere."""
    clone = Anchor(path="pkg/other.py", qualname="shorten", start_line=3, end_line=4)
    runs = (diagnosis.run or "", "ffffffff00000000")
    return FlawRecord(
        flaw=diagnosis.flaw, best=diagnosis, runs=runs, support=Support(failed=1, passed=1), clones=(clone,)
    )


@pytest.fixture
def shelf(base: Path, run: Htir, diagnosis: Diagnosis, flaw: FlawRecord) -> Shelf:
    """A store with that run and a second one, and the flaw."""
    passed = Htir(run=RunInfo(id="ffffffff00000000", name="other", task="add-numbers", outcome=Outcome.PASSED))
    return Shelf(
        base=base,
        runs={
            run.run.id: OpenRun(run, [diagnosis], [base]),
            passed.run.id: OpenRun(passed, [], [base]),
        },
        flaws=[flaw],
        advice_given=Advice(
            why="The model decides on what it is not shown.", safety="unsafe", fix_safety="Look at it.", bases=[base]
        ),
    )


@pytest.fixture
def bare_step() -> Callable[..., TraceStep]:
    """Makes steps with nothing but what is given."""

    def make(number: int, parent: str | None = None, **more: object) -> TraceStep:
        fields: dict[str, object] = {"kind": StepKind.TOOL_CALL, "name": f"tool {number}", "source": {"format": "test"}}
        return TraceStep.model_validate({"id": f"s{number}", "parent": parent, **fields, **more})

    return make
