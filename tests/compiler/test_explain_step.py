"""Explanation of a step: every character of its input is accounted for, and every output's fate is told."""

from itertools import pairwise

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.htir import Htir
from harnessfix_ir.provenance import explain_step
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import LinkKind, StepKind

PARCELS = "".join(f"shelf {n} holds {n * n % 97} parcels for {'north' if n % 2 else 'south'}\n" for n in range(60))


def run() -> Htir:
    pool = TextPool()

    def part(role: str, text: str) -> Part:
        return Part(role=role, text=pool.put(text))

    def step(number: int, kind: StepKind, given: tuple[Part, ...], made: tuple[Part, ...], **more: object) -> TraceStep:
        fields = {"id": f"s{number}", "kind": kind, "name": kind.value, "source": Source(format="t")}
        return TraceStep.model_validate({**fields, "input": given, "output": made, **more})

    task = part("user", "Count the parcels of all the shelves, please.")
    answer = part("assistant", "I look at the shelves first, one after another.")
    output = part("result", PARCELS)
    cut = part("user", f"Seen:\n{PARCELS[:600]}\n[cut]\n{PARCELS[-300:]}\nGo on.")
    second = part("assistant", "There are many parcels; let me add them up now.")
    failed = ErrorInfo(type="AdderError", message="the adding machine has run out of paper")
    steps = (
        step(1, StepKind.MODEL_CALL, (task,), (answer,)),
        step(2, StepKind.TOOL_CALL, (), (output,)),
        step(3, StepKind.MODEL_CALL, (task, answer, cut), (second,)),
        step(4, StepKind.TOOL_CALL, (), (), error=failed),
        step(5, StepKind.MODEL_CALL, (task, answer, cut, second, part("user", f"Error: {failed.message}!")), ()),
        step(6, StepKind.MODEL_CALL, (task, second, part("user", "And now?")), ()),
    )
    return compile_run(Recording(run=RunInfo(id="r"), steps=steps, texts=pool.texts))


def test_all_characters_of_an_input_are_accounted_for() -> None:
    htir = run()
    for step in htir.steps:
        for part in explain_step(htir, step.id).inputs:
            edges = [(origin.start, origin.end) for origin in part.ranges]
            assert edges[0][0] == 0
            assert edges[-1][1] == part.length
            assert all(a[1] == b[0] for a, b in pairwise(edges))


def test_a_cut_output_is_told_stretch_by_stretch() -> None:
    htir = run()
    ranges = explain_step(htir, "s3").inputs[2].ranges
    assert [origin.source for origin in ranges] == [None, "s2", None, "s2", None]
    for origin in ranges:
        if origin.source_span is not None:
            given = htir.text(htir.step("s3").input[2])[origin.start : origin.end]
            assert given == PARCELS[origin.source_span.start : origin.source_span.end]


def test_resent_parts_name_the_request_that_first_held_them() -> None:
    inputs = explain_step(run(), "s5").inputs
    assert [part.resent_since for part in inputs] == ["s1", "s3", "s3", None, None]
    assert any(origin.source == "s2" for origin in inputs[2].ranges)


def test_fates_of_outputs_and_errors() -> None:
    htir = run()
    [fate] = explain_step(htir, "s2").outputs[0].fates[:1]
    assert (fate.target, fate.kind) == ("s3", LinkKind.TRUNCATED)
    told, lost = explain_step(htir, "s4").errors
    assert (told.target, told.kind) == ("s5", LinkKind.COPIED)
    assert (lost.target, lost.kind) == ("s6", LinkKind.OMITTED)


def test_what_a_request_lacks_is_listed() -> None:
    lost = explain_step(run(), "s6").lost
    assert [(link.source, link.kind) for link in lost] == [(source, LinkKind.OMITTED) for source in ("s1", "s2", "s4")]
