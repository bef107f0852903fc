"""Record each framework of this folder, with and without the probe, and say which evidence was captured.

    python benchmarks/frameworks [NAME...] [--environments DIR] [--prepare] [--install] [--keep DIR] [--read DIR]
        [--write]

Every scenario is one file here, run unchanged under `harnessfix record --harness PACKAGE`; what is in the table comes
from the recorded runs. `--write` puts its rows into `docs/frameworks.md`, `--install` makes environments that are
missing, `--prepare` does nothing else.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessfix.pipeline import Pipeline
from harnessfix.workspace import Workspace
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import StepKind

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "frameworks.md"
BEGIN, END = "<!-- table: made by benchmarks/frameworks -->", "<!-- end of the table -->"
ENVIRONMENTS = Path.home() / ".cache" / "harnessfix-frameworks"
MARKS = {"arguments": "Rome", "result": "sunny in Rome", "exception": ("ValueError", "station offline")}
EVIDENCE = ("arguments", "result", "exception", "finish reason", "tokens", "tool call id", "source line")
TIMEOUT = 900.0
READY = "packages-installed"  # written last: an environment without it is one whose making was cut short


@dataclass(frozen=True)
class Scenario:
    """One script.

    Args:
        name: of its file.
        title: first line of its docstring.
        harness: packages to instrument; the script itself when there is none.
        environment: folder of its virtual environment, below that of all; this Python when None.
        packages: what is installed there.
        marks: texts by which the evidence is known.
    """

    name: str
    title: str
    harness: tuple[str, ...]
    environment: str | None
    packages: tuple[str, ...]
    marks: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Scenario":
        """The constants of a script; it is not run."""
        tree = ast.parse(path.read_text())
        told = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in ("HARNESS", "ENVIRONMENT", "PACKAGES", "MARKS")
        }
        harness = told.get("HARNESS") or str(path)
        if isinstance(harness, str) and harness.endswith(".py"):
            harness = str(path.parent / harness)
        return cls(
            path.stem,
            (ast.get_docstring(tree) or path.stem).splitlines()[0].rstrip("."),
            (harness,) if isinstance(harness, str) else tuple(harness),
            told.get("ENVIRONMENT"),
            tuple(told.get("PACKAGES", ())),
            {**MARKS, **told.get("MARKS", {})},
        )

    def python(self, environments: Path) -> Path:
        """The interpreter of its environment."""
        return Path(sys.executable) if self.environment is None else environments / self.environment / "bin" / "python"

    def packages_in(self, environments: Path) -> list[str]:
        """What to instrument: packages of its environment, or folders where their source is not installed but put."""
        source = environments / str(self.environment) / "src"
        return [str(source / name) if (source / name).is_dir() else name for name in self.harness]

    def variables(self, environments: Path) -> dict[str, str]:
        """The environment variables it runs with."""
        source = environments / str(self.environment) / "src"
        return {**os.environ, **({"PYTHONPATH": str(source)} if source.is_dir() else {})}

    def ready(self, environments: Path) -> bool:
        """Whether its environment is there with all that it asks for."""
        if self.environment is None:
            return True
        stamp = environments / self.environment / READY
        return stamp.is_file() and stamp.read_text().split("\n") == list(self.packages)


def scenarios(names: Sequence[str] = ()) -> Iterator[Scenario]:
    """All scripts of this folder, or those of these names."""
    for path in sorted(HERE.glob("[a-z]*.py")):
        if not names or path.stem in names:
            yield Scenario.read(path)


def evidence(recordings: Sequence[Recording], marks: Mapping[str, Any]) -> dict[str, bool]:
    """Which evidence the recorded runs hold."""
    found = dict.fromkeys(EVIDENCE, False)
    for run in recordings:
        tools = [step for step in run.steps if step.kind is StepKind.TOOL_CALL]
        models = [step for step in run.steps if step.kind is StepKind.MODEL_CALL]
        found["arguments"] |= any(_says(run, step, "input", marks["arguments"]) for step in tools)
        found["result"] |= any(_says(run, step, "output", marks["result"]) for step in tools)
        if marks["exception"] is not None:
            found["exception"] |= any(_raised(step, *marks["exception"]) for step in run.steps)
        found["finish reason"] |= any(step.finish_reason for step in models)
        found["tokens"] |= any(step.usage is not None and step.usage.input_tokens for step in models)
        found["tool call id"] |= any(step.call_id for step in tools)
        found["source line"] |= any(step.anchors for step in (*tools, *models))
    return found


def _says(run: Recording, step: TraceStep, side: str, text: str) -> bool:
    return any(text in run.texts.get(part.text, "") for part in getattr(step, side))


def _raised(step: TraceStep, kind: str, words: str) -> bool:
    error = step.error
    while error is not None:
        if kind in error.type and words in error.message and error.traceback:
            return True
        error = error.cause
    return False


@dataclass
class Row:
    """What one scenario gave with the probe or without it."""

    scenario: Scenario
    probe: bool
    code: int
    output: str
    models: int
    tools: int
    found: dict[str, bool]
    missing: tuple[str, ...]


def play(scenario: Scenario, environments: Path, *, probe: bool, scratch: Path, keep: Path | None = None) -> Row:
    """Record a scenario and look at its runs; the recording is left in `keep`."""
    command = [str(scenario.python(environments)), str(HERE / f"{scenario.name}.py")]
    workspace = Workspace.open(scratch, create=True)
    with workspace.store, tempfile.TemporaryFile("w+") as out:
        saved = os.dup(1)
        os.dup2(out.fileno(), 1)
        try:
            result = Pipeline(workspace).run(
                command,
                harness=scenario.packages_in(environments),
                probe=probe,
                env=scenario.variables(environments),
                timeout=TIMEOUT,
            )
        finally:
            os.dup2(saved, 1)
            os.close(saved)
        out.seek(0)
        output = out.read().strip()
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{scenario.name}-{'probe' if probe else 'plain'}.jsonl").write_bytes(result.data)
    result.discard()
    return look(scenario, result.data, probe=probe, code=result.exit_code, output=output, missing=result.missing)


def look(
    scenario: Scenario, data: bytes, *, probe: bool, code: int = 0, output: str = "", missing: tuple[str, ...] = ()
) -> Row:
    """What a recording of a scenario holds."""
    from harnessfix_collectors.readers import read_bytes

    runs = list(read_bytes(data, scenario.name, "harnessfix-probe"))
    steps = [step for run in runs for step in run.steps]
    kinds = [sum(step.kind is kind for step in steps) for kind in (StepKind.MODEL_CALL, StepKind.TOOL_CALL)]
    return Row(scenario, probe, code, output, kinds[0], kinds[1], evidence(runs, scenario.marks), missing)


def plain_output(scenario: Scenario, environments: Path) -> tuple[int, str]:
    """Exit code and output of a scenario that is not recorded."""
    command = [str(scenario.python(environments)), str(HERE / f"{scenario.name}.py")]
    done = subprocess.run(
        command, env=scenario.variables(environments), capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    return done.returncode, done.stdout.strip()


def install(scenario: Scenario, environments: Path) -> None:
    """Make the environment of a scenario where none is ready: with uv, which is faster, where that is installed."""
    if scenario.ready(environments):
        return
    python = scenario.python(environments)
    folder = str(python.parents[1])
    uv = shutil.which("uv")
    if uv is not None:
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", str(python), *scenario.packages], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *scenario.packages], check=True)
    (python.parents[1] / READY).write_text("\n".join(scenario.packages))


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; `docs/frameworks.md` says what its signs mean."""
    by_name: dict[str, dict[bool, Row]] = {}
    for row in rows:
        by_name.setdefault(row.scenario.name, {})[row.probe] = row
    lines = [
        "| Harness | " + " | ".join(EVIDENCE) + " | model calls | tool calls |",
        "|---" * (len(EVIDENCE) + 3) + "|",
    ]
    for both in by_name.values():
        yes, no = both[True], both[False]
        cells = [_cell(yes, no, name) for name in EVIDENCE]
        counts = [f"{yes.models} / {no.models}", f"{yes.tools} / {no.tools}"]
        lines.append(f"| {yes.scenario.title} | " + " | ".join([*cells, *counts]) + " |")
    return "\n".join(lines)


