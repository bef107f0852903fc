"""How good the patches are: on historical bugs of released harnesses, on planted flaws, and the guards they bring.

A historical bug counts as fixed when the patch that is proposed for the flaw at a true function, applied to a private
copy of the installed package, makes the script pass that provokes the bug. The test suites of the packages are not in
what is installed; where they are given, those that speak of the patched module are run with the patch and without.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harnessfix.diagnoser import Diagnosed
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.diff import apply_edits, parse
from harnessfix_repairs.patch import Patch, Unrepaired, propose

from .package_tests import own_tests
from .realbugs import EXIT, OFFLINE, Truth, diagnose_case, each_case, load_case

TRIED = 3
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.map")


@dataclass
class Fix:
    """What became of one historical bug.

    Args:
        name: of its folder.
        rule, operator: of the flaw at a true function for which a patch was proposed.
        proposed: whether there is a patch.
        fixed: whether the script passes with it.
        at_truth: whether that flaw stands at a function that the real fix changed.
        changed: lines that it adds and removes.
        real: lines that the project's own fix added and removed, None when not known.
        reason: why there is no patch, or what the script said.
        diff: the patch.
        error: why it could not be measured.
        own_passed: how many of the package's own tests pass without the patch, None when they were not run.
        own_broken: those that fail with it.
        own_outdated: those that fail with it and with the project's own fix.
        own_why: why none was run.
    """

    name: str
    rule: str = ""
    operator: str = ""
    proposed: bool = False
    fixed: bool = False
    at_truth: bool = True
    changed: int = 0
    real: int | None = None
    reason: str = ""
    diff: str = ""
    error: str = ""
    tried: list[str] = field(default_factory=list)
    own_passed: int | None = None
    own_broken: list[str] = field(default_factory=list)
    own_outdated: list[str] = field(default_factory=list)
    own_why: str = ""


def measure(
    folder: Path,
    names: Sequence[str],
    tell: Callable[[str], None] = lambda name: None,
    package_tests: Path | None = None,
) -> list[Fix]:
    """Repair historical bugs, one after another.

    Args:
        folder: of the cases.
        names: which of them.
        tell: told before each.
        package_tests: folder of the packages' own tests, as `package_tests` describes it; None to do without.
    """
    work = partial(_repair, package_tests=package_tests)
    return each_case(folder, names, work, lambda name, error: Fix(name, error=error), tell)


def metrics(found: Sequence[Fix]) -> dict[str, float]:
    """Rates between 0 and 1: of all bugs, and of those with a patch; and lines changed beside those of the real fix.

    `realbugs_own_tests_checked` is the number of bugs whose patch was tried on the package's own tests.
    """
    ran = [fix for fix in found if not fix.error]
    claimed = [fix for fix in ran if fix.proposed]
    fixed = [fix for fix in claimed if fix.fixed]
    sized = sorted(fix.changed / fix.real for fix in fixed if fix.real)
    values = {
        "realbugs_fixed": _rate(len(fixed), len(ran)),
        "realbugs_fixed_at_truth": _rate(sum(fix.at_truth for fix in fixed), len(ran)),
        "realbugs_fixed_of_proposed": _rate(len(fixed), len(claimed)),
        "realbugs_proposed": _rate(len(claimed), len(ran)),
        "realbugs_measured": float(len(ran)),
        "realbugs_own_tests_checked": float(sum(bool(fix.own_passed) for fix in ran)),
        "realbugs_own_tests_passing": float(sum(fix.own_passed or 0 for fix in ran)),
        "realbugs_own_tests_broken": float(sum(len(fix.own_broken) for fix in ran)),
        "realbugs_own_tests_outdated": float(sum(len(fix.own_outdated) for fix in ran)),
    }
    return values | ({"lines_ratio_to_real_fix": round(sized[len(sized) // 2], 2)} if sized else {})


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _repair(folder: Path, package_tests: Path | None) -> Fix:
    meta = load_case(folder)
    size = meta.get("fix_size") or {}
    fix = Fix(folder.name, real=(size.get("added", 0) + size.get("removed", 0)) or None)
    truth = Truth(meta)
    found = diagnose_case(folder, meta, "buggy")
    hits = [flaw for flaw in found.flaws if truth.hit_by(flaw)]
    if not hits:
        fix.reason = "no flaw was found at a true function"
        return _elsewhere(folder, meta, fix, found, package_tests)
    for flaw in hits[:TRIED]:
        result = _propose(found.models.values(), flaw)
        fix.tried.append(f"{flaw.best.rule} {flaw.best.operator}: {_told(result)}")
        if isinstance(result, Patch):
            return _applied(folder, meta, fix, result, Path(next(iter(found.models.values())).root), package_tests)
        fix.rule, fix.operator, fix.reason = flaw.best.rule, flaw.best.operator or "", result.reason
    return fix


def _elsewhere(folder: Path, meta: Mapping[str, Any], fix: Fix, found: Diagnosed, package_tests: Path | None) -> Fix:
    """The first findings are tried although they stand elsewhere; the first patch stands for those that do not help."""
    failed: Fix | None = None
    for flaw in found.flaws[:TRIED]:
        result = _propose(found.models.values(), flaw)
        fix.tried.append(f"{flaw.best.rule} {flaw.best.operator}: {_told(result)}")
        if isinstance(result, Patch):
            root = Path(next(iter(found.models.values())).root)
            tried = _applied(folder, meta, Fix(fix.name, real=fix.real), result, root, package_tests)
            tried.at_truth, tried.tried = False, fix.tried
            if tried.fixed:
                return tried
            failed = failed or tried
    return failed or fix


def _propose(models: Any, flaw: FlawRecord) -> Patch | Unrepaired:
    model = next(iter(models))
    return propose(Path(model.root), flaw, hashes={file.path: file.sha256 for file in model.files})


def _told(result: Patch | Unrepaired) -> str:
    return f"+{result.added} -{result.removed}" if isinstance(result, Patch) else f"{result.status}: {result.reason}"


def _applied(
    folder: Path, meta: Mapping[str, Any], fix: Fix, patch: Patch, root: Path, package_tests: Path | None
) -> Fix:
    fix.rule, fix.operator, fix.proposed = patch.rule, patch.operator, True
    fix.changed, fix.diff = patch.added + patch.removed, patch.diff
    package = str(meta["installed"]["file"]).partition("/")[0]
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as scratch:
        copy = Path(scratch) / "copy"
        shutil.copytree(root / package, copy / package, ignore=NOT_COPIED)
        edits = parse(patch.diff_bytes)
        for file in patch.files:
            place = copy / file.path
            place.write_bytes(apply_edits(file.path, place.read_bytes(), edits[file.path]))
        done = _run(folder, meta, copy)
        if package_tests is not None:
            from .environments import interpreter

            python = interpreter(meta["pip"]["buggy"], folder / "lock-buggy.txt")
            changed = [file.path for file in patch.files]
            fixed = interpreter(meta["pip"]["fixed"], folder / "lock-fixed.txt")
            own = own_tests(package_tests, folder.name, python, root, copy, changed, OFFLINE, fixed)
            fix.own_passed, fix.own_broken, fix.own_why = own.passed, list(own.broken), own.why
            fix.own_outdated = list(own.outdated)
    fix.fixed = done.returncode == EXIT["fixed"]
    last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
    fix.reason = "" if fix.fixed else f"the script ends with {done.returncode}: {last[0][:200]}"
    return fix


def _run(folder: Path, meta: Mapping[str, Any], copy: Path) -> "subprocess.CompletedProcess[str]":
    from .environments import interpreter

    python = interpreter(meta["pip"]["buggy"], folder / "lock-buggy.txt")
    environment = {**os.environ, **OFFLINE, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            [str(python), str(folder / "repro.py")],
            env=environment,
            cwd=copy.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=float(meta.get("timeout", 120)),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 124, "", "its time was up")
