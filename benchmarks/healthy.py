"""What is said of harnesses that work: findings in runs that pass, each judged by hand.

    python benchmarks/healthy.py [--keep FOLDER] [SUBJECT ...]

The harnesses of `planted.py` as released, on tasks that all pass. `healthy_verdicts.toml` holds a person's verdict on
each finding (`true`: the code has that flaw; `false`: it has not), under rule and place, with the reason. Findings that
nobody has judged are listed and counted apart; they are in no rate. `--keep` is the folder of `planted.py`.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from planting.subject import SUBJECTS, folder_of
from planting.trial import Bench, Trial

from harnessfix.rules.selection import select_rules

VERDICTS = Path(__file__).with_name("healthy_verdicts.toml")


def trial_of(name: str, keep: Path | None = None) -> Trial:
    """The tasks of one sound harness, recorded and diagnosed."""
    with folder_of(SUBJECTS[name], keep, "healthy") as folder:
        bench = Bench(SUBJECTS[name], folder, select_rules())
        with bench.workspace.store:
            return bench.run(SUBJECTS[name].tasks)


def measure(names: Sequence[str] = (), keep: Path | None = None) -> dict[str, float]:
    """Precision over judged findings; findings per run, from runs and from their source."""
    verdicts: dict[str, dict[str, Any]] = tomllib.loads(VERDICTS.read_text(encoding="utf-8"))
    runs = in_runs = right = wrong = unjudged = 0
    for name in names or SUBJECTS:
        trial = trial_of(name, keep)
        runs += sum(map(len, trial.compiled.values()))
        judged_places: set[str] = set()
        for flaw in trial.diagnosed.flaws:
            anchor = flaw.best.anchors[0]
            key = f"{flaw.best.rule} {anchor.path}:{anchor.qualname}"
            # A verdict is on one finding: a second one of that rule in that place awaits its own.
            verdict = None if key in judged_places else verdicts.get(name, {}).get(key, {}).get("verdict")
            judged_places.add(key)
            in_runs += bool(flaw.runs)
            right += verdict is True
            wrong += verdict is False
            unjudged += verdict is None
            mark = {True: "true", False: "FALSE", None: "?"}[verdict]
            where = f"in {len(flaw.runs)} runs" if flaw.runs else "in the source"
            print(f"{name:<15} {mark:<6} {flaw.best.severity.value:<8} {key}  {where}", file=sys.stderr)
            print(f"{'':<32}{flaw.best.message}", file=sys.stderr)
    judged = right + wrong
    return {
        **({"precision": round(right / judged, 4)} if judged else {}),
        "findings_per_run": round(in_runs / runs, 4) if runs else 0.0,
        "judged": float(judged),
        "unjudged": float(unjudged),
        "runs": float(runs),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    for key, value in measure(asked.subjects, asked.keep).items():
        print(f"{key:<17} {value:g}")
