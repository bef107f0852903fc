"""What tests of rules share: record a small harness for real, and ask one rule about it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from harnessfix.diagnoser import diagnose_run, diagnose_source
from harnessfix.rules import all_rules
from harnessfix.rules._examples import MODEL
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import record
from harnessfix_ir.compiler.compile import compile_run
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.source import read_harness

BY_CODE = {rule.code: rule for rule in all_rules()}


@dataclass(frozen=True)
class Harness:
    """A harness that was read and run.

    Args:
        model: of its source.
        runs: compiled, one for each agent episode.
    """

    model: HarnessModel
    runs: list[Htir]

    def said(self, code: str) -> list[Diagnosis]:
        """What one rule says of the runs."""
        reports = [diagnose_run(run, self.model, [BY_CODE[code]]) for run in self.runs]
        assert not [words for report in reports for words in report.incomplete if words.startswith("rule ")]
        return [diagnosis for report in reports for diagnosis in report.diagnoses]

    def said_of_source(self, code: str) -> list[Diagnosis]:
        """What one rule says of the source alone."""
        return diagnose_source(self.model, [BY_CODE[code]]).diagnoses


@pytest.fixture
def run_harness(tmp_path: Path) -> Callable[[Mapping[str, str]], Harness]:
    """Write files, read them as a harness, and record `main.py` if there is one; `model.py` is the scripted model."""

    def run(files: Mapping[str, str]) -> Harness:
        folder = tmp_path / "harness"
        folder.mkdir()
        for name, text in {"model.py": MODEL, **files}.items():
            (folder / name).write_text(text, encoding="utf-8")
        model = read_harness([folder])
        if "main.py" not in files:
            return Harness(model, [])
        command = [sys.executable, "main.py"]
        result = record(command, model=model, spool_root=tmp_path / "spool", cwd=folder, timeout=60, quiet=True)
        assert not result.missing
        return Harness(model, [compile_run(each, model) for each in read_bytes(result.data, "harness")])

    return run
