"""Broken recordings: whatever the structure, a document comes out, it is consistent, and the trouble is on record."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.htir import Htir
from harnessfix_ir.integrity import check_integrity
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.serial import dump_htir, load_htir
from harnessfix_ir.steps import Effect, ErrorInfo, Part, Source, StepEvent, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind

SOURCE = Source(format="test")
DEPTH = 5_000


def step(number: int, parent: str | None = None, **fields: Any) -> TraceStep:
    return TraceStep(
        **{"id": f"s{number}", "parent": parent, "kind": StepKind.TOOL_CALL, "name": "t", "source": SOURCE, **fields}
    )


def compiled(*steps: TraceStep, texts: dict[str, str] | None = None) -> Htir:
    htir = compile_run(Recording(run=RunInfo(id="r"), steps=steps, texts=texts or {}))
    check_integrity(htir)
    return htir


def test_exact_repetitions_are_dropped_and_shared_ids_renamed() -> None:
    htir = compiled(step(1), step(1), step(1, name="other"), step(2, parent="s1"))
    assert [s.id for s in htir.steps] == ["s1", "s1~2", "s2"]
    assert len(htir.incomplete) == 2
    assert htir.step("s1~2").missing
    assert "not unique" in htir.step("s2").missing[0]


def test_missing_parents_become_roots() -> None:
    htir = compiled(step(1, parent="s9"), step(2, parent="s1"))
    assert htir.step("s1").parent is None
    assert "s9" in htir.step("s1").missing[0]
    assert htir.step("s2").parent == "s1"


@pytest.mark.parametrize("length", [1, 2, 5])
def test_circles_of_parents_are_cut_once(length: int) -> None:
    steps = [step(n, parent=f"s{(n + 1) % length}") for n in range(length)]
    htir = compiled(*steps, step(9, parent="s0"))
    assert [s.id for s in htir.steps if s.parent is None] == ["s0"]
    assert htir.step("s0").missing
    assert any("1 circle of parents was cut" in note for note in htir.incomplete)


def test_a_parent_may_be_listed_after_its_children() -> None:
    htir = compiled(step(2, parent="s1"), step(3, parent="s1"), step(1))
    assert [(li.source, li.target) for li in htir.links if li.kind is LinkKind.FOLLOWS] == [("s2", "s3")]


def test_steps_out_of_order_are_sorted_and_skewed_clocks_noted() -> None:
    htir = compiled(step(1, started_ns=30, ended_ns=40), step(2, started_ns=10, ended_ns=20))
    assert [s.id for s in htir.steps] == ["s2", "s1"]
    htir = compiled(step(1, started_ns=30, ended_ns=20), step(2, parent="s1", started_ns=5, ended_ns=6))
    assert [s.id for s in htir.steps] == ["s1", "s2"]
    assert "ends before it begins" in htir.step("s1").missing[0]
    assert "begins before s1" in htir.step("s2").missing[0]


def test_lost_texts_are_empty_and_noted() -> None:
    htir = compiled(step(1, output=(Part(role="result", text="0" * 32),)))
    assert htir.output_text(htir.step("s1")) == ""
    assert "0" * 32 in htir.step("s1").missing[0]


def test_lone_surrogates_are_kept_and_matched() -> None:
    pool = TextPool()
    text = "a broken \ud83d half and a whole \U0001f600 face, again and again, until the end of the line"
    output = Part(role="result", text=pool.put(text))
    seen = Part(role="user", text=pool.put(f"Observation: {text}"))
    htir = compiled(step(1, output=(output,)), step(2, kind=StepKind.MODEL_CALL, input=(seen,)), texts=pool.texts)
    [link] = htir.links_to("s2", LinkKind.COPIED)
    assert link.target_span is not None
    assert htir.input_text(htir.step("s2"))[link.target_span.start : link.target_span.end] == text
    written = dump_htir(htir)
    written.encode("utf-8")
    assert load_htir(written) == htir


def test_steps_may_be_nested_as_deep_as_they_like() -> None:
    htir = compiled(*(step(n, parent=f"s{n - 1}" if n else None) for n in range(DEPTH)))
    assert len(htir.steps) == DEPTH


def test_causes_and_attributes_nested_deep_do_no_harm() -> None:
    error = ErrorInfo(type="E", message="innermost cause of all")
    for _ in range(200):
        error = ErrorInfo.model_construct(type="E", message="outer", traceback="", cause=error)
    value: Any = 1
    for _ in range(500):
        value = [value]
    deep = TraceStep.model_construct(
        **{**step(1).__dict__, "error": error, "attributes": {"deep": value, "flat": [1, 2]}}
    )
    htir = compile_run(Recording.model_construct(run=RunInfo(id="r"), steps=(deep,), texts={}, incomplete=()))
    assert htir.steps[0].attributes == {"flat": [1, 2]}
    assert "deep" in htir.steps[0].missing[0]


def test_ten_megabytes_are_matched() -> None:
    pool = TextPool()
    text = "".join(f"row {n} has the value {n * n}\n" for n in range(400_000))
    output = Part(role="result", text=pool.put(text))
    cut = Part(role="user", text=pool.put(text[:5_000] + "\n[truncated]\n" + text[-5_000:]))
    htir = compiled(step(1, output=(output,)), step(2, kind=StepKind.MODEL_CALL, input=(cut,)), texts=pool.texts)
    assert len(text) > 10_000_000
    [link] = htir.links_to("s2", LinkKind.TRUNCATED)
    assert "(head and tail)" in link.detail


texts = st.text(max_size=200) | st.sampled_from(
    ["", "ok", "a b c " * 60, '{"a": 1}', "\ud800", "x" * 500, "[truncated]", "C:\\new\\table \\u00e9 \\ud83d\\ude00"]
)
ids = st.sampled_from([f"s{n}" for n in range(8)] + [""])
times = st.none() | st.integers(0, 60)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    pool = TextPool()

    def parts() -> tuple[Part, ...]:
        return tuple(
            Part(
                role=draw(st.sampled_from(["system", "user", "assistant", "tool", "arguments", "result"])),
                text=draw(st.sampled_from(["lost"])) if draw(st.integers(0, 9)) == 0 else pool.put(draw(texts)),
                kind=draw(st.sampled_from(["text", "tool_call", "tool_result"])),
                call_id=draw(st.none() | st.sampled_from(["c1", "c2"])),
            )
            for _ in range(draw(st.integers(0, 3)))
        )

    steps = tuple(
        TraceStep(
            id=draw(ids),
            parent=draw(st.none() | ids),
            kind=draw(st.sampled_from(StepKind)),
            name=draw(st.sampled_from(["t", "raise E", "except E"])),
            agent=draw(st.none() | st.sampled_from(["a", "b"])),
            started_ns=draw(times),
            ended_ns=draw(times),
            input=parts(),
            output=parts(),
            status=draw(st.sampled_from(Status)),
            error=draw(st.none() | st.just(ErrorInfo(type="m.E", message="a message of an error"))),
            effects=tuple(
                Effect(effect=draw(st.sampled_from(["read", "artifact"])), resource="/a")
                for _ in range(draw(st.integers(0, 1)))
            ),
            events=tuple(StepEvent(name="iteration", time_ns=draw(times)) for _ in range(draw(st.integers(0, 2)))),
            source=SOURCE,
        )
        for _ in range(draw(st.integers(0, 10)))
    )
    return Recording(run=RunInfo(id="r"), steps=steps, texts=pool.texts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(recordings())
def test_any_recording_compiles_to_a_consistent_document(recording: Recording) -> None:
    htir = compile_run(recording)
    check_integrity(htir)
    assert compile_run(recording) == htir
    assert load_htir(dump_htir(htir)) == htir
    order = {step.id: n for n, step in enumerate(htir.steps)}
    for link in htir.links:
        assert link.source != link.target
        if link.kind is LinkKind.COPIED and link.source_span and link.target_span:
            assert (
                cited(htir, link.source, link.source_span).strip() == cited(htir, link.target, link.target_span).strip()
            )
        if link.kind is LinkKind.FOLLOWS:
            assert order[link.source] < order[link.target]
            assert link.evidence in (Evidence.OBSERVED, Evidence.DERIVED)


def cited(htir: Htir, step_id: str, span: Any) -> str:
    owner = htir.step(step_id)
    part = (owner.input if span.side == "in" else owner.output)[span.part]
    return htir.text(part)[span.start : span.end]
