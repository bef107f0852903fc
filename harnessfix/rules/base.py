"""What a rule is.

A rule is one class in one file: what it looks for, why it matters, where it happened in public, and a small harness
that has the flaw beside one that has not. Tests and documentation are made from those, as in Fixit. A rule only
reads; the operator it names does the editing.
"""

from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Self

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.errors import SettingsError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Evidence, Layer, Property, Severity, Verdict

if TYPE_CHECKING:
    from ._way import Way


@dataclass(frozen=True)
class Finding:
    """What a rule saw; the diagnoser turns it into a `Diagnosis` once every citation resolves.

    Args:
        message: what happened in this run (or stands in this source), in its own words, with step numbers.
        anchors: the lines to blame, best first.
        responsible_step, symptom_step: where correct became wrong, where it was noticed; step ids.
        path: step ids from the one to the other.
        confidence: 0 to 1.
        evidence: rung of the weakest fact needed.
        quotes: pairs (where, text): short pieces of the run or the source.
        parameters: what the operator needs.
        key: tells two flaws of one rule in one function apart; must not change from run to run.
        operator: overrides the rule's operator; empty string for none.
        severity: overrides the rule's severity.
        layer: overrides the rule's layer, where one sort of flaw lies on one or another.
        verdict: whose fault.
        missing: evidence that would raise the confidence.
    """

    message: str
    anchors: Sequence[Anchor]
    responsible_step: str | None = None
    symptom_step: str | None = None
    path: Sequence[str] = ()
    confidence: float = 0.8
    evidence: Evidence = Evidence.OBSERVED
    quotes: Sequence[tuple[str, str]] = ()
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    key: str = ""
    operator: str | None = None
    severity: Severity | None = None
    layer: Layer | None = None
    verdict: Verdict = Verdict.HARNESS
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Example:
    """A harness small enough to read at a glance.

    Args:
        files: path to text. With `main.py` it can be run; static rules need not have one.
        run: arguments after `python` that provoke the flaw; None when the source alone shows it.
        exit_code: with which the program ends when it is run.
    """

    files: Mapping[str, str]
    run: Sequence[str] | None = None
    exit_code: int = 0


@dataclass(frozen=True)
class Tuning:
    """What the settings change of a rule, `[rules.CODE]`.

    Args:
        numbers: values of the rule's own options, by name.
        exclude: glob patterns of files where it is silent.
        confidence: findings with less are left out.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    confidence: float = 0.0


class Rule(ABC):
    """One sort of flaw.

    Class attributes:
        code: layer letter and number, `C101`; never re-used.
        name: kebab case, reads as "allow …".
        keeps: which of the ten properties of a sound harness it checks.
        severity: unless a finding says otherwise.
        summary: one line.
        why: a paragraph: what it does to a run, and why it is the harness's fault.
        fix: a paragraph: what a repair looks like.
        references: public issues, papers or documentation, as URLs.
        operator: name of the operator that repairs it, None without one.
        by_hand: why nothing repairs it mechanically, or why the operator seldom can; needed without one.
        clone: role and fact of elements that have the same flaw in their code, so that one repair reaches all of them.
        yields_to: codes of rules that say more about the same lines; where one of them speaks, this one is silent.
        on_failure: whether what the source shows does harm only where an exception passes its function.
        options: numbers that the settings may change, in kebab case, each with its default.
        bad, good: the flaw and its absence.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    keeps: ClassVar[Property]
    severity: ClassVar[Severity] = Severity.WARNING
    summary: ClassVar[str]
    why: ClassVar[str]
    fix: ClassVar[str] = ""
    references: ClassVar[Sequence[str]] = ()
    operator: ClassVar[str | None] = None
    by_hand: ClassVar[str] = ""
    clone: ClassVar[tuple[ElementRole, str] | None] = None
    yields_to: ClassVar[Sequence[str]] = ()
    on_failure: ClassVar[bool] = False
    options: ClassVar[Mapping[str, float]] = {}
    bad: ClassVar[Example]
    good: ClassVar[Example]
    tuning: Tuning = Tuning()

    def tuned(self, tuning: Tuning) -> Self:
        """The same rule with other settings. Raises `SettingsError` for a number that it has no option for."""
        for name in tuning.numbers:
            if name not in self.options:
                known = ", ".join(sorted([*self.options, "severity", "exclude", "confidence"]))
                raise SettingsError(f"{self.code} has no option `{name}`", hint=f"Its options are {known}.")
        rule = copy(self)
        rule.tuning = tuning
        return rule

    def option(self, name: str) -> float:
        """A number of the rule: as the settings say, else its default."""
        return self.tuning.numbers.get(name, self.options[name])

    def wants(self, finding: Finding) -> bool:
        """Whether the settings let a finding through."""
        path = finding.anchors[0].path if finding.anchors else ""
        kept = not any(fnmatchcase(path, pattern) for pattern in self.tuning.exclude)
        return kept and finding.confidence >= self.tuning.confidence

    @property
    def layer(self) -> Layer:
        """The layer, by the letter of the code."""
        return Layer.from_letter(self.code[0])

    @property
    def observes(self) -> bool:
        """Whether the rule looks at runs, so that its silence on one says something."""
        return type(self).check_run is not Rule.check_run

    def met(self, way: "Way", anchor: Anchor) -> bool:
        """Whether what the source shows could do harm in a run that went through its lines.

        Args:
            way: what the run went through.
            anchor: the finding's first place.
        """
        return not self.on_failure or way.failed_in(anchor)

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Findings in the source alone. One pass over the elements."""
        return ()

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Findings in one run joined with its source (`model` is empty when there is none). One pass over the steps."""
        return ()
