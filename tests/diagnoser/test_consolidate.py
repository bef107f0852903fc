"""Diagnoses of one flaw are one record; clones and lesser findings do not stand beside it."""

from collections.abc import Iterable
from random import Random
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from harnessfix.diagnoser import consolidate, diagnose_run, diagnose_source, flaw_id, in_order
from harnessfix.diagnoser.suppress import idle_comments
from harnessfix.rules import Example, Finding, Rule, all_rules
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.harness import Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Source, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Layer, Outcome, Property, Severity, StepKind, Verdict

NONE = Example(files={})


def anchor(line: int, path: str = "agent.py", name: str = "Agent.run") -> Anchor:
    return Anchor(path=path, qualname=name, start_line=line, end_line=line)


def model(*lines: int) -> HarnessModel:
    elements = [
        Element(
            id=f"retry:agent.py:{line}",
            role=ElementRole.RETRY,
            layer=Layer.LIFECYCLE,
            name="retry",
            anchor=anchor(line, name=f"f{line}"),
            facts=(Fact(name="no-stop"),),
        )
        for line in lines
    ]
    return HarnessModel(root="/x", files=(SourceFile(path="agent.py", sha256="0", lines=50),), elements=tuple(elements))


def run(run_id: str = "r1") -> Htir:
    steps = (TraceStep(id="s1", kind=StepKind.TASK, name="task", source=Source(format="test")),)
    return Htir(run=RunInfo(id=run_id), steps=steps)


class Saying(Rule):
    """A rule that says what a test wants."""

    code: ClassVar[str] = "L190"
    name = "test-rule"
    keeps = Property.ORDER
    summary = why = "for tests"
    bad = good = NONE
    clone = (ElementRole.RETRY, "no-stop")

    def __init__(self, *findings: Finding, error: Exception | None = None) -> None:
        self.findings, self.error = findings, error

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        return self.findings

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        if self.error is not None:
            raise self.error
        return self.findings


class Lesser(Saying):
    """One that yields."""

    code = "O190"
    yields_to = ("L190",)


def diagnosis(line: int, run_id: str | None, *, confidence: float = 0.9, rule: str = "L190") -> Diagnosis:
    place = anchor(line, name=f"f{line}")
    return Diagnosis(
        flaw=flaw_id(rule, place),
        rule=rule,
        name="test-rule",
        layer=Layer.LIFECYCLE,
        severity=Severity.ERROR,
        run=run_id,
        anchors=(place,),
        message="it happened",
        confidence=confidence,
        evidence=Evidence.OBSERVED,
    )


def test_one_flaw_in_many_runs_is_one_record_with_its_support() -> None:
    found = [diagnosis(3, "a", confidence=0.5), diagnosis(3, "b"), diagnosis(3, None), diagnosis(3, "c")]
    outcomes = {"a": Outcome.FAILED, "b": Outcome.PASSED}
    (record,) = consolidate(found, outcomes, [model()], {"L190": Saying()})
    assert record.runs == ("a", "b", "c")
    assert (record.support.failed, record.support.passed, record.support.unknown) == (1, 1, 1)
    assert record.best.run == "a", "a failed run is the one to tell, though another is surer"


def test_the_id_does_not_move_with_the_lines() -> None:
    assert flaw_id("L190", anchor(3)) == flaw_id("L190", anchor(30))
    assert flaw_id("L190", anchor(3)) != flaw_id("L190", anchor(3), "other")
    assert flaw_id("L190", anchor(3)) != flaw_id("L191", anchor(3))


def test_a_clone_is_named_and_not_listed_again() -> None:
    found = [diagnosis(3, "a"), diagnosis(7, None, confidence=0.4), diagnosis(9, None, confidence=0.4)]
    (record,) = consolidate(found, {}, [model(3, 7, 9)], {"L190": Saying()})
    assert [clone.start_line for clone in record.clones] == [7, 9]


def test_a_lesser_rule_is_silent_where_a_better_one_speaks() -> None:
    found = [diagnosis(3, "a"), diagnosis(3, "a", rule="O190"), diagnosis(5, "a", rule="O190")]
    records = consolidate(found, {}, [model()], {"L190": Saying(), "O190": Lesser()})
    assert [(r.best.rule, r.best.anchors[0].start_line) for r in records] == [("L190", 3), ("O190", 5)]


def test_what_failed_runs_show_comes_first_and_source_alone_last() -> None:
    found = [diagnosis(1, None), diagnosis(2, "passed"), diagnosis(3, "failed", confidence=0.3)]
    outcomes = {"failed": Outcome.FAILED, "passed": Outcome.PASSED}
    records = consolidate(found, outcomes, [model()], {})
    assert [record.best.anchors[0].start_line for record in records] == [3, 2, 1]


