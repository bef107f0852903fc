"""What reading a harness costs, as processor time per thousand lines of Python and against a bare `ast.parse`.

    python benchmarks/harness_model.py [FOLDER ...]

reads the given folders, or the project's own packages: cold (no cache), warm (nothing changed), whole (warm, and every
element and call of the model made, which no command needs) and relinked (the facts of every file are kept, the links
are made anew, as after an edit of one file). The best of several rounds counts.
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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness

PROJECT = Path(__file__).resolve().parents[1]
OWN = ("ir/harnessfix_ir", "collectors/harnessfix_collectors", "repairs/harnessfix_repairs", "harnessfix")
ROUNDS = 3


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
        forget = partial(shutil.rmtree, cache / "models", ignore_errors=True)
        found["relinked"] = best(lambda: read_harness([root], cache_dir=cache), forget)
    return found


def measure(folders: Sequence[Path] = ()) -> dict[str, float]:
    """Figures over all folders together; milliseconds of processor time per thousand lines of Python, and ratios."""
    roots = list(folders) or [PROJECT / name for name in OWN]
    total: dict[str, float] = dict.fromkeys(("lines", "elements", "parsing", "cold", "warm", "whole", "relinked"), 0.0)
    for root in roots:
        for name, value in measure_one(root).items():
            total[name] += value
    kloc = max(total["lines"], 1) / 1000
    cold, warm, relinked, parsing = (total[name] for name in ("cold", "warm", "relinked", "parsing"))
    return {
        "cold_ms_per_kloc": round(1000 * cold / kloc, 2),
        "relinked_ms_per_kloc": round(1000 * relinked / kloc, 2),
        "warm_ms_per_kloc": round(1000 * warm / kloc, 2),
        "whole_ms_per_kloc": round(1000 * total["whole"] / kloc, 2),
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
