"""Historical bugs in released harnesses: is a function that the real fix changed among the first findings, and is the
rule silent there on the fixed release?

A case is a folder with `meta.json` (versions, layers, `fix_anchors`) and `repro.py`, which exits with 42 where the bug
shows and with 0 where it does not. Nothing here but the scoring reads the truth.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harnessfix.diagnoser import Diagnosed
from harnessfix.pipeline import Pipeline
from harnessfix.rules.selection import select_rules
from harnessfix.workspace import Workspace
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.source.resolve import locate_harness

from .environments import interpreter

T = TypeVar("T")
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "MSWEA_SILENT_STARTUP": "1", "PYTHONWARNINGS": "ignore"}
FIRST = 3
EXIT = {"buggy": 42, "fixed": 0}


@dataclass
class Case:
    """What became of one bug.

    Args:
        name: of its folder.
        rank: place of the first finding at a true function, counted from 1; 0 when there is none.
        rule, layer: of that finding.
        layers: the truth.
        silent: whether that rule says nothing of a true function on the fixed release; None when nothing was found.
        findings: rule and place of the first findings on the buggy release.
        error: why it could not be measured.
    """

    name: str
    rank: int = 0
    rule: str = ""
    layer: str = ""
    layers: tuple[str, ...] = ()
    silent: bool | None = None
    findings: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def right_layer(self) -> bool:
        """Whether the finding lies on one of the true layers."""
        return self.rank > 0 and self.layer in self.layers


def cases(folder: Path) -> list[str]:
    """Names of the cases in a folder. Raises `HarnessfixError` when it holds none."""
    found = sorted(path.parent.name for path in folder.glob("*/meta.json"))
    if not found:
        raise HarnessfixError(
            f"{folder}: no case (a folder with meta.json) in it", hint="Name the folder of the cases."
        )
    return found


def each_case(
    folder: Path,
    names: Sequence[str],
    work: Callable[[Path], T],
    failed: Callable[[str, str], T],
    tell: Callable[[str], None],
) -> list[T]:
    """Do something with each case; what could not be done is told by `failed`, from the case's name and the reason.

    Args:
        folder: of the cases.
        names: which of them.
        work: what to do with the folder of one.
        failed: makes a result of a failure.
        tell: told before each.
    """
    found = []
    for name in names:
        tell(name)
        try:
            found.append(work(folder / name))
        except (HarnessfixError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            found.append(failed(name, f"{type(error).__name__}: {error}"))
    return found


def measure(folder: Path, names: Sequence[str], tell: Callable[[str], None] = lambda name: None) -> list[Case]:
    """Run all cases.

    Args:
        folder: of the cases.
        names: which of them.
        tell: told before each.
    """
    return each_case(folder, names, _case, lambda name, error: Case(name, error=error), tell)


def metrics(found: Sequence[Case]) -> dict[str, float]:
    """Rates between 0 and 1 over the cases that could be measured."""
    ran = [case for case in found if not case.error]
    hit = [case for case in ran if 0 < case.rank <= FIRST]
    spoken = [case for case in ran if case.silent is not None]
    return {
        "found_at_1": _rate(sum(case.rank == 1 for case in ran), len(ran)),
        "found_at_3": _rate(len(hit), len(ran)),
        "layer": _rate(sum(case.right_layer for case in hit), len(hit)),
        "silent_on_fixed": _rate(sum(bool(case.silent) for case in spoken), len(spoken)),
        "measured": float(len(ran)),
    }


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _case(folder: Path) -> Case:
    meta = load_case(folder)
    truth = Truth(meta)
    case = Case(folder.name, layers=tuple(meta["layers"]))
    buggy = diagnose_case(folder, meta, "buggy")
    for place, flaw in enumerate(buggy.flaws, 1):
        if place <= 2 * FIRST:
            case.findings.append(f"{flaw.best.rule} {flaw.best.anchors[0].place} {flaw.best.anchors[0].qualname}")
        if not case.rank and truth.hit_by(flaw):
            case.rank, case.rule, case.layer = place, flaw.best.rule, flaw.best.layer.value
    if case.rank:
        fixed = diagnose_case(folder, meta, "fixed")
        case.silent = not any(flaw.best.rule == case.rule and truth.hit_by(flaw) for flaw in fixed.flaws)
    return case


def load_case(folder: Path) -> dict[str, Any]:
    """What is known of a case. Raises `ValueError` when its `meta.json` is no JSON object."""
    meta = json.loads((folder / "meta.json").read_text())
    if not isinstance(meta, dict):
        raise ValueError(f"{folder.name}: meta.json is no object")
    return meta


def diagnose_case(folder: Path, meta: Mapping[str, Any], which: str) -> Diagnosed:
    """Record the script on the `buggy` or the `fixed` release and diagnose it.

    Raises:
        HarnessfixError: the release cannot be installed, or the script ends otherwise than it should.
    """
    python = interpreter(meta["pip"][which], folder / f"lock-{which}.txt")
    package = package_of(str(meta["installed"]["file"]), str(python))
    with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as scratch:
        workspace = Workspace.open(Path(scratch), create=True)
        with workspace.store:
            pipeline = Pipeline(workspace)
            collected = pipeline.record(
                [str(python), str(folder / "repro.py")],
                harness=[package],
                env={**os.environ, **OFFLINE},
                timeout=float(meta.get("timeout", 120)),
                quiet=True,
            )
            if collected.exit_code != EXIT[which]:
                raise HarnessfixError(f"the {which} release ended with {collected.exit_code}, not with {EXIT[which]}")
            return pipeline.diagnose(collected.runs, select_rules())


def package_of(file: str, python: str) -> str:
    """Dotted name of the outermost package that holds an installed file, what only shares a name (`google`) left out.

    Args:
        file: path below the folder of installed packages.
        python: interpreter that it is installed for.
    """
    name, *inner = file.split("/")[:-1] or [file.removesuffix(".py")]
    for part in inner:
        if (locate_harness(name, python) / "__init__.py").is_file():
            break
        name = f"{name}.{part}"
    return name


class Truth:
    """The functions that the real fix changed, by installed path and qualified name.

    Args:
        meta: of the case.
    """

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self._places = set(_places(meta))

    def hit_by(self, flaw: FlawRecord) -> bool:
        """Whether the finding's first place is a true function, stands inside one, or is a class around one."""
        anchor = flaw.best.anchors[0]
        for path, qualname in self._places:
            if path != anchor.path:
                continue
            name = anchor.qualname
            if name == qualname or name.startswith(qualname + ".") or qualname.startswith(name + "."):
                return True
        return False


def _places(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    installed = str(meta["installed"]["file"])
    file = str(meta.get("file", installed))
    # What stands above the package in a repository, such as `src/`; in one of several packages also `libs/langgraph/`.
    above = file.removesuffix(installed) if file.endswith(installed) else ""
    package = installed.partition("/")[0]
    for anchor in meta["fix_anchors"]:
        path = str(anchor["file"])
        at = len(above) if above and path.startswith(above) else path.find(f"{package}/")
        yield (path[at:] if at >= 0 else path), str(anchor["qualname"])
    yield installed, str(meta["installed"]["qualname"])
