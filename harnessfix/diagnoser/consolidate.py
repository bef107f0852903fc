"""From diagnoses in single runs to flaws: the same flaw in many runs is one record, and its clones are named."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harnessfix.rules import Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, FlawRecord, Lead, Support
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import Outcome, Severity

from .gather import Case, Gathering
from .ranking import rank
from .reached import in_words

FIRST_LEADS = 2  # right in one of five; a third is in one of sixteen, and what a failed run went through in one of six
SURE = 0.9  # of a flaw after which nobody needs to look further


def consolidate(
    diagnoses: Iterable[Diagnosis],
    outcomes: Mapping[str, Outcome],
    models: Sequence[HarnessModel],
    rules: Mapping[str, Rule],
    reached: Mapping[str, Support] | None = None,
) -> list[FlawRecord]:
    """One record per flaw, best first.

    Args:
        diagnoses: of any number of runs and of the source.
        outcomes: run id to outcome; a run that is not in it counts as unknown.
        models: harnesses, for clones.
        rules: by code.
        reached: flaws known from the source alone to the number of runs that went through their lines.
    """
    gathering = Gathering()
    for diagnosis in diagnoses:
        gathering.add(diagnosis, outcomes)
    return records_of(gathering.cases(), models, rules, reached)


def records_of(
    cases: Iterable[Case],
    models: Sequence[HarnessModel],
    rules: Mapping[str, Rule],
    reached: Mapping[str, Support] | None = None,
) -> list[FlawRecord]:
    """One record per case, best first; `models`, `rules` and `reached` as for `consolidate`."""
    went = reached or {}
    records = [_record(case, models, rules) for case in cases]
    records = [
        _joined(record, went[record.flaw]) if not record.best.shown and record.flaw in went else record
        for record in records
    ]
    return in_order(_without_clones(sorted(_without_lesser(records, rules), key=rank)))


def in_order(records: Iterable[FlawRecord]) -> list[FlawRecord]:
    """Flaws, the one that deserves a person's minute most first; without places to look at that a flaw accounts for.

    What it gives can be put in order again, also among others: a flaw keeps the place to look at that it stands for.
    """
    return _led(_placed(_unexplained(sorted(_with_leads(records), key=rank))))


def _with_leads(records: Iterable[FlawRecord]) -> list[FlawRecord]:
    """Records, with the places to look at that some stand for as records of their own again."""
    parted: dict[str, FlawRecord] = {}
    for record in records:
        parted[record.flaw] = record.model_copy(update={"lead": None})
        if record.lead is not None:
            lead = record.lead
            known = FlawRecord(flaw=lead.flaw, best=lead.best, runs=lead.runs, support=lead.support)
            parted.setdefault(lead.flaw, known)
    return list(parted.values())


def _joined(record: FlawRecord, reached: Support) -> FlawRecord:
    best = record.best.model_copy(update={"message": record.best.message + in_words(reached)})
    return record.model_copy(update={"best": best, "reached": reached})


def _without_clones(records: list[FlawRecord]) -> list[FlawRecord]:
    """Records but those whose place a better one of the same rule names as a clone.

    One that a run shows, or whose lines a run went through, stands for itself.
    """
    kept: list[FlawRecord] = []
    named: set[tuple[str, tuple[str, int]]] = set()
    for record in records:
        seen = record.best.shown or record.reached != Support()
        if seen or (record.best.rule, _place(record.best.anchors[0])) not in named:
            kept.append(record)
            named.update((record.best.rule, _place(clone)) for clone in record.clones)
    return kept


def _placed(records: list[FlawRecord]) -> list[FlawRecord]:
    """Records in order again, by what others say of their functions.

    Those in a function that a failed run has most to do with come earlier. A rule's further places in one function come
    later: one of them leads a reader to the others. So do places to look at after the first two, seldom right.
    """
    said: Counter[tuple[str, tuple[str, str]]] = Counter()
    order: dict[str, tuple[object, ...]] = {}
    leads = 0
    sure = {_function(r): r.best.confidence for r in reversed(records) if not r.best.blames}
    for record in records:
        same = record.best.rule, _function(record)
        led = sure.get(_function(record), 0.0) if record.best.blames else 0.0
        leads += not record.best.blames
        again = said[same] if record.best.blames else max(0, leads - FIRST_LEADS)
        order[record.flaw] = rank(record, again=again, led=led)
        said[same] += 1
    return sorted(records, key=lambda record: order[record.flaw])


def _led(records: list[FlawRecord]) -> list[FlawRecord]:
    """Records, those that only say where to look given up for a flaw that is known in that function.

    One that a run met is told before all that only lead somewhere; one that none has touched did not make it fail.
    """
    known: dict[tuple[str, str], FlawRecord] = {}
    for record in records:
        if record.best.blames and record.best.severity is not Severity.INFO:
            known.setdefault(_function(record), record)
    leads: dict[tuple[str, str], FlawRecord] = {}
    for lead in records:
        if not lead.best.blames:
            leads.setdefault(_function(lead), lead)
    led_to = (known[function] for function in leads if function in known)
    met = [record for record in led_to if record.best.shown or record.reached != Support()]
    first = next((place for place, record in enumerate(records) if not record.best.blames), len(records))
    kept: dict[str, FlawRecord] = {}
    named: set[tuple[str, str]] = set()
    for record in (*records[:first], *met, *records[first:]):
        if record.best.blames or _function(record) not in named:
            kept.setdefault(record.flaw, record)
            named.add(_function(record))
    told = {_function(record): record.flaw for record in reversed(kept.values())}
    instead = {flaw: _as_lead(leads[function]) for function, flaw in told.items() if function in leads}
    return [
        record.model_copy(update={"lead": instead[flaw]}) if record.best.blames and flaw in instead else record
        for flaw, record in kept.items()
    ]


def _as_lead(record: FlawRecord) -> Lead:
    return Lead(flaw=record.flaw, best=record.best, runs=record.runs, support=record.support)


def _unexplained(records: list[FlawRecord]) -> list[FlawRecord]:
    """Records without places to look at for runs in which a flaw was seen that leads to their failure."""
    explained = {run for record in records if _explains(record) for run in record.runs}
    return [record for record in records if record.best.blames or not explained.issuperset(record.runs)]


def _explains(record: FlawRecord) -> bool:
    best = record.best
    return best.blames and best.leads is True and best.severity is not Severity.INFO and best.confidence >= SURE


def _function(record: FlawRecord) -> tuple[str, str]:
    anchor = record.best.anchors[0]
    return anchor.path, anchor.qualname


def _without_lesser(records: list[FlawRecord], rules: Mapping[str, Rule]) -> list[FlawRecord]:
    """Records but those of a rule that yields to another one which speaks of the same lines."""
    spoken = {(record.best.rule, _place(record.best.anchors[0])) for record in records}
    return [
        record
        for record in records
        if record.best.rule not in rules
        or not any((code, _place(record.best.anchors[0])) in spoken for code in rules[record.best.rule].yields_to)
    ]


def _place(anchor: Anchor) -> tuple[str, int]:
    return anchor.path, anchor.start_line


def _record(case: Case, models: Sequence[HarnessModel], rules: Mapping[str, Rule]) -> FlawRecord:
    ended = list(case.runs.values())
    support = Support(
        failed=ended.count(Outcome.FAILED),
        passed=ended.count(Outcome.PASSED),
        unknown=ended.count(Outcome.UNKNOWN),
    )
    best = case.best
    return FlawRecord(
        flaw=best.flaw, best=best, runs=tuple(sorted(case.runs)), support=support, clones=_clones(best, models, rules)
    )


def _clones(best: Diagnosis, models: Sequence[HarnessModel], rules: Mapping[str, Rule]) -> tuple[Anchor, ...]:
    rule = rules.get(best.rule)
    if rule is None or rule.clone is None:
        return ()
    role, fact = rule.clone
    own = {(anchor.path, anchor.start_line) for anchor in best.anchors[:1]}
    elements = (element for model in models for element in model.of_role(role) if element.fact(fact) is not None)
    return tuple(e.anchor for e in elements if (e.anchor.path, e.anchor.start_line) not in own)
