"""How long a patch takes to be proposed, and a validation beside the least that its runs can take."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Evidence, Layer, Severity
from harnessfix_repairs.operators import EditExample, all_operators
from harnessfix_repairs.patch import Patch, propose
from harnessfix_repairs.validation.gate import Bounds, Plan, validate
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.sandbox import Sandbox
from harnessfix_repairs.validation.worktree import Tree

LINES = 2_000
_FILLER = '''

def step_{number}(state, messages):
    """Another part of the harness."""
    found = [message for message in messages if message.get("role") == "user"]
    if not found:
        return state
    for message in found:
        state[str(message["content"])] = len(found) + {number}
    return state
'''


def propose_seconds(lines: int = LINES, names: Sequence[str] = ()) -> dict[str, float]:
    """CPU seconds to propose a patch, by operator: its first Python example at the top of a file of so many lines.

    Args:
        lines: of the file.
        names: of operators; all when empty.
    """
    found = {}
    for name, operator in all_operators().items():
        example = next((e for e in operator.examples if not e.refused and e.path.endswith(".py")), None)
        if example is None or (names and name not in names):
            continue
        with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as folder:
            root = Path(folder)
            for path, text in {example.path: _long(example, lines), **(example.files or {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, "utf-8")
            began = time.process_time()
            patch = propose(root, _flaw(name, example))
            if isinstance(patch, Patch):
                found[name] = time.process_time() - began
    return found


def validation_ratio(tasks: int = 4, seconds: float = 2.0, jobs: int = 0) -> float:
    """Wall time of a validation, divided by the least it can be: all runs of both sides, so many at a time.

    Args:
        tasks: how many; each sleeps in the sandbox.
        seconds: of each run.
        jobs: runs at a time; the number of cores when 0.
    """
    jobs = jobs or os.cpu_count() or 1
    operator = all_operators()["preserve-cause"]
    example = next(e for e in operator.examples if not e.refused)
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as folder:
        root = Path(folder) / "harness"
        root.mkdir()
        (root / example.path).write_text(example.before, "utf-8")
        patch = propose(root, _flaw(operator.name, example))
        assert isinstance(patch, Patch)
        sandbox = Sandbox()

        def run(task: str, tree: Tree) -> TaskResult:
            done = sandbox.run(["sleep", str(seconds)], tree)
            return TaskResult(task=task, passed=done.exit_code == 0, exit_code=done.exit_code, seconds=done.seconds)

        bounds = Bounds(repeats=2)
        names = [f"task {number}" for number in range(tasks)]
        plan = Plan(tasks=names, run_task=run, jobs=jobs, bounds=bounds, trees=Path(folder) / "trees")
        began = time.monotonic()
        validate(root, patch, plan)
        took = time.monotonic() - began
    rounds = -(-tasks * bounds.repeats // jobs)  # of each side, rounded up
    return took / (2 * rounds * seconds)


def metrics() -> dict[str, float]:
    """The figures by name."""
    seconds = propose_seconds()
    return {
        "propose_seconds_2000_lines": round(median(seconds.values()), 3),
        "propose_seconds_2000_lines_slowest": round(max(seconds.values()), 3),
        "validation_wall_ratio": round(validation_ratio(), 3),
    }


def _long(example: EditExample, lines: int) -> str:
    text = example.before if example.before.endswith("\n") else example.before + "\n"
    count = max(0, lines - text.count("\n")) // _FILLER.count("\n") + 1
    return text + "".join(_FILLER.format(number=number) for number in range(count))


def _flaw(operator: str, example: EditExample) -> FlawRecord:
    anchor = Anchor(
        path=example.path,
        qualname=example.qualname,
        start_line=example.line,
        end_line=max(example.line, example.end_line),
    )
    best = Diagnosis(
        flaw="0" * 8,
        rule="X000",
        name="example",
        layer=Layer.EXECUTION,
        severity=Severity.WARNING,
        run=None,
        path=(),
        anchors=(anchor,),
        message="an example",
        confidence=1.0,
        evidence=Evidence.DERIVED,
        operator=operator,
        parameters=dict(example.parameters or {}),
    )
    return FlawRecord(flaw=best.flaw, best=best)
