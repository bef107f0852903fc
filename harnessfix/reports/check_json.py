"""The JSON that `harnessfix check --format json` prints: schema `harnessfix.check/1`, which scripts rely on."""

from collections import Counter
from collections.abc import Iterable, Sequence

from harnessfix_ir.attribution import Attribution, Suspect
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import FlawRecord

SCHEMA = "harnessfix.check/1"


def check_document(
    flaws: Sequence[FlawRecord],
    runs: int,
    incomplete: Sequence[str],
    attributions: Iterable[Attribution] = (),
    suspects: Iterable[Suspect] = (),
    notes: Iterable[str] = (),
) -> dict[str, JsonValue]:
    """One object for all findings, best first.

    Args:
        flaws: consolidated, best first.
        runs: how many runs were looked at.
        incomplete: what was missing or skipped, in words.
        attributions: whose fault each failed run is.
        suspects: what failed runs have in common.
        notes: suppression comments that silence nothing, in words.
    """
    layers = Counter(flaw.best.layer.value for flaw in flaws)
    return {
        "schema": SCHEMA,
        "findings": [finding(flaw) for flaw in flaws],
        "summary": {
            "runs": runs,
            "findings": len(flaws),
            "by_layer": dict(sorted(layers.items())),
            "incomplete": list(incomplete),
            "notes": list(notes),
        },
        "verdicts": [verdict(each) for each in attributions],
        "suspects": [suspect(each) for each in suspects],
    }


def verdict(found: Attribution) -> dict[str, JsonValue]:
    """One entry of its `verdicts`: a failed run, whose fault it is, why, and the way from cause to symptom."""
    document: dict[str, JsonValue] = found.model_dump(mode="json")
    return document


def suspect(found: Suspect) -> dict[str, JsonValue]:
    """One entry of its `suspects`: places that tell failed runs from passed ones; a lead, never a finding."""
    places: list[JsonValue] = [
        {"path": a.path, "qualname": a.qualname, "start_line": a.start_line, "end_line": a.end_line}
        for a in found.anchors
    ]
    runs = {"failed": found.failed, "passed": found.passed}
    compared = {"failed": found.of_failed, "passed": found.of_passed}
    return {
        "score": found.score,
        "confidence": found.confidence,
        "evidence": "heuristic",
        "runs": dict(runs),
        "compared": dict(compared),
        "anchors": places,
        "more": found.more,
    }


def finding(flaw: FlawRecord) -> dict[str, JsonValue]:
    """One finding of that object."""
    best = flaw.best
    return {
        "flaw": flaw.flaw,
        "rule": best.rule,
        "name": best.name,
        "layer": best.layer.value,
        "severity": best.severity.value,
        "confidence": best.confidence,
        "evidence": best.evidence.value,
        "verdict": best.verdict.value,
        "run": best.run,
        "runs": list(flaw.runs),
        "responsible_step": best.responsible_step,
        "symptom_step": best.symptom_step,
        "anchors": [
            {
                "path": anchor.path,
                "qualname": anchor.qualname,
                "start_line": anchor.start_line,
                "end_line": anchor.end_line,
                "kind": anchor.kind.value,
                "route": anchor.route.value,
            }
            for anchor in best.anchors
        ],
        "clones": [f"{anchor.path}:{anchor.start_line}" for anchor in flaw.clones],
        "path": list(best.path),
        "message": best.message,
        "quotes": [{"where": where, "text": text} for where, text in best.quotes],
        "operator": best.operator,
        "parameters": dict(best.parameters),
        "support": {"failed": flaw.support.failed, "passed": flaw.support.passed, "unknown": flaw.support.unknown},
        "missing": list(best.missing),
    }
