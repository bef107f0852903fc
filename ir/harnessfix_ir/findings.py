"""Findings: a diagnosis in one run, a flaw over many, and the specification of its repair."""

from pydantic import Field

from .anchors import Anchor
from .document import Document, JsonValue
from .vocabulary import Evidence, Layer, Safety, Severity, Verdict


class Diagnosis(Document):
    """One finding in one run, or in the source alone (`run` is then None).

    Args:
        flaw: stable id of the flaw it is a case of: 8 hex digits, the same from run to run.
        rule, name, layer, severity: which rule spoke.
        run: run id, None for a static finding.
        responsible_step: where correct became wrong; symptom_step: where it was noticed.
        path: step ids from the responsible to the symptom step.
        anchors: the lines to blame, best first; at least one.
        message: what happened in this run, in its own words.
        confidence: 0 to 1.
        evidence: rung of the ladder of the weakest fact it needs.
        quotes: short pieces of the run or source, each with where it stands (`s14 output`, `agent.py:40`).
        operator: name of the operator that would repair it, None without one.
        parameters: what that operator needs to know, taken from the code and the run.
        verdict: whose fault.
        missing: evidence that would raise the confidence.
        joined: whether the source shows the flaw and the run only that it went through the place; such a run does not
            count as one that shows the flaw.
        leads: whether links lead from a step of it to where the run was seen to fail; None for a run that passed.
    """

    flaw: str
    rule: str
    name: str
    layer: Layer
    severity: Severity
    run: str | None = None
    responsible_step: str | None = None
    symptom_step: str | None = None
    path: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...]
    message: str
    confidence: float
    evidence: Evidence
    quotes: tuple[tuple[str, str], ...] = ()
    operator: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    verdict: Verdict = Verdict.HARNESS
    missing: tuple[str, ...] = ()
    joined: bool = False
    leads: bool | None = None

    @property
    def places(self) -> tuple[Anchor, ...]:
        """The first anchor, and those of its function that are named for the same reason: all have the flaw."""
        first = self.anchors[0]
        same = first.symbol, first.kind, first.reason
        return tuple(each for each in self.anchors if (each.symbol, each.kind, each.reason) == same)

    @property
    def shown(self) -> bool:
        """Whether a run shows the flaw at work."""
        return self.run is not None and not self.joined

    @property
    def blames(self) -> bool:
        """Whether it names a flaw; else it only says where to look."""
        return self.verdict is not Verdict.UNKNOWN


class Support(Document):
    """How many runs of each outcome show the flaw, or went through its lines.

    Args:
        failed, passed, unknown: their numbers.
        aside: of those that went through its lines, the failed ones which have little to do with its function.
    """

    failed: int = 0
    passed: int = 0
    unknown: int = 0
    aside: int = 0


class Lead(Document):
    """A place to look at that a flaw is told instead of.

    Args:
        flaw, best, runs, support: as in the record that it was.
    """

    flaw: str
    best: Diagnosis
    runs: tuple[str, ...] = ()
    support: Support = Support()


class FlawRecord(Document):
    """Diagnoses of the same flaw across runs.

    Args:
        flaw: stable id, 8 hex digits.
        best: the diagnosis to show, the one with most confidence.
        runs: run ids it occurs in.
        support: their number by outcome.
        reached: of a flaw known from the source alone, the number of runs that went through its lines.
        clones: other places with the same flaw in their code.
        lead: the place to look at in whose stead it is told, None where it stands for none.
    """

    flaw: str
    best: Diagnosis
    runs: tuple[str, ...] = ()
    support: Support = Support()
    reached: Support = Support()
    clones: tuple[Anchor, ...] = ()
    lead: Lead | None = None


class Scope(Document):
    """What a patch may touch.

    Args:
        files: paths relative to the harness root.
        symbols: `path:qualname` of functions and classes, or `path:key` of configuration.
        max_lines: most lines added and removed together.
        imports: whether import lines may be added to those files.
    """

    files: tuple[str, ...]
    symbols: tuple[str, ...]
    max_lines: int = 60
    imports: bool = True


class RepairSpec(Document):
    """What a patch must do, what it may touch, and what will count as proof.

    Args:
        flaw, rule, operator: what is repaired, by which operator.
        parameters: for the operator.
        anchors: the places to edit: the flaw's and its clones'.
        allowed: scope.
        forbidden: paths that may never be touched (tests, task data, expected answers), as glob patterns.
        required_change, must_not_change: in words, for the person who reviews.
        proof_rules: rules that must fall silent at these anchors.
        safety: applicability of the edit.
        file_hashes: path to SHA-256 of the file as the diagnosis read it.
    """

    flaw: str
    rule: str
    operator: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    anchors: tuple[Anchor, ...]
    allowed: Scope
    forbidden: tuple[str, ...] = ()
    required_change: str = ""
    must_not_change: str = ""
    proof_rules: tuple[str, ...] = ()
    safety: Safety = Safety.UNSAFE
    file_hashes: dict[str, str] = Field(default_factory=dict)
