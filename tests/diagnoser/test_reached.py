"""What the source shows is ranked by the runs that went through its lines."""

from harnessfix.diagnoser.consolidate import consolidate
from harnessfix.diagnoser.identity import flaw_id
from harnessfix.diagnoser.reached import counted, in_words, ran
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Layer, Outcome, Severity


def place(line: int, name: str = "Agent.run", kind: AnchorKind = AnchorKind.CALL, end: int = 0) -> Anchor:
    return Anchor(path="agent.py", qualname=name, start_line=line, end_line=end or line, kind=kind)


def model() -> HarnessModel:
    whole = place(10, kind=AnchorKind.FUNCTION, end=30)
    function = Element(id="f", role=ElementRole.FUNCTION, layer=Layer.LIFECYCLE, name="run", anchor=whole)
    return HarnessModel(root="/x", elements=(function,))


def said(line: int, severity: Severity = Severity.WARNING, run: str | None = None) -> Diagnosis:
    anchor = place(line, name=f"f{line}")
    return Diagnosis(
        flaw=flaw_id("L190", anchor),
        rule="L190",
        name="test-rule",
        layer=Layer.LIFECYCLE,
        severity=severity,
        run=run,
        anchors=(anchor,),
        message="seen.",
        confidence=0.8,
        evidence=Evidence.DERIVED,
    )


def test_lines_of_a_function_ran_or_not() -> None:
    run = Htir(run=RunInfo(id="r"), reached={"agent.py": Reached(hit=(11, 20), missed=(15,))})
    known = model()
    assert [ran(run, known, place(line)) for line in (12, 16, 21)] == [True, False, True]
    assert ran(run, known, place(14, kind=AnchorKind.HANDLER, end=22))
    assert not ran(run, known, place(14, kind=AnchorKind.HANDLER, end=18))
    assert not ran(run, known, place(12, name="<module>"))
    assert not ran(Htir(run=RunInfo(id="r")), known, place(12))


def test_order_of_what_is_known() -> None:
    failed, passed = Support(failed=1), Support(passed=1)
    found = [said(1), said(2), said(3), said(4, run="r"), said(5, Severity.INFO)]
    went = {said(2).flaw: passed, said(3).flaw: failed, said(5).flaw: failed}
    records = consolidate(found, {"r": Outcome.FAILED}, [HarnessModel(root="")], {}, went)
    assert [record.best.anchors[0].start_line for record in records] == [4, 3, 5, 2, 1]
    assert records[1].reached == failed
    assert records[1].best.message == "seen. One recorded run went through these lines, which failed."


def test_runs_are_counted_by_outcome() -> None:
    runs = counted(counted(counted(Support(), Outcome.FAILED), Outcome.PASSED), Outcome.UNKNOWN)
    assert runs == Support(failed=1, passed=1, unknown=1)
    assert in_words(runs) == " 3 recorded runs went through these lines, 1 of them failed."
    assert in_words(Support()) == ""
