"""What a run met of what the source shows is up to the rule that found it; a rule that fails at that costs nothing."""

from typing import Any, ClassVar

import pytest

from harnessfix.rules._way import Way
from harnessfix.stages.examine import Examine, Harness
from harnessfix.store import Store
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Layer, Outcome, Severity

from .saying import First

PLACE = Anchor(path="agent.py", qualname="far", start_line=22, end_line=22)


class Meeting(First):
    """One that says of every run what a test wants."""

    answer: ClassVar[bool | None] = True

    def met(self, way: Way, anchor: Anchor) -> bool:
        if self.answer is None:
            raise KeyError("no such thing")
        return self.answer and super().met(way, anchor)


class NeverMet(Meeting):
    answer = False


class Unsure(Meeting):
    answer = None


def function(name: str, start: int, end: int) -> Element:
    whole = Anchor(path="agent.py", qualname=name, start_line=start, end_line=end, kind=AnchorKind.FUNCTION)
    return Element(id=name, role=ElementRole.FUNCTION, layer=Layer.LIFECYCLE, name=name, anchor=whole)


MODEL = HarnessModel(root="/x", elements=(function("near", 1, 20), function("far", 21, 23)))
RUN = Htir(
    run=RunInfo(id="r" * 32, outcome=Outcome.FAILED, program=("near", "weigh_near_things")),
    reached={"agent.py": Reached(hit=(2, *range(4, 20), 22))},
)
FOUND = Diagnosis(
    flaw="1234abcd",
    rule=First.code,
    name=First.name,
    layer=Layer.LIFECYCLE,
    severity=Severity.WARNING,
    anchors=(PLACE,),
    message="seen",
    confidence=0.8,
    evidence=Evidence.DERIVED,
)


@pytest.mark.parametrize(("rule", "met", "said"), [(Meeting, 1, 0), (NeverMet, 0, 0), (Unsure, 1, 1)])
def test_the_rule_says_what_was_met(rule: type[Meeting], met: int, said: int, tmp_path: Any) -> None:
    with Store.open(tmp_path / "store.db") as store:
        examine = Examine(store, {}, [rule()])
        went, _, unsaid = examine._met(RUN, Harness.of(MODEL, [FOUND], [rule()]))
    assert [each.flaw for each in went] == [FOUND.flaw] * met
    assert len(unsaid) == said
    assert all("L191" in words and "KeyError" in words and "rrrrrrrr" in words for words in unsaid)


@pytest.mark.parametrize(("lines", "met"), [((23, 22), True), ((23,), False), ((23, 21), False)])
def test_a_flaw_of_several_places_is_met_at_any_of_them(lines: tuple[int, ...], met: bool, tmp_path: Any) -> None:
    places = tuple(PLACE.model_copy(update={"start_line": line, "end_line": line}) for line in lines)
    around = function("near", 1, 20).anchor
    with Store.open(tmp_path / "store.db") as store:
        flaw = FOUND.model_copy(update={"anchors": (*places, around)})
        went, _, _ = Examine(store, {}, [Meeting()])._met(RUN, Harness.of(MODEL, [flaw], [Meeting()]))
    assert bool(went) is met, "a function around, which ran, is no such place"


def test_what_a_failed_run_has_little_to_do_with_stands_aside(tmp_path: Any) -> None:
    with Store.open(tmp_path / "store.db") as store:
        examine = Examine(store, {}, [Meeting()])
        for outcome, far in ((Outcome.FAILED, [FOUND.flaw]), (Outcome.PASSED, [])):
            run = RUN.model_copy(update={"run": RUN.run.model_copy(update={"outcome": outcome})})
            _, aside, _ = examine._met(run, Harness.of(MODEL, [FOUND], [Meeting()]))
            assert [each.flaw for each in aside] == far


def test_what_is_met_is_asked_anew_when_the_rule_is_another() -> None:
    one, other = (Harness.of(MODEL, [FOUND], [rule]).wanted for rule in (First(), Meeting()))
    assert one["reached"] != other["reached"]