def lead(line: int, run_id: str, confidence: float) -> Diagnosis:
    found = diagnosis(line, run_id, confidence=confidence, rule="O190")
    return found.model_copy(update={"severity": Severity.INFO, "verdict": Verdict.UNKNOWN})


def test_where_to_look_comes_after_what_was_seen_and_before_remarks_that_the_run_only_passed() -> None:
    remark = diagnosis(1, None, confidence=0.7).model_copy(update={"severity": Severity.INFO})
    found = [remark, lead(2, "a", 0.1), lead(3, "a", 0.9), diagnosis(4, "a", confidence=0.6)]
    went = {remark.flaw: Support(failed=1)}
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {}, went)
    assert [record.best.anchors[0].start_line for record in records] == [4, 3, 2, 1]


def test_a_likely_place_to_look_comes_before_a_flaw_that_the_run_only_passed() -> None:
    passed = diagnosis(1, None, confidence=0.6)
    found = [passed, lead(2, "a", 0.02), lead(3, "a", 0.3)]
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {}, {passed.flaw: Support(failed=1)})
    assert [record.best.anchors[0].start_line for record in records] == [3, 1, 2]


def test_likely_places_to_look_at_are_told_the_likeliest_first() -> None:
    found = [lead(line, "a", sure) for line, sure in ((1, 0.2), (2, 0.4), (3, 0.3), (4, 0.1))]
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.anchors[0].start_line for record in records] == [2, 3, 1, 4]


def test_what_a_failed_run_only_passed_is_told_after_two_places_to_look_at() -> None:
    passed = diagnosis(5, None, confidence=0.6)
    found = [lead(line, "a", sure) for line, sure in ((1, 0.5), (2, 0.4), (3, 0.3))]
    went = {passed.flaw: Support(failed=1)}
    records = consolidate([passed, *found], {"a": Outcome.FAILED}, [model()], {}, went)
    assert [record.best.anchors[0].start_line for record in records] == [1, 2, 5, 3]


def test_nobody_is_sent_to_a_function_that_a_better_finding_names() -> None:
    records = consolidate([lead(3, "a", 0.9), diagnosis(3, "a")], {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.rule for record in records] == ["L190"]


def test_a_flaw_that_no_run_touched_is_not_told_for_what_leads_to_its_function() -> None:
    found = [lead(3, "a", 0.4), lead(5, "a", 0.2), diagnosis(7, None), diagnosis(5, None)]
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {})
    told = [(r.best.rule, r.best.anchors[0].start_line) for r in records]
    assert told == [("O190", 3), ("O190", 5), ("L190", 5), ("L190", 7)]
    assert not any(record.lead for record in records)


def test_a_flaw_that_a_failed_run_met_comes_before_all_that_leads_somewhere() -> None:
    met = diagnosis(5, None)
    found = [lead(3, "a", 0.4), lead(5, "a", 0.2), diagnosis(7, None), met]
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {}, {met.flaw: Support(failed=1)})
    assert [(r.best.rule, r.best.anchors[0].start_line) for r in records] == [("L190", 5), ("O190", 3), ("L190", 7)]


def test_nobody_is_sent_anywhere_for_a_run_whose_failure_a_flaw_leads_to() -> None:
    flaw = diagnosis(7, "a").model_copy(update={"leads": True})
    runs = {"a": Outcome.FAILED, "b": Outcome.FAILED}
    assert [r.best.rule for r in consolidate([lead(3, "a", 0.4), flaw], runs, [model()], {})] == ["L190"]
    both = consolidate([lead(3, "a", 0.4), lead(3, "b", 0.4), flaw], runs, [model()], {})
    assert [record.best.rule for record in both] == ["L190", "O190"], "nothing explains the other run"


