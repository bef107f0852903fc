"""What is asked of a compiled run: what lies inside a step, where it stands, which links and events there are."""

import random

import pytest

from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Part, Source, StepEvent, TraceLink, TraceStep
from harnessfix_ir.vocabulary import Evidence, LinkKind, StepKind

SOURCE = Source(format="test")


def _step(name: str, parent: str | None, **more: object) -> TraceStep:
    return TraceStep.model_validate(
        {"id": name, "parent": parent, "kind": StepKind.TASK, "name": name, "source": SOURCE, **more}
    )


def _run(*steps: TraceStep, links: tuple[TraceLink, ...] = ()) -> Htir:
    return Htir(run=RunInfo(id="run"), steps=steps, links=links)


def _walked(run: Htir, identity: str) -> list[str]:
    return [found for child in run.children(identity) for found in (child.id, *_walked(run, child.id))]


@pytest.mark.parametrize("seed", range(20))
def test_steps_inside_a_step_are_those_of_a_walk(seed: int) -> None:
    dice = random.Random(seed)
    parents = [None if number == 0 or dice.random() < 0.1 else f"s{dice.randrange(number)}" for number in range(60)]
    steps = [_step(f"s{number}", parent) for number, parent in enumerate(parents)]
    dice.shuffle(steps)  # a clock that is wrong puts steps before those they are inside
    run = _run(*steps)
    for step in steps:
        assert [inner.id for inner in run.descendants(step.id)] == _walked(run, step.id)
        assert run.steps[run.place(step.id)] is step
    assert not run.descendants("nobody")


def test_steps_that_are_inside_one_another_end() -> None:
    run = _run(_step("a", "b"), _step("b", "a"), _step("c", "b"), _step("d", "lost"), _step("e", "d"))
    assert [step.id for step in run.descendants("a")] == ["b", "c"]
    assert [step.id for step in run.descendants("b")] == ["c"]
    assert [step.id for step in run.descendants("d")] == ["e"]


def test_links_and_steps_by_what_they_are() -> None:
    links = [
        TraceLink(source="a", target=target, kind=kind, evidence=Evidence.OBSERVED)
        for target, kind in (("b", LinkKind.COPIED), ("b", LinkKind.TRUNCATED), ("c", LinkKind.COPIED))
    ]
    cut, log = StepEvent(name="cut"), StepEvent(name="log")
    run = _run(
        _step("a", None), _step("b", "a", events=[cut, log, cut]), _step("c", "a", events=[cut]), links=(*links,)
    )
    assert [link.target for link in run.links_of_kind(LinkKind.COPIED)] == ["b", "c"]
    assert not run.links_of_kind(LinkKind.OMITTED)
    assert [step.id for step in run.with_event("cut")] == ["b", "c"]
    assert not run.with_event("retry")


def test_a_copy_is_asked_for_its_own_steps() -> None:
    run = _run(_step("a", None), _step("b", "a"), links=(TraceLink(source="a", target="b", kind=LinkKind.COPIED),))
    assert len(run.descendants("a")) == len(run.links_of_kind(LinkKind.COPIED)) == 1
    bare = run.model_copy(update={"steps": run.steps[:1], "links": ()})
    assert not bare.descendants("a")
    assert not bare.links_of_kind(LinkKind.COPIED)
    assert len(run.descendants("a")) == 1


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 40, 300, 5000])
def test_two_inputs_begin_alike_as_far_as_their_parts_are_equal(length: int) -> None:
    first = tuple(Part(role="user", text=str(number)) for number in range(length))
    for differs in {0, length // 3, length - 1, length}:
        for kept in (first[:differs], tuple(part.model_copy() for part in first[:differs])):
            other = (*kept, *(part.model_copy(update={"name": "other"}) for part in first[differs:]))
            assert common_prefix(first, other) == common_prefix(other, first) == max(differs, 0)
            assert common_prefix(first, (*other, Part(role="user", text="more"))) == max(differs, 0)
