"""Runs of real harnesses, recorded with the probe: the examples, the runs of `agents/`, the scenarios of `frameworks/`.

What a recording needs is made when it is asked for; a folder that is kept holds the recordings and what was read of the
source for the next time.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frameworks.__main__ import HERE, scenarios
from harnessfix.pipeline import Pipeline
from harnessfix.workspace import Workspace
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.recording import Recording
from harnessfix_ir.source import locate_harness, read_harness

PROJECT = Path(__file__).resolve().parents[1]
SUBJECTS = Path.home() / ".cache" / "harnessfix-subjects"
# Environment of `harnessfix-subjects`, package that is the harness, script of `agents/`.
AGENTS = (
    ("mini-swe-agent", "minisweagent", "minisweagent_run.py"),
    ("smolagents", "smolagents", "smolagents_run.py"),
    ("openai-agents", "agents", "openai_agents_run.py"),
)
TINYLOOP_TASKS = ("metres", "wrong-sum", "outage")
TIMEOUT = 300


@dataclass(frozen=True)
class Case:
    """A recorded run, the model of the harness it came from, and the harness's name."""

    name: str
    recording: Recording
    model: HarnessModel


@dataclass(frozen=True)
class Subject:
    """A harness and the commands that run it.

    Args:
        name: of the harness.
        commands: each is recorded.
        harness: what is the harness, as for `harnessfix record`; the settings of `copied` when empty.
        roots: where that is.
        copied: folder that is copied and worked in, for an example.
        exclude: files below the roots that are not the harness.
        variables: the environment of the commands.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    harness: tuple[str, ...] = ()
    roots: tuple[Path, ...] = ()
    copied: Path | None = None
    exclude: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def cases(self, folder: Path) -> Iterator[Case]:
        """The runs of its commands: those that `folder` holds, else recorded there."""
        work, kept = folder / self.name / "work", folder / self.name / "runs"
        if not kept.is_dir():
            self._record(work, kept)
        model = read_harness(
            [work / root if self.copied is not None else root for root in self.roots],
            cache_dir=folder / "facts",
            exclude=self.exclude,
        )
        for path in sorted(kept.glob("*.jsonl")):
            for recording in read_bytes(path.read_bytes(), path.name, "harnessfix-probe"):
                yield Case(self.name, recording, model)

    def _record(self, work: Path, kept: Path) -> None:
        shutil.rmtree(work, ignore_errors=True)
        if self.copied is None:
            work.mkdir(parents=True)
        else:
            shutil.copytree(self.copied, work, ignore=shutil.ignore_patterns("__pycache__", ".harnessfix"))
        found = [self._data(work, command) for command in self.commands]
        kept.mkdir()
        for number, data in enumerate(found):
            (kept / f"{number:02d}.jsonl").write_bytes(data)

    def _data(self, work: Path, command: Sequence[str]) -> bytes:
        """What a command left; one that leaves nothing has failed to start, and the figures would be empty."""
        workspace = Workspace.open(work, create=True)
        with workspace.store:
            result = Pipeline(workspace).run(
                command, cwd=work, harness=self.harness, env=self.variables, quiet=True, timeout=TIMEOUT
            )
            data = result.data
            result.discard()
        if not any(len(run.steps) > 1 for run in read_bytes(data, "recorded", "harnessfix-probe")):
            raise RuntimeError(f"nothing was recorded of {' '.join(command)} (exit code {result.exit_code})")
        return data


def examples() -> Iterator[Subject]:
    """The harnesses of this project."""
    tasks = sorted(path.stem for path in (PROJECT / "examples" / "shipmate" / "tasks").glob("*.json"))
    yield Subject(
        "shipmate",
        tuple((sys.executable, "-m", "shipmate", task) for task in tasks),
        roots=(Path("shipmate"),),
        copied=PROJECT / "examples" / "shipmate",
        exclude=("shipmate/scripted.py", "shipmate/check.py"),
    )
    yield Subject(
        "tinyloop",
        tuple((sys.executable, "run.py", task) for task in TINYLOOP_TASKS),
        roots=(Path("tinyloop.py"),),
        copied=PROJECT / "examples" / "tinyloop",
    )


def agents(environments: Path = SUBJECTS) -> Iterator[Subject]:
    """The runs of `agents/` whose environment is there."""
    for environment, package, name in AGENTS:
        python = environments / environment / "bin" / "python"
        script = PROJECT / "benchmarks" / "agents" / name
        if python.exists():
            installed = locate_harness(package, str(python))
            yield Subject(package, ((str(python), str(script)),), (str(script), package), (script, installed))


def frameworks(environments: Path = SUBJECTS, names: Sequence[str] = ()) -> Iterator[Subject]:
    """The scenarios of `frameworks/` whose environment is there: each script, and the framework below it."""
    for scenario in scenarios(names):
        if not scenario.ready(environments):
            print(f"{scenario.name}: no environment is ready in {environments}", file=sys.stderr)
            continue
        python, script = scenario.python(environments), HERE / f"{scenario.name}.py"
        harness = [str(script), *(name for name in scenario.packages_in(environments) if name != str(script))]
        try:
            roots = tuple(locate_harness(name, str(python)) for name in harness)
        except HarnessfixError as error:
            print(f"{scenario.name}: {error}", file=sys.stderr)
            continue
        yield Subject(
            scenario.name,
            ((str(python), str(script)),),
            tuple(harness),
            roots,
            variables=scenario.variables(environments),
        )
