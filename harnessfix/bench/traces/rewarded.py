"""tau-bench, airline: runs that earned their reward. A sound run of a working harness is no place for findings.

https://github.com/sierra-research/tau-bench
"""

import gzip
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harnessfix.bench.checkout import repository_in, unpack
from harnessfix.rules.selection import select_rules
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import Outcome

from .reading import read

REPOSITORY, PACKAGE = "sierra-research/tau-bench", "tau_bench"
_COMMIT = re.compile(r"^commit: ([0-9a-f]{7,40})", re.MULTILINE)


def count(folder: Path) -> int:
    """Runs of the set."""
    return sum(len(json.loads(gzip.decompress(path.read_bytes()))) for path in _files(folder))


def measure(
    folder: Path, repositories: Path | None, tell: Callable[[str], None]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Figures, and a case for each run with a finding."""
    model, rules, cases = _source(folder, repositories), select_rules(), []
    rewarded = silent = spoken_of_failed = failed = 0
    for path in _files(folder):
        for one in read(path, "tau-bench", model, rules):
            tell(one.run.run.name)
            if one.run.run.outcome is not Outcome.PASSED:
                failed += 1
                spoken_of_failed += bool(one.diagnoses)
                continue
            rewarded += 1
            silent += not one.diagnoses
            cases += [
                {"name": one.run.run.name, "findings": f"{diagnosis.rule} {diagnosis.anchors[0].qualname}"}
                for diagnosis in one.diagnoses
            ]
    figures = {
        "tau.silent_on_rewarded": round(silent / rewarded, 4) if rewarded else 0.0,
        "tau.rewarded": float(rewarded),
        "tau.spoken_of_failed": round(spoken_of_failed / failed, 4) if failed else 0.0,
        "tau.source_known": float(bool(model.files)),
    }
    return figures, cases


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.json.gz"))
    if not found:
        raise HarnessfixError(f"{folder}: no *.json.gz in it")
    return found


def _source(folder: Path, repositories: Path | None) -> HarnessModel:
    """The harness as it stood at the set's commit; an empty model without a repository of it."""
    if repositories is None:
        return HarnessModel(root="")
    said = (folder / "SOURCE.txt").read_text("utf-8") if (folder / "SOURCE.txt").exists() else ""
    commit = _COMMIT.search(said)
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as scratch:
        unpack(repository_in(repositories, REPOSITORY), commit[1] if commit else "HEAD", Path(scratch))
        return read_harness([Path(scratch) / PACKAGE])
