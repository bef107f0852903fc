"""What was made of one run, as it is kept in the store, and what a batch of runs comes to."""

from collections.abc import Iterable, Mapping

from harnessfix.diagnoser import Case, Gathering, as_configured
from harnessfix.diagnoser.reached import counted
from harnessfix.store import RunFacts
from harnessfix_ir.document import Document
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.vocabulary import Outcome, Severity

REACHED = "reached"
"""Asked like a rule, since its answer, too, depends on the run, the harness and what is asked."""


class Said(Document):
    """What one rule said of one run; or, under `REACHED`, which flaws of the source the run went through,
    and a diagnosis for each that is the code of one of its steps.

    Args:
        rule: its code; version: digest of the programs it consists of.
        reached: those flaws.
        aside: those of them in functions that the failed run has less to do with than with most.
        diagnoses: those about the code as it is now.
        outdated: number of those about code that has changed since the run was recorded.
        suppressed: number of findings that a comment silenced.
        incomplete: claims that were dropped, in words.
    """

    rule: str
    version: str
    diagnoses: tuple[Diagnosis, ...] = ()
    reached: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    outdated: int = 0
    suppressed: int = 0
    incomplete: tuple[str, ...] = ()


class Examination(Document):
    """What was made of one run: by each rule, and what the run itself lacks."""

    said: tuple[Said, ...] = ()
    missing: tuple[str, ...] = ()

    def of(self, versions: Mapping[str, str]) -> "Examination | None":
        """What these rules said, in their order, or None when one of them was not asked in this version yet.

        Args:
            versions: rule code to version.
        """
        held = {each.rule: each for each in self.said}
        chosen = [held[rule] for rule, version in versions.items() if rule in held and held[rule].version == version]
        return self.model_copy(update={"said": tuple(chosen)}) if len(chosen) == len(versions) else None

    def with_said(self, said: Iterable[Said]) -> "Examination":
        """This with what some rules said in the place of what they said before."""
        held = {each.rule: each for each in self.said} | {each.rule: each for each in said}
        return self.model_copy(update={"said": tuple(held[rule] for rule in sorted(held))})

    @property
    def diagnoses(self) -> list[Diagnosis]:
        """Everything that was found."""
        return [diagnosis for each in self.said for diagnosis in each.diagnoses]


class Examined(Document):
    """What a batch of runs comes to; batches add up in any order.

    Args:
        cases: flaws found.
        reached: flaws of the source to the number of runs that went through their lines.
        incomplete: what was missing or left out, in words.
        unchanged, asked_again, compiled, left_out: numbers of runs, as in `Work`.
        outdated, suppressed: numbers of findings.
    """

    cases: tuple[Case, ...] = ()
    reached: dict[str, Support] = {}
    incomplete: tuple[str, ...] = ()
    unchanged: int = 0
    asked_again: int = 0
    compiled: int = 0
    left_out: int = 0
    outdated: int = 0
    suppressed: int = 0


class Sum:
    """Adds examinations of runs up to what a batch comes to."""

    def __init__(self, severities: Mapping[str, Severity]) -> None:
        self.severities, self.gathering = severities, Gathering()
        self.reached: dict[str, Support] = {}
        self.incomplete: list[str] = []
        self.unchanged = self.asked_again = self.compiled = self.left_out = self.outdated = self.suppressed = 0

    def take(self, run: RunFacts, examination: Examination, *, compiled: bool | None) -> None:
        """Add one run; `compiled` says whether it had to be, None that nothing had to be done."""
        outcomes = {run.id: Outcome(run.outcome)}
        for said in examination.said:
            for diagnosis in said.diagnoses:
                self.gathering.add(as_configured(diagnosis, self.severities), outcomes)
            aside = frozenset(said.aside)
            for flaw in said.reached:
                known = self.reached.get(flaw, Support())
                self.reached[flaw] = counted(known, Outcome(run.outcome), aside=flaw in aside)
            self.outdated += said.outdated
            self.suppressed += said.suppressed
            self.incomplete += said.incomplete
        self.incomplete += (f"run {run.id[:8]}: {missing}" for missing in examination.missing)
        self.unchanged += compiled is None
        self.compiled += compiled is True
        self.asked_again += compiled is False

    def leave_out(self, run: RunFacts, error: Exception) -> None:
        """Note a run that cannot be examined."""
        what = str(error) if isinstance(error, HarnessfixError) else f"{type(error).__name__}: {error}"
        self.incomplete.append(f"run {run.id[:8]} was left out: {what}")
        self.left_out += 1

    def examined(self) -> Examined:
        """What was added up."""
        return Examined(
            cases=tuple(self.gathering.cases()),
            reached=self.reached,
            incomplete=tuple(self.incomplete),
            unchanged=self.unchanged,
            asked_again=self.asked_again,
            compiled=self.compiled,
            left_out=self.left_out,
            outdated=self.outdated,
            suppressed=self.suppressed,
        )