def renewed(old: str, new: str) -> str:
    """A table with the rows of another in the place of those of the same harness; the rest of it stays."""
    head, rows = new.splitlines()[:2], {}
    for line in (*old.strip().splitlines()[2:], *new.splitlines()[2:]):
        rows[line.split("|")[1].strip()] = line
    return "\n".join([*head, *(rows[name] for name in sorted(rows, key=str.lower))])


def _cell(yes: Row, no: Row, name: str) -> str:
    if name == "exception" and yes.scenario.marks["exception"] is None:
        return "–"
    return "●" if no.found[name] else "◐" if yes.found[name] else "○"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and print the table; 1 when a recorded program behaved otherwise than alone."""
    parser = argparse.ArgumentParser(prog="python benchmarks/frameworks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, metavar="DIR")
    parser.add_argument("--install", action="store_true", help="make environments that are missing")
    parser.add_argument("--prepare", action="store_true", help="make environments that are missing, and record nothing")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCUMENT.name}")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the recordings there")
    parser.add_argument("--read", type=Path, metavar="DIR", help="look at recordings left there, record nothing")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    differ = 0
    if given.prepare:
        for scenario in scenarios(given.names):
            install(scenario, given.environments)
        return 0
    for scenario in scenarios(given.names):
        if given.read is not None:
            found = {
                probe: given.read / f"{scenario.name}-{'probe' if probe else 'plain'}.jsonl" for probe in (True, False)
            }
            if all(path.is_file() for path in found.values()):
                rows += [look(scenario, path.read_bytes(), probe=probe) for probe, path in found.items()]
            continue
        if not scenario.ready(given.environments):
            if not given.install:
                sys.stderr.write(f"{scenario.name}: no environment is ready in {given.environments}; see --install\n")
                continue
            install(scenario, given.environments)
        try:
            alone = plain_output(scenario, given.environments)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{scenario.name}: did not end in {TIMEOUT:.0f} s, and was left out\n")
            differ += 1
            continue
        if alone[0] != 0:
            sys.stderr.write(f"{scenario.name}: ended with code {alone[0]} without a recorder, and was left out\n")
            differ += 1
            continue
        for probe in (True, False):
            with tempfile.TemporaryDirectory(prefix="harnessfix-frameworks-") as scratch:
                row = play(scenario, given.environments, probe=probe, scratch=Path(scratch), keep=given.keep)
            rows.append(row)
            if (row.code, row.output) != alone:
                differ += 1
                sys.stderr.write(f"{scenario.name}: recorded {(row.code, row.output)!r}, alone {alone!r}\n")
            sys.stderr.write(f"{scenario.name} {'with' if probe else 'without'} the probe: {row.missing or 'whole'}\n")
    if given.json:
        told = [
            {"name": r.scenario.name, "probe": r.probe, "models": r.models, "tools": r.tools, **r.found} for r in rows
        ]
        print(json.dumps(told, indent=1))
    else:
        print(table(rows))
    if given.write:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        old, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{renewed(old, table(rows))}\n\n{END}{after}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
