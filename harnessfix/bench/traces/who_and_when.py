"""Who&When: failed runs of teams of agents. People named the message of the mistake; it is a model's in every run.

Messages are counted from 0. Two expert teams agreed on the message of a sister set in 34.9 % of the runs.

https://arxiv.org/abs/2505.00212
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harnessfix.diagnoser.attribution import attribute
from harnessfix.rules.selection import select_rules
from harnessfix_collectors.readers.base import EVALUATION
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Verdict

from .reading import read

# Of answers without understanding, and of GPT-4o asked in one go (the higher of what its authors report).
FLOORS = {"who.floor_step_best_constant": 0.27, "who.floor_step_before_error_word": 0.262, "who.gpt_4o_step": 0.255}


def count(folder: Path) -> int:
    """Runs of the set."""
    return len(_files(folder))


def measure(
    folder: Path, repositories: Path | None, tell: Callable[[str], None]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Figures, and a case for each run."""
    rules, model, cases = select_rules(), HarnessModel(root=""), []
    verdicts: Counter[str] = Counter()
    for path in _files(folder):
        tell(path.stem)
        for one in read(path, "who-and-when", model, rules):
            judged = one.run.run.attributes.get(EVALUATION)
            found = attribute(one.run, model, one.diagnoses)
            verdict = found.verdict if found is not None else Verdict.UNKNOWN
            verdicts[verdict.value] += 1
            index = _index(one.run, found.origin if found is not None else None)
            true = str(judged.get("mistake_step", "")) if isinstance(judged, Mapping) else ""
            cases.append({"name": path.stem, "verdict": verdict.value, "step": index, "true_step": true})
    runs = len(cases)
    figures = {
        "who.step": round(sum(case["step"] == case["true_step"] for case in cases) / runs, 4) if runs else 0.0,
        "who.harness_blamed": round(verdicts[Verdict.HARNESS.value] / runs, 4) if runs else 0.0,
        "who.verdict_model": round(verdicts[Verdict.MODEL.value] / runs, 4) if runs else 0.0,
        **FLOORS,
    }
    return figures, cases


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.json"), key=lambda path: (len(path.stem), path.stem))
    if not found:
        raise HarnessfixError(f"{folder}: no *.json in it")
    return found


def _index(run: Htir, step_id: str | None) -> str:
    """Number of the message that a step is; empty without one."""
    return "" if step_id is None else str(run.step(step_id).attributes.get("index", ""))
