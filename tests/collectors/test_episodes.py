"""Which steps of a recorded program are one run."""

from collections.abc import Sequence

import pytest

from harnessfix_collectors.probe.draft import Draft
from harnessfix_collectors.readers.episodes import episodes
from harnessfix_ir.steps import Part
from harnessfix_ir.vocabulary import StepKind

ASKED = Part(role="user", text="question")
CALL = Part(role="assistant", text="look", kind="tool_call", name="look")
RESULT = Part(role="tool", text="found", kind="tool_result")
AGAIN = Part(role="user", text="another question")
ANSWER = Part(role="assistant", text="42")


def turn(at: int, given: Sequence[Part], replied: Part) -> list[Draft]:
    """A task with one request in it, and a step of its own before it."""
    before = Draft(f"before{at}", None, (10 * at, 0), StepKind.CONTEXT_BUILD, "prepare", 0)
    task = Draft(f"task{at}", None, (10 * at + 1, 0), StepKind.TASK, "request", 0)
    asked = Draft(
        f"call{at}", task.key, (10 * at + 2, 0), StepKind.MODEL_CALL, "ask", 0, input=[*given], output=[replied]
    )
    return [before, task, asked]


def test_a_task_that_answers_the_tools_of_the_one_before_it_goes_on_with_its_run() -> None:
    last = Draft("after", None, (90, 0), StepKind.SUBMIT, "finish", 0)
    found = episodes([*turn(1, [ASKED], CALL), *turn(2, [ASKED, CALL, RESULT], ANSWER), last])
    assert [[draft.key for draft in each] for each in found] == [
        ["before1", "task1", "call1", "before2", "task2", "call2", "after"]
    ]


@pytest.mark.parametrize(
    ("replied", "given"),
    [
        (ANSWER, [ASKED, ANSWER, AGAIN]),
        (ANSWER, [ASKED, CALL, RESULT]),
        (CALL, [ASKED, CALL, RESULT, AGAIN]),
        (CALL, [ASKED]),
        (CALL, [ASKED, CALL]),
        (CALL, [AGAIN, CALL, RESULT]),
        (CALL, []),
    ],
)
def test_any_other_task_is_a_run_of_its_own(replied: Part, given: list[Part]) -> None:
    found = episodes([*turn(1, [ASKED], replied), *turn(2, given, ANSWER)])
    assert [[draft.key for draft in each] for each in found] == [
        ["before1", "task1", "call1"],
        ["before2", "task2", "call2"],
    ]


def test_a_run_that_was_gone_on_with_ends_before_the_next_agent_begins() -> None:
    turns = [*turn(1, [ASKED], CALL), *turn(2, [ASKED, CALL, RESULT], ANSWER), *turn(3, [AGAIN], ANSWER)]
    assert [[draft.key for draft in each if draft.kind is StepKind.TASK] for each in episodes(turns)] == [
        ["task1", "task2"],
        ["task3"],
    ]
