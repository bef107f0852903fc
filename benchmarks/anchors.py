"""How often a step leads home without any code information, as in a run imported from a trajectory file.

Agents are recorded with the probe, which knows where every step ran: the examples of this project, and released
frameworks where a virtual environment below ~/.cache/harnessfix-subjects holds them. Then all of that is taken away
(places, tracebacks, function names) and the runs are compiled again: a step is found when one of its anchors lies in
the function that ran it.

    python benchmarks/anchors.py [--misses]
"""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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

PROJECT = Path(__file__).resolve().parents[1]
SUBJECTS = Path.home() / ".cache" / "harnessfix-subjects"
RECORDED = frozenset((Route.STACK, Route.PROBE, Route.CODE_ATTRIBUTE))
LOW = 0.8
IMPORTED = (StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL, StepKind.ERROR)
# Environment of `harnessfix-subjects`, package that is the harness, script of `agents/`.
FRAMEWORKS = (
    ("mini-swe-agent", "minisweagent", "minisweagent_run.py"),
    ("smolagents", "smolagents", "smolagents_run.py"),
    ("openai-agents", "agents", "openai_agents_run.py"),
)


@dataclass(frozen=True)
class Case:
    """A recorded run, the model of the harness it came from, and the harness's name."""

    name: str
    recording: Recording
    model: HarnessModel


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
        "name": step.name if named else step.kind.value,
    }
    return step.model_copy(update=update)


def in_function(found: Anchor, truth: Anchor) -> bool:
    """Whether an anchor lies in the function or clause that ran."""
    inside = found.qualname == truth.qualname or found.qualname.startswith(truth.qualname + ".")
    return found.path == truth.path and (inside or truth.start_line <= found.start_line <= truth.end_line)


def cases(folder: Path) -> Iterator[Case]:
    """Record everything that can be recorded here."""
    tasks = sorted((PROJECT / "examples" / "shipmate" / "tasks").glob("*.json"))
    yield from _example(
        folder,
        "shipmate",
        "shipmate",
        [("-m", "shipmate", task.stem) for task in tasks],
        ("shipmate/scripted.py", "shipmate/check.py"),
    )
    yield from _example(
        folder, "tinyloop", "tinyloop.py", [("run.py", name) for name in ("metres", "wrong-sum", "outage")], ()
    )
    for environment, package, script in FRAMEWORKS:
        python = SUBJECTS / environment / "bin" / "python"
        if python.exists():
            yield from _framework(folder / package, python, package, PROJECT / "benchmarks" / "agents" / script)


def _example(
    folder: Path, name: str, harness: str, commands: Iterable[tuple[str, ...]], exclude: tuple[str, ...]
) -> Iterator[Case]:
    work = folder / name
    shutil.copytree(PROJECT / "examples" / name, work, ignore=shutil.ignore_patterns("__pycache__", ".harnessfix"))
    model = read_harness([work / harness], exclude=exclude)
    for recording in _recorded(work, [(sys.executable, *command) for command in commands]):
        yield Case(name, recording, model)


def _framework(work: Path, python: Path, package: str, script: Path) -> Iterator[Case]:
    work.mkdir()
    (installed,) = python.parent.parent.glob(f"lib/python*/site-packages/{package}")
    model = read_harness([script, installed])
    for recording in _recorded(work, [(str(python), str(script))], (str(script), package)):
        yield Case(package, recording, model)


def _recorded(work: Path, commands: Iterable[tuple[str, ...]], harness: tuple[str, ...] = ()) -> Iterator[Recording]:
    """Runs of some commands; a command that leaves none has failed to start, and the figures would be empty."""
    workspace = Workspace.open(work, create=True)
    pipeline = Pipeline(workspace)
    for command in commands:
        collected = pipeline.record(command, cwd=work, harness=harness, quiet=True, timeout=120)
        runs = [workspace.store.recording(run, _read) for run in collected.runs]
        if not any(len(run.steps) > 1 for run in runs):
            raise RuntimeError(f"nothing was recorded of {' '.join(command)} (exit code {collected.exit_code})")
        yield from runs


def _read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
    return read_bytes(data, filename, format_name)


@dataclass(frozen=True)
class Tried:
    """A step whose function is known, and whether it was found without that knowledge."""

    harness: str
    step: TraceStep
    truth: Anchor
    found: bool
    guesses: tuple[Anchor, ...]


def tried(case: Case) -> Iterator[Tried]:
    """Steps of a run that an importer would have and whose function the probe knows."""
    full, bare = compile_run(case.recording, case.model), compile_run(hidden(case.recording), case.model)
    known = {step.id: step for step in full.steps}
    for guessed in bare.steps:
        step = known.get(guessed.id)
        truth = next((a for a in step.anchors if a.route in RECORDED), None) if step is not None else None
        if step is not None and truth is not None and step.kind in IMPORTED:
            found = any(in_function(anchor, truth) for anchor in guessed.anchors)
            yield Tried(case.name, step, truth, found, guessed.anchors)


def measure(misses: bool = False) -> dict[str, float]:
    """Recall over all steps that an importer would have, by kind of step and by harness."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    missed: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            for one in tried(case):
                for name in ("", f".{one.step.kind.value}", f".{one.harness}"):
                    total[name] += 1
                    right[name] += one.found
                missed[one.harness, f"{one.step.kind.value} {one.step.name}"] += not one.found
                if misses and not one.found:
                    guesses = [f"{anchor.place} {anchor.qualname} ({anchor.route})" for anchor in one.guesses]
                    print(
                        f"{one.harness} {one.step.id} {one.step.kind} {one.step.name}: {one.truth.place} "
                        f"{one.truth.qualname}; guessed {guesses}"
                    )
    for harness in {harness for harness, _ in missed}:
        if right[f".{harness}"] < LOW * total[f".{harness}"]:
            steps = ", ".join(f"{count} x {what}" for (of, what), count in missed.items() if of == harness and count)
            print(f"{harness}: nothing but a name leads home, and many places bear it: {steps}", file=sys.stderr)
    return {f"anchor_recall_hidden_stack{name}": right[name] / count for name, count in total.items()}


if __name__ == "__main__":
    for metric, value in measure("--misses" in sys.argv[1:]).items():
        print(f"{metric:<50} {value:.3f}")
