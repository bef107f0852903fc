"""What reading a harness costs, as processor time per thousand lines of Python and against a bare `ast.parse`.

    python benchmarks/harness_model.py [FOLDER ...]

reads the given folders, or the project's own packages: cold (no cache), warm (nothing changed), whole (warm, and every
element and call of the model made, which no command needs), changed (one file in a copy of the folder got a line at the
top and a function at the end) and relinked (the facts of every file are kept, all links are made anew). The best of
several rounds counts; of changed files the mean over several, next to what those files alone cost.
"""

import ast
import json
import math
import shutil
import sys
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness

PROJECT = Path(__file__).resolve().parents[1]
OWN = ("ir/harnessfix_ir", "collectors/harnessfix_collectors", "repairs/harnessfix_repairs", "harnessfix")
ROUNDS = 3
CHANGED_FILES = 12
FIGURES = ("lines", "elements", "parsing", "cold", "warm", "whole", "relinked", "changed", "alone")


def best(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Processor seconds of some work, the best of several rounds, `before` not counted."""
    least = math.inf
    for _ in range(ROUNDS):
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


def measure_one(root: Path) -> dict[str, float]:
    """Lines, elements and processor seconds of one folder."""
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
        found["relinked"] = best(lambda: read_harness([root], cache_dir=cache), partial(forget, cache))
        found["changed"], found["alone"] = measure_changed(root, Path(folder, "copy"), cache)
    return found


def forget(cache: Path) -> None:
    """Drop all that is kept but the facts of files."""
    for kind in ("models", "links"):
        shutil.rmtree(cache / kind, ignore_errors=True)


def measure_changed(root: Path, copy: Path, cache: Path) -> tuple[float, float]:
    """Mean processor seconds after the change of one file, and of reading the changed file with nothing around it."""
    top = copy / root.name
    shutil.copytree(root, top, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    model = read_harness([top], cache_dir=cache)
    files = sorted(Path(model.root) / file.path for file in model.files if file.language == "python" and file.lines)
    some = files[:: max(1, len(files) // CHANGED_FILES)]
    changed = alone = 0.0
    for file in some:
        edits = count()
        changed += best(partial(read_harness, [top], cache_dir=cache), lambda file=file, edits=edits: edit(file, edits))  # type: ignore[misc]
        alone += best(partial(read_harness, [file]))
    return changed / max(1, len(some)), alone / max(1, len(some))


def edit(file: Path, edits: Iterator[int]) -> None:
    """A line more at the top of a file, and a function at its end."""
    added = b"\n\ndef added_%d(value):\n    return value\n" % next(edits)
    file.write_bytes(b"# one more line\n" + file.read_bytes() + added)


def measure(folders: Sequence[Path] = ()) -> dict[str, float]:
    """Figures over all folders together; milliseconds of processor time per thousand lines of Python, and ratios."""
    roots = list(folders) or [PROJECT / name for name in OWN]
    total = dict.fromkeys(FIGURES, 0.0)
    for root in roots:
        for name, value in measure_one(root).items():
            total[name] += value
    kloc = max(total["lines"], 1) / 1000
    cold, warm, relinked, parsing = (total[name] for name in ("cold", "warm", "relinked", "parsing"))
    changed, alone = total["changed"], total["alone"]
    return {
        "cold_ms_per_kloc": round(1000 * cold / kloc, 2),
        "relinked_ms_per_kloc": round(1000 * relinked / kloc, 2),
        "warm_ms_per_kloc": round(1000 * warm / kloc, 2),
        "whole_ms_per_kloc": round(1000 * total["whole"] / kloc, 2),
        "changed_ms": round(1000 * changed / len(roots), 1),
        "changed_ratio_to_warm_and_file": round(changed / (warm + alone), 2) if warm else 0.0,
        "changed_ratio_to_cold": round(changed / cold, 4) if cold else 0.0,
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
