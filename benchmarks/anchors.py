"""How often a step leads home without any code information, as in a run imported from a trajectory file.

The example agent `shipmate` is recorded with the probe, which knows where every step ran. Then all of that is taken
away (places, tracebacks, function names) and the run is compiled again: a step is found when one of its anchors lies in
the function that ran it.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from harnessfix.pipeline import Pipeline
from harnessfix.workspace import Workspace
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.recording import Recording
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Route, StepKind

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "shipmate"
RECORDED = frozenset((Route.STACK, Route.PROBE, Route.CODE_ATTRIBUTE))
IMPORTED = (StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL, StepKind.ERROR)


def hidden(recording: Recording) -> Recording:
    """The run without what tells where it ran."""
    return recording.model_copy(update={"steps": tuple(_hide(step) for step in recording.steps)})


def _hide(step: TraceStep) -> TraceStep:
    error = step.error.model_copy(update={"traceback": ""}) if step.error is not None else None
    named = step.kind in (StepKind.TOOL_CALL, StepKind.ERROR)
    update: dict[str, object] = {
        "anchors": (),
        "events": (),
        "attributes": {},
        "error": error,
        "name": step.name if named else "step",
    }
    return step.model_copy(update=update)


def in_function(found: Anchor, truth: Anchor) -> bool:
    """Whether an anchor lies in the function or clause that ran."""
    inside = found.qualname == truth.qualname or found.qualname.startswith(truth.qualname + ".")
    return found.path == truth.path and (inside or truth.start_line <= found.start_line <= truth.end_line)


def recordings(folder: Path) -> Iterator[tuple[Recording, HarnessModel]]:
    """Record every task of a copy of the example."""
    work = folder / "shipmate"
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("__pycache__", ".harnessfix"))
    workspace = Workspace.open(work, create=True)
    pipeline = Pipeline(workspace)
    model = read_harness([work / "shipmate"], exclude=("shipmate/scripted.py", "shipmate/check.py"))
    for task in sorted((work / "tasks").glob("*.json")):
        collected = pipeline.record(["python", "-m", "shipmate", task.stem], cwd=work, quiet=True, timeout=60)
        for run in collected.runs:
            yield workspace.store.recording(run, _read), model


def _read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
    return read_bytes(data, filename, format_name)


def measure() -> dict[str, float]:
    """Recall over all steps that an importer would have, and by kind."""
    right: Counter[StepKind] = Counter()
    total: Counter[StepKind] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for recording, model in recordings(Path(folder)):
            full, bare = compile_run(recording, model), compile_run(hidden(recording), model)
            for known, guessed in zip(full.steps, bare.steps):
                truth = next((anchor for anchor in known.anchors if anchor.route in RECORDED), None)
                if truth is None or known.kind not in IMPORTED:
                    continue
                total[known.kind] += 1
                right[known.kind] += any(in_function(anchor, truth) for anchor in guessed.anchors)
    metrics = {f"anchor_recall_hidden_stack.{kind.value}": right[kind] / count for kind, count in total.items()}
    return {"anchor_recall_hidden_stack": sum(right.values()) / max(sum(total.values()), 1), **metrics}
