"""What validation came to, patch by patch."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence

from rich.text import Text

from harnessfix.cli import data, talk
from harnessfix.cli.plain import plain
from harnessfix.validation.proving import Proof
from harnessfix_repairs.validation.documents import Outcome, Validation

from .layers import LAYER_STYLE

STYLE = {Outcome.ACCEPTED: "bold green", Outcome.UNPROVED: "bold yellow", Outcome.INCONCLUSIVE: "bold yellow"}
MARK = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}


def print_proofs(proofs: Sequence[Proof], *, runs: int = 0, tests: Callable[[], Sequence[str]] = list) -> None:
    """One block a patch, then a line that counts them, and how to prove those of which nothing was run.

    Args:
        proofs: what came of each.
        runs: how many recorded runs there are.
        tests: finds the node ids of tests that speak of the changed code; asked where nothing was run.
    """
    for proof in proofs:
        data.show(proof_view(proof), "")
    data.show(Text(count_words(proofs), style="bold"))
    if any(proof.validation.outcome is Outcome.UNPROVED for proof in proofs):
        talk.note(how_to_run(runs, tests()))


def how_to_run(runs: int, tests: Sequence[str]) -> str:
    """How a patch can be proved where nothing was run."""
    node = "".join(f" --task {shlex.quote(test)}" for test in tests) or " --task tests/test_agent.py::test_it"
    words = ["Nothing was run." if runs else "Nothing was run: there is no recorded run to prove it by."]
    words += ["Say under [validate] how a task is run (`command` and `tasks`),", f"name a test with{plain(node)},"]
    words.append(f"or {'play a recorded run again' if runs else 'record a run and play it again'} with --replay RUN.")
    return " ".join(words)


def count_words(proofs: Sequence[Proof]) -> str:
    """How many came to which outcome, accepted ones first."""
    if not proofs:
        return "there is no patch to validate"
    sorts = Counter(proof.validation.outcome.value.partition("-")[0] for proof in proofs)
    counted = [f"{number} {name}" for name, number in sorted(sorts.items())]
    return f"{len(proofs)} {'patch' if len(proofs) == 1 else 'patches'}: {', '.join(counted)}"


def proof_view(proof: Proof) -> Text:
    """One patch: outcome, gates, and what changed over the runs."""
    best, validation = proof.flaw.best, proof.validation
    text = Text.assemble(
        (f"{best.rule} {best.name} ", "bold"),
        (f"{best.layer.value}  ", LAYER_STYLE[best.layer]),
        (f"{best.flaw}  ", "dim"),
        outcome_text(validation),
        f"  {plain(validation.reason)}\n",
    )
    for gate in validation.gates:
        mark, style = MARK[gate.passed]
        text.append(f"  {mark} ", style)
        text.append(f"{gate.name}", "")
        text.append(f"  {plain(gate.detail)}\n" if gate.detail else "\n", "dim")
    for comparison in validation.comparisons:
        text.append(f"    {plain(comparison.words)}\n")
    if validation.limits:
        text.append(f"    bounded by: {', '.join(validation.limits)}\n", "dim")
    for note in validation.notes:
        text.append(f"    {plain(note)}\n", "dim")
    text.rstrip()
    return text


def outcome_text(validation: Validation) -> Text:
    """The outcome in its colour."""
    return Text(validation.outcome.value, style=STYLE.get(validation.outcome, "bold red"))
