"""Small fixes from the histories of released harnesses: does the check of the source before the fix, without any run,
lead to the file and the function that the fix changed, and to its layer?

`cases.jsonl` holds a fix per line: `repo` (owner/name), `buggy` (the commit before it), `layer`, `src` (files that it
changed) and `core_anchors` (`file::qualified.name`). Nothing here but the scoring reads the last three.
"""

import json
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessfix.checking import check_paths
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import FlawRecord

from .checkout import repository_in, unpack

FILE = "cases.jsonl"
FIRST = 3
# What answers without understanding reach: the file fixed most often, a random function, the most frequent layer.
FLOORS = {"floor_file_at_1": 0.186, "floor_function": 0.005, "floor_layer": 0.254}
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_REPOSITORY = re.compile(r"\w[\w-]*/\w[\w.-]*", re.ASCII)
_LAYERS = {"execution env": "execution"}


@dataclass
class Fix:
    """What the check said of the source before one fix.

    Args:
        name: of the case.
        file_rank, function_rank: place of the first changed file among the files found, and of the first changed
            function among the functions found, counted from 1; 0 when there is none.
        layer, found_layer: the truth, and the layer of the first finding.
        findings: rule and place of the first findings.
        error: why it could not be measured.
    """

    name: str
    file_rank: int = 0
    function_rank: int = 0
    layer: str = ""
    found_layer: str = ""
    findings: list[str] = field(default_factory=list)
    error: str = ""


def load(folder: Path) -> list[dict[str, Any]]:
    """The cases of a folder.

    Raises:
        HarnessfixError: the file is missing, or a line of it is no case.
    """
    path = folder / FILE
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessfixError(f"{path}: {error}", hint=f"Name the folder that holds {FILE}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            case = json.loads(line)
            if not (_COMMIT.fullmatch(case["buggy"]) and _REPOSITORY.fullmatch(case["repo"])):
                raise ValueError("`buggy` is no commit or `repo` no owner/name")
            for key in ("id", "layer", "src", "core_anchors"):
                case[key]
        except (ValueError, KeyError, TypeError) as error:
            raise HarnessfixError(f"{path}:{number}: this is no case: {type(error).__name__}: {error}") from error
        found.append(case)
    return found


def measure(
    cases: Iterable[Mapping[str, Any]], repositories: Path, tell: Callable[[str], None] = lambda name: None
) -> list[Fix]:
    """Check the source before each fix.

    Args:
        cases: from `load`.
        repositories: folder of git repositories, each as `name` or `owner/name`, with or without `.git`.
        tell: told before each.
    """
    found = []
    for case in cases:
        tell(case["id"])
        layer = str(case["layer"])
        fix = Fix(case["id"], layer=_LAYERS.get(layer, layer.replace(" ", "_")))
        try:
            with tempfile.TemporaryDirectory(prefix="harnessfix-bench-") as scratch:
                unpack(repository_in(repositories, case["repo"]), case["buggy"], Path(scratch))
                flaws = check_paths(Path(scratch), [str(root) for root in _packages(Path(scratch))]).flaws
            _score(fix, flaws, case)
        except (HarnessfixError, OSError, tarfile.TarError) as error:
            fix.error = f"{type(error).__name__}: {error}"
        found.append(fix)
    return found


def metrics(found: Sequence[Fix]) -> dict[str, float]:
    """Rates between 0 and 1 over the cases that could be measured, and the floors beside them."""
    ran = [fix for fix in found if not fix.error]

    def rate(hits: Iterable[bool]) -> float:
        return round(sum(hits) / len(ran), 4) if ran else 0.0

    return {
        "file_at_1": rate(fix.file_rank == 1 for fix in ran),
        "file_at_3": rate(0 < fix.file_rank <= FIRST for fix in ran),
        "function_at_3": rate(0 < fix.function_rank <= FIRST for fix in ran),
        "layer": rate(fix.found_layer == fix.layer for fix in ran),
        **FLOORS,
        "measured": float(len(ran)),
    }


def _packages(checkout: Path) -> list[Path]:
    """The packages of a checkout: those below `src` when it has that folder, else those at its top; no tests."""
    base = checkout / "src" if (checkout / "src").is_dir() else checkout
    found = [path.parent for path in sorted(base.glob("*/__init__.py")) if path.parent.name not in ("test", "tests")]
    if not found:
        raise HarnessfixError("the checkout holds no package")
    return found


def _score(fix: Fix, flaws: Sequence[FlawRecord], case: Mapping[str, Any]) -> None:
    anchors = [flaw.best.anchors[0] for flaw in flaws]
    fix.findings = [
        f"{flaw.best.rule} {anchor.place} {anchor.qualname}" for flaw, anchor in zip(flaws, anchors, strict=True)
    ][: 2 * FIRST]
    fix.found_layer = flaws[0].best.layer.value if flaws else ""
    files = list(dict.fromkeys(anchor.path for anchor in anchors))
    functions = list(dict.fromkeys((anchor.path, anchor.qualname) for anchor in anchors))
    places = [tuple(place.split("::", 1)) for place in case["core_anchors"] if "::" in place]
    fix.file_rank = _rank(any(_same(path, true) for true in case["src"]) for path in files)
    fix.function_rank = _rank(
        any(_same(path, true) and _meets(name, qualname) for true, qualname in places) for path, name in functions
    )


def _rank(hits: Iterable[bool]) -> int:
    return next((place for place, hit in enumerate(hits, 1) if hit), 0)


def _same(found: str, true: str) -> bool:
    return found == true or true.endswith("/" + found)


def _meets(found: str, true: str) -> bool:
    """Whether one is the other, or stands inside it."""
    return found == true or found.startswith(true + ".") or true.startswith(found + ".")