def test_a_flaw_that_leads_to_the_failure_comes_before_where_to_look_however_sure() -> None:
    flaw = diagnosis(30, "a", confidence=0.4).model_copy(update={"leads": True, "severity": Severity.WARNING})
    records = consolidate([lead(1, "a", 0.9), flaw], {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.anchors[0].start_line for record in records] == [30, 1]


def test_places_that_nobody_needs_to_look_at_put_no_other_one_later() -> None:
    flaw, passed = diagnosis(30, "b").model_copy(update={"leads": True}), diagnosis(9, None, confidence=0.6)
    given_up = [lead(line, "b", 0.4) for line in (31, 32, 33)]
    runs = {"a": Outcome.FAILED, "b": Outcome.FAILED}
    records = consolidate(
        [*given_up, flaw, passed, lead(1, "a", 0.3)], runs, [model()], {}, {passed.flaw: Support(failed=1)}
    )
    assert [record.best.anchors[0].start_line for record in records] == [30, 1, 9]


def test_a_flaw_that_is_not_sure_leaves_the_places_to_look_at() -> None:
    unsure = diagnosis(7, "a", confidence=0.8).model_copy(update={"leads": True})
    records = consolidate([lead(3, "a", 0.4), unsure], {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.rule for record in records] == ["L190", "O190"]


def test_a_flaw_where_a_failed_run_leads_comes_before_one_elsewhere() -> None:
    found = [diagnosis(3, "a", confidence=0.6), diagnosis(7, "a", confidence=0.5), lead(7, "a", 0.4)]
    records = consolidate(found, {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.anchors[0].start_line for record in records] == [7, 3]
    assert [record.best.rule for record in records] == ["L190", "L190"]


def test_further_places_of_a_rule_in_one_function_come_after_other_functions() -> None:
    first, second, other = (diagnosis(line, "a", confidence=sure) for line, sure in ((3, 0.9), (5, 0.88), (9, 0.6)))
    second = second.model_copy(update={"anchors": (anchor(5, name=first.anchors[0].qualname),)})
    records = consolidate([first, second, other], {"a": Outcome.FAILED}, [model()], {})
    assert [record.best.anchors[0].start_line for record in records] == [3, 9, 5]


SOME = st.lists(
    st.builds(
        lambda line, run_id, sure, where_to_look, leads, severity: (
            lead(line, run_id or "a", sure)
            if where_to_look
            else diagnosis(line, run_id, confidence=sure, rule=f"L19{severity is Severity.INFO:d}").model_copy(
                update={"leads": leads, "severity": severity}
            )
        ),
        st.integers(1, 6),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([0.2, 0.5, 0.95]),
        st.booleans(),
        st.sampled_from([True, False, None]),
        st.sampled_from([Severity.WARNING, Severity.INFO]),
    ),
    max_size=8,
)


@given(SOME, st.sets(st.integers(1, 6)), st.randoms())
def test_what_was_put_in_order_and_kept_is_told_in_that_order_again(
    found: list[Diagnosis], passed: set[int], chance: Random
) -> None:
    went = {flaw_id("L190", anchor(line, name=f"f{line}")): Support(failed=1) for line in passed}
    told = consolidate(found, {"a": Outcome.FAILED}, [model()], {}, went)
    kept = list(told)
    chance.shuffle(kept)
    assert in_order(kept) == told


def test_a_claim_whose_citation_does_not_resolve_is_dropped_and_counted() -> None:
    good = Finding("seen", [anchor(3)], responsible_step="s1")
    lost_step = Finding("seen", [anchor(4)], responsible_step="s9")
    lost_line = Finding("seen", [anchor(400)])
    lost_file = Finding("seen", [anchor(3, path="other.py")])
    report = diagnose_run(run(), model(), [Saying(good, lost_step, lost_line, lost_file)])
    assert [d.anchors[0].start_line for d in report.diagnoses] == [3]
    assert len(report.incomplete) == 3
    assert any("s9" in said for said in report.incomplete)


def test_a_rule_that_raises_is_named_and_the_others_go_on() -> None:
    rules = [Saying(error=ValueError("oops")), Saying(Finding("seen", [anchor(3)]))]
    report = diagnose_run(run("abcdefgh12"), model(), rules)
    assert len(report.diagnoses) == 1
    assert report.incomplete == ["rule L190 failed on run abcdefgh: ValueError: oops"]


def test_a_suppression_comment_counts_on_its_place_only() -> None:
    file = SourceFile(path="agent.py", sha256="0", lines=50, suppressions={"3": ["L190"], "20": ["*"]})
    source = HarnessModel(root="/x", files=(file,))
    places = [anchor(3), anchor(4, name="next"), anchor(20, name="star"), anchor(30, name="other")]
    report = diagnose_source(source, [Saying(*(Finding("seen", [place]) for place in places))])
    assert [d.anchors[0].start_line for d in report.diagnoses] == [30]
    assert report.suppressed == 3


def test_a_comment_that_silences_nothing_is_told() -> None:
    comments = {"3": ["L190"], "9": ["L190"], "12": ["Z999"], "20": ["O190"], "30": ["*"]}
    file = SourceFile(path="agent.py", sha256="0", lines=50, suppressions=comments)
    harness = HarnessModel(root="/x", files=(file,))
    static = [rule for rule in all_rules() if rule.code == "T110"]
    told = list(idle_comments(harness, {("agent.py", 3, "L190")}, static))
    assert [line.partition("`")[0] for line in told] == [
        "agent.py:3: ",
        "agent.py:9: ",
        "agent.py:12: ",
        "agent.py:20: ",
    ]
    asked = file.model_copy(update={"suppressions": {"3": ["T110"], "9": ["T110"], "12": ["T102"]}})
    harness = HarnessModel(root="/x", files=(asked,))
    assert not static[0].observes
    (idle,) = idle_comments(harness, {("agent.py", 3, "T110")}, static)
    assert idle == "agent.py:9: `harnessfix: ignore[T110]` silences nothing"
    assert list(idle_comments(harness, set(), [r for r in all_rules() if r.code == "T102"])) == []
