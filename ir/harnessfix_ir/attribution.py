"""Whose fault a failed run is, why, the way from there to the symptom, and what failed runs have in common."""

from .anchors import Anchor
from .document import Document
from .vocabulary import Evidence, Layer, Outcome, Verdict


class Hop(Document):
    """One step on the way from cause to symptom.

    Args:
        step: step id.
        link: how it leads on to the next hop: a `LinkKind`, `inside` (the next one holds it), `cited` (a rule says so),
            `follows` (only the order is known); empty for the last.
        detail: what is known of that link ("1 200 of 7 938 characters kept").
        reason: what happened at the step, in words.
    """

    step: str
    link: str = ""
    detail: str = ""
    reason: str = ""


class Cause(Document):
    """One thing in a run that speaks for a verdict.

    Args:
        verdict: whose fault it would be.
        reason: in words, with step ids.
        weight: 0 to 1: how far it would explain the failure alone.
        evidence: rung of the ladder.
        step: where it happened, None when no single step did.
        flaw, rule: of the finding that says so; empty for a general signal.
        layer: of the harness, for one that blames it and knows the place.
    """

    verdict: Verdict
    reason: str
    weight: float
    evidence: Evidence
    step: str | None = None
    flaw: str = ""
    rule: str = ""
    layer: Layer | None = None


class Attribution(Document):
    """The verdict on one failed run.

    Args:
        run, outcome: which run, and how it ended.
        verdict: unknown when nothing speaks clearly for one.
        confidence: 0 to 1 in that verdict; 0 when it is unknown.
        evidence: rung of the verdict's best cause.
        tied: verdicts that the evidence does not tell apart; empty unless the verdict is unknown.
        symptom: step where the failure was noticed; noticed: that, in words.
        origin: the earliest step where correct became wrong; None when none is known.
        path: from what led to the origin, through it, to the symptom.
        causes: everything that was weighed, best first.
        missing: evidence that would raise the confidence.
    """

    run: str
    outcome: Outcome
    verdict: Verdict
    confidence: float = 0.0
    evidence: Evidence = Evidence.HEURISTIC
    tied: tuple[Verdict, ...] = ()
    symptom: str | None = None
    noticed: str = ""
    origin: str | None = None
    path: tuple[Hop, ...] = ()
    causes: tuple[Cause, ...] = ()
    missing: tuple[str, ...] = ()


class Suspect(Document):
    """Code that failed runs went through and passed ones did not; a lead, not a finding.

    Args:
        score: Ochiai's coefficient, 0 to 1.
        confidence: the score in the light of how few runs there are and how many places share it.
        failed, passed: runs that went through it; of_failed, of_passed: runs that were compared.
        anchors: places with the same runs, which nothing tells apart.
        more: number of such places that are left out.
    """

    score: float
    confidence: float
    failed: int
    passed: int
    of_failed: int
    of_passed: int
    anchors: tuple[Anchor, ...]
    more: int = 0
