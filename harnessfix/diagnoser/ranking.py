"""Which flaw to look at first."""

from math import log2

from harnessfix_ir.findings import FlawRecord, Support
from harnessfix_ir.vocabulary import Evidence, Severity

# What a finding is worth by what is known of it. A flaw seen at work in a run that failed beats one whose lines such a
# run went through, which beats those that only runs which went well have met. What none has met comes last of all.
SEEN, SEEN_TO_PASS, FAILED_THERE, WENT_THERE = 1.0, 0.3, 0.7, 0.25
AGAIN = 0.5  # of one whose rule was told of the same function before, or of a place to look at after two
# Of one whose steps do not lead to the failure, or in a function that few things tie to it: it may be true, and it is
# not why this run failed.
ASIDE = 0.5
# Of a place to look at: one that is likelier than most comes before a flaw that a failed run only went through, which
# is its cause in one of seven, and after all but the unsure of those seen at work (`benchmarks/README.md`).
LEAST_LEAD, MOST_LEAD, FOR_SHARE = 0.2, 0.43, 1.4
# Least of a flaw that was seen and leads to the failure: it is the cause in one of three, a first place in one of four.
LEADS = 0.45
SEVERITY = {Severity.ERROR: 1.0, Severity.WARNING: 0.75, Severity.INFO: 0.4}
RUNG = {Evidence.OBSERVED: 1.0, Evidence.DERIVED: 0.97, Evidence.HEURISTIC: 0.85, Evidence.MODEL: 0.7}


def rank(record: FlawRecord, again: int = 0, led: float = 0.0) -> tuple[object, ...]:
    """Sorting key: best first, what no run has touched last, ties by place and rule so that the order lasts.

    Args:
        record: a flaw.
        again: number of better records of its rule in its function, or of better places to look at than the first two.
        led: how sure it is that failed runs have to do with its function.
    """
    best = record.best
    untouched = not best.shown and record.reached == Support()
    return (
        untouched,
        -worth(record) * AGAIN**again * (1 + led),
        -best.confidence,  # likely places to look at are worth the same, and have an order all the same
        best.anchors[0].path,
        best.anchors[0].start_line,
        best.rule,
    )


def worth(record: FlawRecord) -> float:
    """How much a flaw deserves a person's minute: severity, confidence and evidence, times the runs that it touches."""
    best = record.best
    if not best.blames:  # the least likely still comes before a remark, which tells less of a failure
        return min(MOST_LEAD, LEAST_LEAD + FOR_SHARE * best.confidence)
    own = SEVERITY[best.severity] * best.confidence * RUNG[best.evidence]
    own *= ASIDE if best.leads is False else 1.0
    if best.shown:
        seen = record.support
        if best.leads and best.severity is not Severity.INFO:
            own = max(own, LEADS)
        return (SEEN if seen.failed or seen.unknown else SEEN_TO_PASS) * own * _impact(seen)
    went = record.reached
    own *= ASIDE if went.aside >= max(1, went.failed + went.unknown) else 1.0
    where = FAILED_THERE if went.failed or went.unknown else WENT_THERE
    return where * own * _impact(went)


def _impact(runs: Support) -> float:
    """1 for one run or none; more, ever more slowly, for more, and runs that failed count most."""
    return 1 + log2(max(1.0, runs.failed + 0.25 * runs.unknown))
