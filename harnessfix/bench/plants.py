"""Planted flaws: every rule's small harness that has the flaw, repaired by the operator that the rule names.

Restored is what no longer shows the flaw and runs to the end as the flawless harness does; a program that ended well
and no longer does is newly failing.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix.diagnoser import Diagnosed
from harnessfix.pipeline import Pipeline
from harnessfix.rules import Rule, all_rules
from harnessfix.workspace import Workspace
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.apply import apply
from harnessfix_repairs.operators import all_operators
from harnessfix_repairs.patch import Patch, propose

SECONDS = 60.0


@dataclass
class Plant:
    """What became of one planted flaw.

    Args:
        name: rule and its name.
        operator: that was asked.
        proposed, restored, newly_failing: what came of it.
        changed: lines that the patch adds and removes.
        reason: why there is no patch, or what is still found.
        error: why it could not be measured.
    """

    name: str
    operator: str
    proposed: bool = False
    restored: bool = False
    newly_failing: bool = False
    changed: int = 0
    reason: str = ""
    error: str = ""


def measure(codes: Sequence[str] = (), tell: Callable[[str], None] = lambda name: None) -> list[Plant]:
    """Plant and repair the flaw of every rule with an operator.

    Args:
        codes: rules; all when empty.
        tell: told before each.
    """
    found = []
    for rule in all_rules():
        if not rule.operator or rule.operator not in all_operators() or (codes and rule.code not in codes):
            continue
        tell(rule.code)
        plant = Plant(f"{rule.code} {rule.name}", rule.operator)
        try:
            with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as folder:
                _repair(rule, Path(folder), plant)
        except (HarnessfixError, OSError) as error:
            plant.error = f"{type(error).__name__}: {error}"
        found.append(plant)
    return found


def metrics(found: Sequence[Plant]) -> dict[str, float]:
    """Share of planted flaws that were restored, and how many programs fail that did not."""
    ran = [plant for plant in found if not plant.error]
    restored = sum(plant.restored for plant in ran)
    return {
        "planted_restored": round(restored / len(ran), 4) if ran else 0.0,
        "newly_failing": float(sum(plant.newly_failing for plant in ran)),
        "planted_proposed": round(sum(plant.proposed for plant in ran) / len(ran), 4) if ran else 0.0,
        "planted_measured": float(len(ran)),
    }


def _repair(rule: Rule, folder: Path, plant: Plant) -> None:
    harness = folder / "harness"
    for name, text in rule.bad.files.items():
        place = harness / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    found, code = _diagnose(rule, harness, folder / "before")
    flaw = next((flaw for flaw in found.flaws if flaw.best.rule == rule.code), None)
    if flaw is None:
        raise HarnessfixError("the planted flaw is not found")
    model = next(iter(found.models.values()))
    result = propose(Path(model.root), flaw, hashes={file.path: file.sha256 for file in model.files})
    if not isinstance(result, Patch):
        plant.reason = f"{result.status}: {result.reason}"
        return
    plant.proposed, plant.changed = True, result.added + result.removed
    apply(Path(model.root), result)
    again, now = _diagnose(rule, harness, folder / "after")
    left = [one for one in again.flaws if one.best.rule == rule.code]
    plant.newly_failing = code == 0 and now != 0
    plant.restored = not left and (now == rule.good.exit_code or now == code)
    plant.reason = _told(left, code, now)


def _told(left: Sequence[FlawRecord], code: int | None, now: int | None) -> str:
    if left:
        return f"still found: {left[0].best.message[:160]}"
    return "" if code == now else f"the program ended with {code} before and {now} after"


def _diagnose(rule: Rule, harness: Path, scratch: Path) -> tuple[Diagnosed, int | None]:
    scratch.mkdir()
    workspace = Workspace.open(harness, store=str(scratch / "store.db"), create=True)
    with workspace.store:
        pipeline = Pipeline(workspace)
        roots = workspace.roots([str(harness)])
        if rule.bad.run is None:
            return pipeline.diagnose([], [rule], source=[roots]), None
        collected = pipeline.record(
            [sys.executable, *rule.bad.run], harness=[str(harness)], cwd=harness, timeout=SECONDS, quiet=True
        )
        return pipeline.diagnose(collected.runs, [rule], source=[roots]), collected.exit_code
