"""What a diagnosis of many runs and their source comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harnessfix.rules import Rule
from harnessfix_ir.attribution import Attribution, Suspect
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Outcome, Severity

from .consolidate import consolidate
from .diagnose import Report, diagnose_source
from .reached import counted, ran


@dataclass
class Diagnosed:
    """Flaws, best first, with what they were found in.

    Args:
        severities: rule code to the severity that its findings shall have, instead of the rule's.
        flaws: consolidated.
        diagnoses: by run id; the source's own under None.
        reached: flaws of the source to the number of runs that went through their lines.
        attributions: whose fault each failed run is, by run id; names: what people call those runs.
        suspects: what the failed runs that no finding explains have in common.
        models: harness models by their folders.
        incomplete: what was missing or skipped, in words.
        suppressed: number of findings that a comment silenced.
        outdated: number of findings about code that has changed since the run was recorded.
        known: number of flaws that a baseline left out.
    """

    severities: Mapping[str, Severity] = field(default_factory=dict)
    flaws: list[FlawRecord] = field(default_factory=list)
    diagnoses: dict[str | None, list[Diagnosis]] = field(default_factory=dict)
    reached: dict[str, Support] = field(default_factory=dict)
    attributions: dict[str, Attribution] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    suspects: list[Suspect] = field(default_factory=list)
    models: dict[tuple[Path, ...], HarnessModel] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    suppressed: int = 0
    outdated: int = 0
    known: int = 0

    @property
    def runs(self) -> int:
        """How many runs were looked at."""
        return sum(run is not None for run in self.diagnoses)

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that anchors are relative to."""
        return tuple(dict.fromkeys(Path(model.root) for model in self.models.values() if model.root))

    def take(self, run_id: str | None, report: Report) -> None:
        """Add what the rules said of one run, or of source (None)."""
        self.diagnoses.setdefault(run_id, []).extend(map(self._as_configured, report.diagnoses))
        self.incomplete.extend(report.incomplete)
        self.suppressed += report.suppressed

    def join(self, run: Htir, model: HarnessModel) -> None:
        """Count a run for the flaws of the source whose lines it went through."""
        seen = {d.flaw for d in self.diagnoses.get(None, ()) if ran(run, model, d.anchors[0])} if run.reached else ()
        for flaw in seen:
            self.reached[flaw] = counted(self.reached.get(flaw, Support()), run.run.outcome)

    def _as_configured(self, diagnosis: Diagnosis) -> Diagnosis:
        severity = self.severities.get(diagnosis.rule)
        return diagnosis if severity is None else diagnosis.model_copy(update={"severity": severity})

    def take_source(self, roots: tuple[Path, ...], model: HarnessModel, rules: Sequence[Rule]) -> None:
        """Add what the rules say of a harness alone, and the files of it that could not be read; once each."""
        if roots in self.models:
            return
        self.models[roots] = model
        self.incomplete.extend(f"{file.path}: {file.error}" for file in model.files if file.error)
        self.take(None, diagnose_source(model, rules))

    def consolidate(self, outcomes: Mapping[str, Outcome], rules: Sequence[Rule]) -> None:
        """Make the flaws of all diagnoses taken so far."""
        flat = [diagnosis for members in self.diagnoses.values() for diagnosis in members]
        models = list(self.models.values()) or [HarnessModel(root="")]
        self.flaws = consolidate(flat, outcomes, models, {rule.code: rule for rule in rules}, self.reached)
