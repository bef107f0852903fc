"""Tables of what runs spend: reusable prompt prefixes, and memory that is written and read."""

from collections.abc import Sequence

import pytest

from harnessfix.diagnoser.costs.memories import memory_use, operation
from harnessfix.diagnoser.costs.prefixes import cache_use
from harnessfix_ir.document import JsonValue
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Part, Source, TraceLink, TraceStep, Usage
from harnessfix_ir.vocabulary import LinkKind, StepKind

SOURCE = Source(format="test")


def asked(step_id: str, *messages: tuple[str, str], tools: str = "", usage: Usage | None = None) -> TraceStep:
    attributes: dict[str, JsonValue] = {"arguments": {"tools": tools}} if tools else {}
    parts = tuple(Part(role=role, text=text) for role, text in messages)
    return TraceStep(
        id=step_id,
        kind=StepKind.MODEL_CALL,
        name="chat",
        input=parts,
        usage=usage,
        attributes=attributes,
        source=SOURCE,
    )


def run(*steps: TraceStep, links: Sequence[TraceLink] = ()) -> Htir:
    texts = {part.text: part.text for step in steps for part in (*step.input, *step.output)}
    return Htir(run=RunInfo(id="r"), steps=steps, texts=texts, links=tuple(links))


SYSTEM, USER = ("system", "s" * 600), ("user", "u" * 400)


def test_a_history_that_only_grows_is_reusable_whole() -> None:
    use = cache_use(run(asked("s1", SYSTEM, USER), asked("s2", SYSTEM, USER, ("assistant", "a" * 500))))
    first, second = use.requests
    assert (first.previous, first.reusable) == (None, 0)
    assert (second.previous, second.characters, second.reusable, second.broken_at) == ("s1", 1500, 1000, "")
    assert use.lost == 0


def test_a_change_near_the_top_costs_what_stands_behind_it() -> None:
    one, two = ("system", "at 10:01 " + "s" * 591), ("system", "at 10:02 " + "s" * 591)
    use = cache_use(run(asked("s1", one, USER), asked("s2", two, USER, ("assistant", "a"))))
    assert use.requests[1].reusable == 7
    assert "message 0 (system) at 7" in use.requests[1].broken_at
    assert use.lost == 1000 - 7


def test_other_tools_stand_before_everything() -> None:
    use = cache_use(run(asked("s1", SYSTEM, USER, tools="[a, b]"), asked("s2", SYSTEM, USER, tools="[b, a]")))
    assert (use.requests[1].reusable, use.requests[1].broken_at[:9]) == (0, "the tools")


def test_what_the_provider_tells_is_told() -> None:
    kept = Usage(input_tokens=200, cached_tokens=150)
    use = cache_use(
        run(asked("s1", SYSTEM, usage=Usage(input_tokens=100, cached_tokens=0)), asked("s2", SYSTEM, usage=kept))
    )
    assert use.cached_share == 0.5
    assert cache_use(run(asked("s1", SYSTEM))).cached_share is None


def memory(step_id: str, name: str, given: str = "", said: str = "", kind: StepKind = StepKind.MEMORY) -> TraceStep:
    inputs = (Part(role="arguments", text=given),) if given else ()
    outputs = (Part(role="result", text=said),) if said else ()
    times = {"started_ns": 0, "ended_ns": 500_000_000}
    return TraceStep(id=step_id, kind=kind, name=name, input=inputs, output=outputs, source=SOURCE, **times)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name", "sort"),
    [
        (StepKind.MEMORY, "NoteStore.save_note", "write"),
        (StepKind.MEMORY, "NoteStore.searchNotes", "read"),
        (StepKind.RETRIEVAL, "rerank", "read"),
        (StepKind.TOOL_CALL, "add_memory", "write"),
        (StepKind.TOOL_CALL, "search_files", None),
        (StepKind.MODEL_CALL, "query", None),
    ],
)
def test_what_is_a_write_and_what_a_read(kind: StepKind, name: str, sort: str | None) -> None:
    assert operation(memory("s1", name, kind=kind)) == sort


def test_each_backend_has_its_costs_and_what_came_of_them() -> None:
    fact = "high water is at six"
    steps = (
        memory("s1", "NoteStore.save_note", given=fact),
        memory("s2", "EventMemory.remember", given="the model said hello"),
        memory("s3", "NoteStore.search_notes", said=f"found: {fact}"),
        asked("s4", ("user", f"found: {fact}")),
        memory("s5", "NoteStore.save_note", given="nobody will ask for this"),
    )
    link = TraceLink(source="s3", target="s4", kind=LinkKind.COPIED)
    notes, events = memory_use([run(*steps, links=[link])])
    assert (notes.backend, notes.writes, notes.reads, notes.idle, notes.used) == ("NoteStore", 2, 1, 1, notes.read)
    assert (events.backend, events.writes, events.reads, events.idle) == ("EventMemory", 1, 0, 1)
    assert notes.write_seconds == 1.0
