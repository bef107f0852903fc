"""Programs are written to a folder and run twice by a real interpreter, without the probe and with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from harnessfix_collectors.document import RUNTIME
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import RecordResult, record
from harnessfix_ir.recording import Recording
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import TraceStep

sys.path.insert(0, str(RUNTIME))
# The one between the oldest and the newest is run before a release only: what differs by version came with it.
VERSIONS = ("3.11", *(("3.12",) if os.environ.get("HARNESSFIX_ALL_PYTHONS") else ()), "3.13")


def _interpreter(version: str) -> str | None:
    roots = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")]
    for root in (Path(root) for root in roots if root):
        for folder in sorted((root / "versions").glob(f"{version}.*")):
            if (folder / "bin" / "python").is_file():
                return str(folder / "bin" / "python")
    return shutil.which(f"python{version}")


@pytest.fixture(params=VERSIONS, scope="session")
def python(request: pytest.FixtureRequest) -> str:
    """One interpreter of each version that is supported and found."""
    found = _interpreter(request.param)
    if found is None:
        pytest.skip(f"no python{request.param} here")
    return found


@dataclass
class Played:
    """A program that was run.

    Args:
        folder: where its files are.
        code, out, err: how it ended and what it wrote, with the probe.
        plain: the same without the probe; None when it was not asked for.
        result: of `record`.
        runs: what the reader makes of it.
    """

    folder: Path
    code: int
    out: str
    err: str
    plain: "subprocess.CompletedProcess[str] | None"
    result: RecordResult
    runs: list[Recording]

    @property
    def steps(self) -> tuple[TraceStep, ...]:
        """Steps of the only run."""
        (run,) = self.runs
        return run.steps

    def step(self, name: str, nth: int = 0) -> TraceStep:
        """The n-th step of that name."""
        return [step for step in self.steps if step.name == name][nth]

    def above(self, step: TraceStep) -> list[str]:
        """Names of the steps around one, innermost first."""
        by_id = {step.id: step for step in self.steps}
        names = []
        while step.parent is not None:
            step = by_id[step.parent]
            names.append(step.name)
        return names

    def out_text(self, step: TraceStep) -> str:
        """All texts of a step's output, joined."""
        (run,) = self.runs
        return "\n".join(run.texts[part.text] for part in step.output)

    def tree(self) -> list[str]:
        """Every step as `name < parent < ...`."""
        return [" < ".join([step.name, *self.above(step)]) for step in self.steps]

    def assert_same(self) -> None:
        """The program did not notice the probe."""
        assert self.plain is not None
        code = self.plain.returncode if self.plain.returncode >= 0 else 128 - self.plain.returncode
        assert self.out == self.plain.stdout
        assert self.err == self.plain.stderr
        assert self.code == code


Play = Callable[..., Played]


@pytest.fixture
def play(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Play:
    """Writes files, runs a command in their folder, and reads the recording."""

    def run(
        python: str,
        files: str | dict[str, str | bytes],
        *words: str,
        both: bool = True,
        include: Sequence[str] = ("*",),
        options: Sequence[str] = (),
        env: dict[str, str] | None = None,
        harness: str = ".",
        redact: bool = True,
        timeout: float = 60,
    ) -> Played:
        folder = tmp_path / "project"
        for name, text in (files if isinstance(files, dict) else {"agent.py": files}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(dedent(text).encode() if isinstance(text, str) else text)
        command = [python, *options, *(words or ("agent.py",))]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        environment.pop("PYTHONPATH", None) if "PYTHONPATH" not in (env or {}) else None
        plain = None
        if both:
            plain = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
            )
        capfd.readouterr()
        result = record(
            command,
            model=read_harness([folder / harness]),
            spool_root=tmp_path / "spool",
            include=include,
            cwd=folder,
            env=environment,
            redact=redact,
            timeout=timeout,
        )
        out, err = capfd.readouterr()
        runs = list(read_bytes(result.data, "recording", "harnessfix-probe"))
        return Played(folder, result.exit_code, out, err, plain, result, runs)

    return run
