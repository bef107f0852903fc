"""What reading a harness costs, as processor time per thousand lines of Python and against a bare `ast.parse`.

    python benchmarks/harness_model.py [FOLDER ...]

reads the given folders, or the project's own packages: cold (no cache), warm (nothing changed), whole (warm, and every
element and call of the model made, which no command needs), relinked (the facts of every file are kept, all links are
made anew) and changed: one file was edited since the last reading, in each of the ways of `harness_edits.py`, against a
warm reading and that file read with nothing around it. The best of several rounds counts. Of changed files the median
over several of each folder, from the smallest to the largest; apart from them the one that most others call, with a
parameter more, which concerns whoever hands settings to it.
"""

import ast
import json
import math
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median

from benchmarks.harness_edits import EDITS, Edit, signature
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness

PROJECT = Path(__file__).resolve().parents[1]
OWN = ("ir/harnessfix_ir", "collectors/harnessfix_collectors", "repairs/harnessfix_repairs", "harnessfix")
ROUNDS = 3
CHANGED_FILES = 9
FIGURES = ("lines", "elements", "parsing", "cold", "warm", "whole", "relinked")


class Changes:
    """What edits cost: processor seconds after an edit, and of a warm reading and the file alone, by kind of edit."""

    def __init__(self) -> None:
        self.changed: dict[str, list[float]] = {}
        self.least: dict[str, list[float]] = {}

    def ratio(self, kind: str) -> float:
        """The median over files of what an edit costs against what it would cost at least."""
        return round(median(c / n for c, n in zip(self.changed[kind], self.least[kind])), 2)

    def metrics(self) -> dict[str, float]:
        """Figures of all edits, and of each kind."""
        kinds = [kind for kind in EDITS if kind in self.changed]
        changed = [seconds for kind in kinds for seconds in self.changed[kind]]
        least = [seconds for kind in kinds for seconds in self.least[kind]]
        return {
            "changed_ms": round(1000 * mean(changed), 1),
            "changed_ratio": round(median(c / n for c, n in zip(changed, least)), 2),
            "changed_ratio_of_sums": round(sum(changed) / sum(least), 2),
            **{f"changed_{kind}_ratio": self.ratio(kind) for kind in (*kinds, "most_called")},
        }


def best(work: Callable[[], object], rounds: int = ROUNDS, before: Callable[[], object] = lambda: None) -> float:
    """Processor seconds of some work, the best of several rounds, `before` not counted."""
    least = math.inf
    for _ in range(rounds):
        before()
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
    return least


def sources(model: HarnessModel) -> list[bytes]:
    """Bytes of every Python file that was read."""
    base = Path(model.root)
    paths = [file.path for file in model.files if file.language == "python" and not file.error]
    return [found.read_bytes() for path in paths if (found := base / path).is_file()]


def parse_all(texts: Sequence[bytes]) -> None:
    """Parse and throw away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in texts:
            ast.parse(text)


def make_all(model: HarnessModel) -> None:
    """Make every document of a model."""
    deque(model.elements, maxlen=0)
    deque(model.calls, maxlen=0)


def measure_one(root: Path, changes: Changes) -> dict[str, float]:
    """Lines, elements and processor seconds of one folder; what edits cost is added to `changes`."""
    model = read_harness([root])
    texts = sources(model)
    found: dict[str, float] = {
        "lines": sum(file.lines for file in model.files if file.language == "python" and not file.error),
        "elements": len(model.elements),
        "parsing": best(lambda: parse_all(texts)),
        "cold": best(lambda: read_harness([root])),
    }
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        read_harness([root], cache_dir=cache)
        found["warm"] = best(lambda: read_harness([root], cache_dir=cache))
        found["whole"] = best(lambda: make_all(read_harness([root], cache_dir=cache)))
        found["relinked"] = best(lambda: read_harness([root], cache_dir=cache), before=partial(forget, cache))
        measure_changes(root, Path(folder, "copy"), cache, changes)
    return found


def forget(cache: Path) -> None:
    """Drop all that is kept but the facts of files."""
    for kind in ("models", "links"):
        shutil.rmtree(cache / kind, ignore_errors=True)


def measure_changes(root: Path, copy: Path, cache: Path, changes: Changes) -> None:
    """Edit files in a copy of a folder, one after the other, and read it after each edit."""
    top = copy / root.name
    shutil.copytree(root, top, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    model = read_harness([top], cache_dir=cache)
    for kind, edit in EDITS.items():
        for path in some_files(model):
            measure_edit(top, Path(model.root, path), cache, edit, changes, kind)
    measure_edit(top, Path(model.root, most_called(model)), cache, signature, changes, "most_called")


def some_files(model: HarnessModel) -> list[str]:
    """Python files from the smallest to the largest, as many as `CHANGED_FILES`."""
    files = sorted((file.lines, file.path) for file in model.files if file.language == "python" and file.lines)
    places = {place * (len(files) - 1) // max(1, CHANGED_FILES - 1) for place in range(CHANGED_FILES)}
    return [files[place][1] for place in sorted(places)]


def most_called(model: HarnessModel) -> str:
    """The file whose functions are called from most other files."""
    pairs = {(call.caller.partition(":")[0], call.resolved.partition(":")[0]) for call in model.calls if call.resolved}
    return Counter(called for caller, called in pairs if caller != called).most_common(1)[0][0]


def measure_edit(top: Path, file: Path, cache: Path, edit: Edit, changes: Changes, kind: str) -> None:
    """What one file costs that was edited since the last reading, the best of several edits."""
    text = file.read_bytes()
    changed = warm = alone = math.inf
    for number in range(ROUNDS):
        file.write_bytes(edit(text, number))
        changed = min(changed, best(partial(read_harness, [top], cache_dir=cache), 1))
        warm = min(warm, best(partial(read_harness, [top], cache_dir=cache), 1))
        alone = min(alone, best(partial(read_harness, [file]), 1))
    # With the very text of before, the model of before would be read, and the links left as they are.
    file.write_bytes(text + b"\n# measured: %s\n" % kind.encode())
    read_harness([top], cache_dir=cache)
    changes.changed.setdefault(kind, []).append(changed)
    changes.least.setdefault(kind, []).append(warm + alone)


def measure(folders: Sequence[Path] = ()) -> dict[str, float]:
    """Figures over all folders together; milliseconds of processor time per thousand lines of Python, and ratios."""
    roots = list(folders) or [PROJECT / name for name in OWN]
    total = dict.fromkeys(FIGURES, 0.0)
    changes = Changes()
    for root in roots:
        for name, value in measure_one(root, changes).items():
            total[name] += value
    kloc = max(total["lines"], 1) / 1000
    cold, warm, relinked, parsing = (total[name] for name in ("cold", "warm", "relinked", "parsing"))
    return {
        "cold_ms_per_kloc": round(1000 * cold / kloc, 2),
        "relinked_ms_per_kloc": round(1000 * relinked / kloc, 2),
        "warm_ms_per_kloc": round(1000 * warm / kloc, 2),
        "whole_ms_per_kloc": round(1000 * total["whole"] / kloc, 2),
        **changes.metrics(),
        "cold_ratio_to_parse": round(cold / parsing, 2) if parsing else 0.0,
        "warm_ratio_to_parse": round(warm / parsing, 3) if parsing else 0.0,
        "elements_per_kloc": round(total["elements"] / kloc, 1),
        "kloc": round(kloc, 1),
    }


def main(arguments: Sequence[str]) -> None:
    """Print the metrics as JSON."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(__doc__ or "")
        return
    print(json.dumps({"bench": "harness-model", "metrics": measure([Path(a) for a in arguments])}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
