"""Run the rules: over the source alone, or over one compiled run joined with its source."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harnessfix.rules import Finding, Rule
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence

from .citations import place_in_trace, resolving_anchors, unresolved_steps
from .identity import flaw_id
from .responsible import responsible_step
from .suppress import Comment, silencing
from .ties import tied_places, trust_in_tied

WITHOUT_CODE = 0.8  # of the confidence in a finding that no line of code is known for


@dataclass
class Report:
    """What the rules said, and what kept them from saying more.

    Args:
        diagnoses: in the order of rules.
        incomplete: rules that failed, claims that were dropped and evidence that was missing, in words.
        suppressed: number of findings that a comment silenced; comments: those that did.
        failed: codes of the rules that failed.
    """

    diagnoses: list[Diagnosis] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    suppressed: int = 0
    comments: set[Comment] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)


def diagnose_source(model: HarnessModel, rules: Sequence[Rule]) -> Report:
    """Findings that the source shows without any run."""
    return _ask(rules, lambda rule: rule.check_source(model), model, None)


def diagnose_run(run: Htir, model: HarnessModel, rules: Sequence[Rule]) -> Report:
    """Findings in one run joined with its source."""
    report = ask_rules(run, model, rules)
    report.incomplete.extend(f"run {run.run.id[:8]}: {missing}" for missing in run.incomplete)
    return report


def ask_rules(run: Htir, model: HarnessModel, rules: Sequence[Rule]) -> Report:
    """What these rules find in one run; what the run itself lacks is not in the report."""
    return _ask(rules, lambda rule: rule.check_run(run, model), model, run)


def _ask(
    rules: Sequence[Rule], question: Callable[[Rule], Iterable[Finding]], model: HarnessModel, run: Htir | None
) -> Report:
    report = Report()
    where = f"run {run.run.id[:8]}" if run is not None else "the source"
    seen: set[tuple[str, str | None]] = set()
    for rule in rules:
        try:
            findings = [finding for finding in question(rule) if rule.wants(finding)]
        except Exception as error:  # a rule may come from a third party: its failure is its own, the others go on
            report.failed.append(rule.code)
            report.incomplete.append(f"rule {rule.code} failed on {where}: {type(error).__name__}: {error}")
            continue
        for finding in findings:
            diagnosis = _diagnosis(rule, finding, model, run, report)
            if diagnosis is not None and (diagnosis.flaw, diagnosis.responsible_step) not in seen:
                seen.add((diagnosis.flaw, diagnosis.responsible_step))
                report.diagnoses.append(diagnosis)
    return report


def _diagnosis(rule: Rule, finding: Finding, model: HarnessModel, run: Htir | None, report: Report) -> Diagnosis | None:
    anchors = resolving_anchors(finding, model)
    strangers = unresolved_steps(finding, run)
    in_trace = place_in_trace(finding, run) if run is not None and not strangers else None
    if in_trace is not None:
        anchors = [in_trace]
    if not anchors or strangers:
        what = f"steps {', '.join(strangers)}" if strangers else "lines that are not in the harness"
        report.incomplete.append(f"rule {rule.code} cited {what}; the claim was dropped")
        return None
    comment = silencing(rule.code, anchors[0], model)
    if comment is not None:
        report.suppressed += 1
        report.comments.add(comment)
        return None
    missing = tuple(finding.missing)
    ties = tied_places(finding, anchors[0], run)
    if ties > 1:
        missing += (f"the run does not say which of {ties} like places this was",)
    trust = trust_in_tied(ties)
    operator = rule.operator if finding.operator is None else (finding.operator or None)
    if in_trace is not None:
        trust, operator, missing = trust * WITHOUT_CODE, None, (*missing, "the source of the harness")
    return Diagnosis(
        flaw=flaw_id(rule.code, anchors[0], finding.key),
        rule=rule.code,
        name=rule.name,
        layer=finding.layer or rule.layer,
        severity=finding.severity or rule.severity,
        run=run.run.id if run is not None else None,
        responsible_step=responsible_step(run, finding, anchors[0]) if run is not None else None,
        symptom_step=finding.symptom_step,
        path=tuple(finding.path),
        anchors=tuple(anchors),
        message=finding.message,
        confidence=round(max(0.0, min(1.0, finding.confidence)) * trust, 3),
        evidence=Evidence(finding.evidence),
        quotes=tuple((where, text) for where, text in finding.quotes),
        operator=operator,
        parameters=dict(finding.parameters),
        verdict=finding.verdict,
        missing=missing,
    )
