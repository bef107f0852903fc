"""How well a flaw is found whose step, place and cause are known.

    python benchmarks/planted.py [--keep FOLDER] [--skip PLACES] [SUBJECT ...]

One good behaviour is taken out of a sound harness at a time (an output is no longer bounded, an exception is swallowed,
a turn is dropped …), in two harnesses of our own and in released packages; tasks with a scripted model that reach the
place are recorded and diagnosed. A change that no run shows, or that does no harm in any, is left out. Findings that
the sound harness has as well are not counted for or against. Beside the figures stand those without rules: with the
raw trace alone, with links, with anchors. Takes from one minute to half an hour a harness; with `--keep`, what was
recorded is used again the next time. With `--skip 2`, flaws are planted where none were before: in the places of each
sort after the first two.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from planting.ablation import STAGES, ablated
from planting.plant import Plant, base_of, plants
from planting.scores import TABLE, Score, metrics, score, shown
from planting.subject import SUBJECTS, Subject, folder_of
from planting.trial import Bench

from harnessfix.rules.selection import select_rules
from harnessfix_ir.errors import HarnessfixError

MOST_SHOWN = 8


def scores_of(
    subject: Subject, keep: Path | None = None, skip: int = 0
) -> Iterator[tuple[Score, dict[str, Score]] | Plant]:
    """A score for each planted flaw, and those of each stage of the ablation; the flaw itself where no run shows it."""
    with folder_of(subject, keep, "planted") as folder:
        bench = Bench(subject, folder, select_rules())
        with bench.workspace.store:
            sound = bench.run(subject.tasks)
            failing = [task for task, code in sound.exits.items() if code]
            if failing:
                raise HarnessfixError(f"{subject.name} is not sound: {', '.join(failing)} failed")
            for plant in plants(bench.harness, sound.compiled, bench.opened, skip):
                file = base_of(bench.harness) / plant.path
                before = file.read_text(encoding="utf-8")
                file.write_text(plant.edit.apply(before), encoding="utf-8")
                try:
                    changed = bench.run(plant.tasks, plant.version)
                finally:
                    file.write_text(before, encoding="utf-8")
                for task in plant.tasks:
                    if changed.exits[task] == sound.exits[task]:
                        bench.settle(sound, changed, task, plant.edit.qualname)
                if not shown(plant, sound, changed):
                    yield plant
                    continue
                whole = score(subject.name, plant, sound, changed)
                yield whole, {stage: ablated(whole, changed, stage) for stage in STAGES}


def tell(one: Score | Plant) -> None:
    """One line on standard error."""
    if isinstance(one, Plant):
        print(f"  {'not shown':<10} {one.name}", file=sys.stderr, flush=True)
        return
    marks = "".join("." if right is None else letter if right else "-" for letter, right in zip("scalo", _rights(one)))
    said = f"{one.best.rule} {one.best.anchors[0].path}:{one.best.anchors[0].qualname}" if one.best else "nothing"
    print(f"  {marks:<6} #{one.rank}  {one.plant.name}  →  {said}", file=sys.stderr, flush=True)
    if one.step is False and one.found:
        task, found = next(iter(one.found.items()))
        first, others = sorted(one.steps[task])[:MOST_SHOWN], len(one.steps[task]) - MOST_SHOWN
        true = (", ".join(first) or "none") + (f" and {others} more" if others > 0 else "")
        print(f"           in {task}: says {found.responsible_step}, true {true}", file=sys.stderr)


def _rights(one: Score) -> tuple[bool | None, ...]:
    return one.step, one.cause, one.anchor, one.layer, one.operator


def measure(names: Sequence[str] = (), keep: Path | None = None, skip: int = 0) -> dict[str, float]:
    """Rates over all planted flaws that a run shows."""
    found: list[Score] = []
    without: dict[str, list[Score]] = {stage: [] for stage in STAGES}
    for name in names or SUBJECTS:
        print(name, file=sys.stderr)
        for one in scores_of(SUBJECTS[name], keep, skip):
            if isinstance(one, Plant):
                tell(one)
                continue
            tell(one[0])
            found.append(one[0])
            for stage, less in one[1].items():
                without[stage].append(less)
    figures = metrics(found)
    for stage, scores in without.items():
        less = metrics(scores)
        figures |= {f"{stage.replace(' ', '_')}.{key}": less[key] for key in TABLE}
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--skip", type=int, default=0, metavar="PLACES")
    asked = parser.parse_args()
    for key, value in measure(asked.subjects, asked.keep, asked.skip).items():
        print(f"{key:<20} {value:g}")
