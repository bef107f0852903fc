"""How the links of one step are told."""

import pytest

from harnessfix.cli.render.step_words import fate_words, link_words, origin_words
from harnessfix_ir.provenance import Fate, Origin
from harnessfix_ir.steps import Span, TraceLink
from harnessfix_ir.vocabulary import Evidence, LinkFamily, LinkKind

OTHERS = [kind for kind in LinkKind if kind.family is not LinkFamily.DATA]


@pytest.mark.parametrize("kind", OTHERS)
def test_every_relation_has_words_for_both_of_its_ends(kind: LinkKind) -> None:
    link = TraceLink(source="s1", target="s2", kind=kind, evidence=Evidence.OBSERVED, detail="so")
    first, second = link_words(link, "s1"), link_words(link, "s2")
    assert "s2" in first
    assert "s1" in second
    assert first != second
    assert first.endswith(": so")


def test_places_are_told_where_they_are_not_the_whole() -> None:
    span = Span(side="out", part=1, start=4, end=9)
    whole = Origin(
        start=0, end=5, source="s1", source_span=span, kind=LinkKind.COPIED, evidence=Evidence.DERIVED, detail="whole"
    )
    assert origin_words(whole, 5) == "copied from s1 output 1 [4–9]: whole (derived)"
    assert origin_words(whole, 9).startswith("0–5 copied")
    assert origin_words(Origin(start=5, end=9), 9) == "5–9 from no earlier step"


def test_what_a_request_lacks_is_said_so() -> None:
    fate = Fate(start=0, end=9, target="s8", kind=LinkKind.OMITTED, evidence=Evidence.HEURISTIC, detail="never sent")
    assert fate_words(fate, 9) == "s8 lacks it: never sent (heuristic)"
    assert fate_words(fate, 20) == "s8 lacks it [0–9]: never sent (heuristic)"
