"""Commands and arguments of a few letters lead back to the model call that asked for them, and nothing else does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.compiler.provenance.asked import argument_of, command_of
from harnessfix_ir.htir import Htir
from harnessfix_ir.provenance import Origin, explain_step
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Evidence, LinkKind, StepKind

DATA = {LinkKind.COPIED, LinkKind.TRUNCATED, LinkKind.TRANSFORMED}


class Run:
    """Builds a run of steps, numbered from s1."""

    def __init__(self) -> None:
        self.pool = TextPool()
        self.steps: list[TraceStep] = []

    def part(self, text: str, role: str = "arguments", **more: str) -> Part:
        return Part(role=role, text=self.pool.put(text), **more)

    def add(self, kind: StepKind, given: tuple[Part, ...] = (), made: tuple[Part, ...] = (), **more: object) -> str:
        number = len(self.steps) + 1
        fields = {"id": f"s{number}", "kind": kind, "name": kind.value, "source": Source(format="t")}
        self.steps.append(TraceStep.model_validate({**fields, "input": given, "output": made, **more}))
        return f"s{number}"

    def says(self, text: str) -> str:
        return self.add(StepKind.MODEL_CALL, (self.part("go on", "user"),), (self.part(text, "assistant"),))

    def calls(self, *calls: tuple[str, str]) -> str:
        made = tuple(self.part(text, "assistant", kind="tool_call", name="sh", call_id=call) for call, text in calls)
        return self.add(StepKind.MODEL_CALL, (self.part("go on", "user"),), made)

    def compile(self) -> Htir:
        return compile_run(Recording(run=RunInfo(id="r"), steps=tuple(self.steps), texts=self.pool.texts))


def origin(compiled: Htir, step: str, part: int = 0) -> Origin:
    [found] = explain_step(compiled, step).inputs[part].ranges
    return found


def source_text(compiled: Htir, found: Origin) -> str:
    assert found.source is not None
    assert found.source_span is not None
    part = compiled.step(found.source).output[found.source_span.part]
    return compiled.text(part)[found.source_span.start : found.source_span.end]


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("I look around first.\n\n```bash\nls -la\n```", Evidence.DERIVED),
        ("I look around first.\n\n```mswea_bash_command\nls -la\n```\nThen I go on.", Evidence.DERIVED),
        ("First <execute_bash>\nls -la\n</execute_bash>", Evidence.DERIVED),
        ("ls -la", Evidence.DERIVED),
        ("I run `ls -la` here.", Evidence.HEURISTIC),
        ("Thought: look around.\nAction: ls -la\n", Evidence.HEURISTIC),
    ],
)
def test_a_command_written_as_text_leads_to_the_model_that_wrote_it(said: str, evidence: Evidence) -> None:
    run = Run()
    turn = run.says(said)
    tool = run.add(StepKind.TOOL_CALL, (run.part("ls -la"),), (run.part("total 0", "result"),))
    compiled = run.compile()
    found = origin(compiled, tool)
    assert (found.source, found.kind) == (turn, LinkKind.COPIED)
    assert source_text(compiled, found) == "ls -la"
    if said != "ls -la":
        assert found.evidence is evidence


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("I list the files with ls -la and then go on.", "ls -la"),  # inside a sentence
        ("```bash\nls -la tests\n```", "ls -la"),  # part of a longer command
        ("```bash\nls -la\n```", "ls -l"),  # part of a word
        ("I look around.", "ls -la"),
        ("1. 2\n2\n", "2"),  # a number on a line
        ("", "ls"),
    ],
)
def test_a_command_that_only_occurs_in_a_text_does_not(said: str, given: str) -> None:
    run = Run()
    run.says(said)
    tool = run.add(StepKind.TOOL_CALL, (run.part(given),), (run.part("total 0", "result"),))
    assert not [link for link in run.compile().links if link.kind in DATA and link.target == tool]


def test_a_command_is_that_of_the_last_turn_of_its_own_agent() -> None:
    run = Run()
    run.add(StepKind.MODEL_CALL, (run.part("go on", "user"),), (run.part("```\nls\n```", "assistant"),), agent="scout")
    turn = run.add(
        StepKind.MODEL_CALL, (run.part("go on", "user"),), (run.part("Now:\n```\nls\n```", "assistant"),), agent="chief"
    )
    run.add(
        StepKind.MODEL_CALL, (run.part("go on", "user"),), (run.part("No:\n```\nls\n```", "assistant"),), agent="scout"
    )
    tool = run.add(StepKind.TOOL_CALL, (run.part("ls"),), (run.part("a", "result"),), agent="chief")
    assert origin(run.compile(), tool).source == turn


def test_each_argument_leads_to_its_value_in_the_call() -> None:
    run = Run()
    turn = run.calls(("c1", '{"cmd": "ls", "n": 5, "deep": true}'))
    parts = (run.part("ls", name="cmd"), run.part("5", name="n"), run.part("true", name="deep"))
    tool = run.add(StepKind.TOOL_CALL, parts, (run.part("a", "result"),), name="sh", call_id="c1")
    compiled = run.compile()
    for number, value in enumerate(("ls", "5", "true")):
        found = origin(compiled, tool, number)
        assert (found.source, found.kind, found.evidence) == (turn, LinkKind.TRANSFORMED, Evidence.DERIVED)
        assert source_text(compiled, found) == value


@pytest.mark.parametrize(
    "given", ['{"n":5,"cmd":"ls"}', '{"input":{"n":5,"cmd":"ls"}}', '{"args": ["ls"], "kwargs": {"n": 5}}']
)
def test_arguments_in_another_spelling_lead_to_their_call(given: str) -> None:
    run = Run()
    turn = run.calls(("c1", '{"cmd": "pwd", "n": 5}'), ("c2", '{"cmd": "ls", "n": 5}'))
    tool = run.add(StepKind.TOOL_CALL, (run.part(given),), (run.part("a", "result"),), name="sh")
    compiled = run.compile()
    found = origin(compiled, tool)
    assert (found.source, found.kind) == (turn, LinkKind.TRANSFORMED)
    assert source_text(compiled, found) == '{"cmd": "ls", "n": 5}'


def test_other_values_than_those_of_the_call_lead_nowhere() -> None:
    run = Run()
    run.calls(("c1", '{"cmd": "ls", "n": 1}'))
    parts = (run.part("ls -la", name="cmd"), run.part("true", name="n"))
    tool = run.add(StepKind.TOOL_CALL, parts, (run.part("a", "result"),), name="sh", call_id="c1")
    compiled = run.compile()
    assert [origin(compiled, tool, number).source for number in (0, 1)] == [None, None]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | texts, lambda inner: st.lists(inner, max_size=3))


@settings(max_examples=80, deadline=None)
@given(texts, texts)
def test_what_is_said_to_be_a_command_is_there(said: str, given_text: str) -> None:
    found = command_of(said, given_text)
    if found is not None:
        [piece] = found[0].pieces
        assert said[slice(*piece.source)] == given_text[slice(*piece.sink)] == given_text.strip()
    block = command_of(f"{said}\n```\n{given_text}\n```", given_text)
    assert (block is not None) == bool(given_text.strip())


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.none() | texts)
def test_any_two_texts_may_be_asked_and_given(asked: str, given_text: str, name: str | None) -> None:
    relation = argument_of(asked, given_text, name)
    assert relation is None or (0 <= relation.source[0] <= relation.source[1] <= len(asked))
