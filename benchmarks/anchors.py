"""How often a step leads home without any code information, as in a run imported from a trajectory file.

Harnesses are recorded with the probe, which knows where every step ran: the examples of this project, the runs of
`agents/`, and the scenarios of `frameworks/`, whose virtual environments are looked for in a folder. Then all of that
is taken away (places, tracebacks, function names) and the runs are compiled again: a step is found when one of its
anchors lies in the function that ran it.

    python benchmarks/anchors.py [NAME...] [--environments DIR] [--keep DIR] [--misses]

prints for every harness how many steps it tried, how many were found, at how many the first anchor was right, and how
many anchors a step has on average, for a list of everything would find everything.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.recorded import SUBJECTS, Case, Subject, agents, examples, frameworks
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Route, StepKind

RECORDED = frozenset((Route.STACK, Route.PROBE, Route.CODE_ATTRIBUTE))
IMPORTED = (StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL, StepKind.ERROR)


def hidden(recording: Recording) -> Recording:
    """The run without what tells where it ran."""
    return recording.model_copy(update={"steps": tuple(_hide(step) for step in recording.steps)})


def _hide(step: TraceStep) -> TraceStep:
    error = step.error.model_copy(update={"traceback": ""}) if step.error is not None else None
    named = step.kind in (StepKind.TOOL_CALL, StepKind.ERROR)
    update: dict[str, object] = {
        "anchors": (),
        "events": (),
        "attributes": {},
        "error": error,
        "name": step.name if named else "",
    }
    return step.model_copy(update=update)


def in_function(found: Anchor, truth: Anchor) -> bool:
    """Whether an anchor lies in the function or clause that ran."""
    inside = found.qualname == truth.qualname or found.qualname.startswith(truth.qualname + ".")
    return found.path == truth.path and (inside or truth.start_line <= found.start_line <= truth.end_line)


@dataclass(frozen=True)
class Tried:
    """A step whose function is known, and what was guessed without that knowledge.

    Args:
        harness: its name.
        step: as the probe recorded it.
        truth: the function that ran it.
        guesses: anchors of the step when nothing of that is known.
        told: whether a trajectory has such a step. Of exceptions it has those whose message can be read in another
            step; those that a harness raised and handled in silence, and the clauses that caught them, only the probe
            sees.
    """

    harness: str
    step: TraceStep
    truth: Anchor
    guesses: tuple[Anchor, ...]
    told: bool

    @property
    def found(self) -> bool:
        """Whether one of the guesses is right."""
        return any(in_function(guess, self.truth) for guess in self.guesses)

    @property
    def first(self) -> bool:
        """Whether the first guess is right."""
        return bool(self.guesses) and in_function(self.guesses[0], self.truth)


def tried(case: Case) -> Iterator[Tried]:
    """Steps of a run whose function the probe knows."""
    full, bare = compile_run(case.recording, case.model), compile_run(hidden(case.recording), case.model)
    known = {step.id: step for step in full.steps}
    others = [step for step in full.steps if step.kind is not StepKind.ERROR]
    said = [full.texts.get(part.text, "") for step in others for part in (*step.input, *step.output)]
    said += [step.error.message for step in others if step.error is not None]
    for guessed in bare.steps:
        step = known.get(guessed.id)
        truth = next((a for a in step.anchors if a.route in RECORDED), None) if step is not None else None
        if step is not None and truth is not None and step.kind in IMPORTED:
            yield Tried(case.name, step, truth, guessed.anchors, _is_told(step, said))


def _is_told(step: TraceStep, said: Sequence[str]) -> bool:
    if step.kind is not StepKind.ERROR:
        return True
    message = step.error.message.strip() if step.error is not None else ""
    return bool(message) and any(message in text for text in said)


def subjects(names: Sequence[str] = (), environments: Path = SUBJECTS, *, whole: bool = True) -> Iterator[Subject]:
    """The harnesses of these names, or all; `whole` with the scenarios of the frameworks, which take minutes."""
    everything = [*examples(), *agents(environments), *(frameworks(environments) if whole else ())]
    return (subject for subject in everything if not names or subject.name in names)


def try_all(found: Iterator[Subject], keep: Path | None = None) -> Iterator[Tried]:
    """All steps of all runs of some harnesses."""
    with tempfile.TemporaryDirectory() as scratch:
        for subject in found:
            for case in subject.cases(keep or Path(scratch)):
                yield from tried(case)


def measure(*, whole: bool = True) -> dict[str, float]:
    """Recall over all steps that a trajectory has, by kind of step and by harness."""
    return rates([one for one in try_all(subjects(whole=whole)) if one.told])


def rates(steps: Sequence[Tried]) -> dict[str, float]:
    """Shares of the steps that were found: all, by kind, by harness."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for one in steps:
        for name in ("", f".{one.step.kind.value}", f".{one.harness}"):
            total[name] += 1
            right[name] += one.found
    return {f"anchor_recall_hidden_stack{name}": right[name] / count for name, count in total.items()}


def table(steps: Sequence[Tried]) -> Iterator[str]:
    """Markdown: a row for each harness, one for each kind of step, one for all; what a trajectory has not, last."""
    yield "| Harness | steps | found | first | anchors a step |"
    yield "|---|---:|---:|---:|---:|"
    told = [one for one in steps if one.told]
    for name in sorted({one.harness for one in told}, key=str.lower):
        yield _row(name, [one for one in told if one.harness == name])
    for kind in IMPORTED:
        yield _row(f"*{kind.value.replace('_', ' ')}s*", [one for one in told if one.step.kind is kind])
    yield _row("**all**", told)
    yield _row("*exceptions that only the probe sees*", [one for one in steps if not one.told])


def _row(name: str, group: Sequence[Tried]) -> str:
    count = max(len(group), 1)
    found, first = (sum(flags) / count for flags in ([t.found for t in group], [t.first for t in group]))
    each = sum(len(one.guesses) for one in group) / count
    return f"| {name} | {len(group)} | {found:.2f} | {first:.2f} | {each:.1f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and, when asked, every miss with what was guessed."""
    parser = argparse.ArgumentParser(prog="python benchmarks/anchors.py", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--environments", type=Path, default=SUBJECTS, metavar="DIR")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the recordings there, and take those it holds")
    parser.add_argument("--misses", action="store_true", help="name each step that was not found")
    given = parser.parse_args(arguments)
    steps = list(try_all(subjects(given.names, given.environments), given.keep))
    for one in steps if given.misses else ():
        if one.told and not one.found:
            guesses = [f"{guess.place} {guess.qualname} ({guess.route}: {guess.reason})" for guess in one.guesses]
            print(
                f"{one.harness} {one.step.id} {one.step.kind} {one.step.name}: {one.truth.place} {one.truth.qualname}"
            )
            print("".join(f"    guessed {guess}\n" for guess in guesses) or "    no guess\n", end="")
    print("\n".join(table(steps)))


if __name__ == "__main__":
    main()
