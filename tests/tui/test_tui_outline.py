"""The shape of a run: who is inside whom, where to look, and finding."""

from collections.abc import Callable

import pytest

from harnessfix.tui.outline import Outline, find
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Status

MakeStep = Callable[..., TraceStep]


def test_children_parents_and_counts(run: Htir, diagnosis: Diagnosis) -> None:
    outline = Outline(run, [diagnosis])
    assert [step.id for step in outline.children(None)] == ["s1"]
    assert [step.id for step in outline.children("s3")] == ["s4", "s5"]
    assert outline.ancestors("s5") == ["s1", "s3"]
    whole = outline.inside["s1"]
    assert (whole.steps, whole.errors, whole.flaws) == (5, 1, 1)


def test_marks_are_errors_and_blamed_steps(run: Htir, diagnosis: Diagnosis) -> None:
    outline = Outline(run, [diagnosis])
    assert outline.marks == ["s3", "s5"]
    assert set(outline.touched) == {"s3", "s4", "s6"}
    assert set(outline.blamed) == {"s3"}


@pytest.mark.parametrize(
    ("here", "direction", "there"),
    [("s1", 1, "s3"), ("s3", 1, "s5"), ("s5", 1, "s3"), ("s3", -1, "s5"), ("s6", -1, "s5"), (None, 1, "s3")],
)
def test_next_mark_goes_round(run: Htir, diagnosis: Diagnosis, here: str | None, direction: int, there: str) -> None:
    assert Outline(run, [diagnosis]).next_mark(here, direction) == there


def test_a_run_without_marks_has_no_next(bare_step: MakeStep) -> None:
    run = Htir(run=RunInfo(id="r"), steps=(bare_step(1),))
    assert Outline(run).next_mark("s1", 1) is None


def test_parents_in_a_circle_hide_no_step(bare_step: MakeStep) -> None:
    steps = (bare_step(1, "s2"), bare_step(2, "s1"), bare_step(3, "s3"), bare_step(4, "nobody"))
    outline = Outline(Htir(run=RunInfo(id="r"), steps=steps))
    assert [step.id for step in outline.children(None)] == ["s1", "s3", "s4"]
    assert outline.ancestors("s2") == ["s1"]


def test_deep_nesting(bare_step: MakeStep) -> None:
    steps = [bare_step(1), *(bare_step(number, f"s{number - 1}") for number in range(2, 5001))]
    steps[-1] = bare_step(5000, "s4999", status=Status.ERROR)
    outline = Outline(Htir(run=RunInfo(id="r"), steps=tuple(steps)))
    assert len(outline.ancestors("s5000")) == 4999
    assert outline.inside["s1"].errors == 1


def test_citations_of_unknown_steps_are_left_out(run: Htir, diagnosis: Diagnosis) -> None:
    stray = diagnosis.model_copy(update={"responsible_step": "s99", "path": ("s99", "s2"), "symptom_step": None})
    outline = Outline(run, [stray])
    assert not outline.blamed
    assert set(outline.touched) == {"s2"}


@pytest.mark.parametrize(
    ("words", "after", "found"),
    [
        ("READ_FILE", None, "s3"),
        ("valueerror", "s1", "s5"),
        ("none of them", "s2", "s6"),
        ("which test fails", "s1", "s2"),
        ("which test fails", "s6", "s1"),
        ("pkg/agent.py:6", None, "s3"),
        ("not there", None, None),
    ],
)
def test_find(run: Htir, words: str, after: str | None, found: str | None) -> None:
    assert find(run, words, after) == found
