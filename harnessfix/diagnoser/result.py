"""What a diagnosis of many runs and their source comes to."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harnessfix.rules import Rule
from harnessfix_ir.attribution import Attribution, Suspect
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import Severity

from .consolidate import records_of
from .diagnose import diagnose_source
from .gather import Gathering
from .suppress import idle_comments
from .verdicts import Verdicts


@dataclass
class Work:
    """What a check had to do, and what it could take as it was.

    Args:
        unchanged: runs whose bytes, outcome, harness and rules are those of an earlier check.
        asked_again: runs compiled before, of which only new or changed rules were asked.
        compiled: runs that were read and compiled.
        left_out: runs that could not be; `incomplete` says why.
    """

    unchanged: int = 0
    asked_again: int = 0
    compiled: int = 0
    left_out: int = 0

    @property
    def runs(self) -> int:
        """How many runs were looked at."""
        return self.unchanged + self.asked_again + self.compiled


@dataclass
class Diagnosed:
    """Flaws, best first, with what they were found in.

    Args:
        severities: rule code to the severity that its findings shall have, instead of the rule's.
        flaws: consolidated.
        gathered: what they are consolidated from.
        reached: flaws of the source to the number of runs that went through their lines.
        attributions: whose fault each failed run is, by run id; names: what people call those runs.
        suspects: what the failed runs that no finding explains have in common.
        models: harness models by their folders; static: what their source alone shows.
        incomplete: what was missing or skipped, in words.
        notes: suppression comments that silence nothing or name no rule, in words.
        suppressed: number of findings that a comment silenced.
        outdated: number of findings about code that has changed since the run was recorded.
        known: number of flaws that a baseline left out.
        work: what had to be done for it.
    """

    severities: Mapping[str, Severity] = field(default_factory=dict)
    flaws: list[FlawRecord] = field(default_factory=list)
    gathered: Gathering = field(default_factory=Gathering)
    reached: dict[str, Support] = field(default_factory=dict)
    attributions: MutableMapping[str, Attribution] = field(default_factory=Verdicts)
    names: dict[str, str] = field(default_factory=dict)
    suspects: list[Suspect] = field(default_factory=list)
    models: dict[tuple[Path, ...], HarnessModel] = field(default_factory=dict)
    static: dict[tuple[Path, ...], tuple[Diagnosis, ...]] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    suppressed: int = 0
    outdated: int = 0
    known: int = 0
    work: Work = field(default_factory=Work)

    @property
    def runs(self) -> int:
        """How many runs were looked at."""
        return self.work.runs

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that anchors are relative to."""
        return tuple(dict.fromkeys(Path(model.root) for model in self.models.values() if model.root))

    def take_source(self, roots: tuple[Path, ...], model: HarnessModel, rules: Sequence[Rule]) -> None:
        """Add what the rules say of a harness alone, and the files of it that could not be read; once each."""
        if roots in self.models:
            return
        self.models[roots] = model
        self.incomplete.extend(f"{file.path}: {file.error}" for file in model.files if file.error)
        report = diagnose_source(model, rules)
        self.static[roots] = tuple(as_configured(diagnosis, self.severities) for diagnosis in report.diagnoses)
        for diagnosis in self.static[roots]:
            self.gathered.add(diagnosis, {})
        self.incomplete.extend(report.incomplete)
        self.suppressed += report.suppressed
        self.notes.extend(idle_comments(model, report.comments, rules))

    def consolidate(self, rules: Sequence[Rule]) -> None:
        """Make the flaws of everything gathered so far."""
        models = list(self.models.values()) or [HarnessModel(root="")]
        self.flaws = records_of(self.gathered.cases(), models, {rule.code: rule for rule in rules}, self.reached)


def as_configured(diagnosis: Diagnosis, severities: Mapping[str, Severity]) -> Diagnosis:
    """The diagnosis with the severity that the settings give its rule."""
    severity = severities.get(diagnosis.rule)
    return diagnosis if severity is None else diagnosis.model_copy(update={"severity": severity})
