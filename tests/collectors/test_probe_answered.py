"""Finish reason and usage from the HTTP answer, where the harness keeps only the text of it."""

from typing import Any

from harnessfix_collectors.probe.answered import FROM, lift_exchanges
from harnessfix_collectors.probe.draft import Draft
from harnessfix_collectors.probe.lines import SpoolDocument
from harnessfix_ir.vocabulary import StepKind

BODY = '{"choices": [{"finish_reason": "length"}], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}'


def draft(key: str, kind: StepKind, up: str | None = None, **more: Any) -> Draft:
    return Draft(key, up, (0, 0), kind, key, 0, 1, **more)


def lifted(status: int = 200, inner: StepKind = StepKind.LIFECYCLE, **more: Any) -> Draft:
    model = draft("model", StepKind.MODEL_CALL, **more)
    drafts = {"model": model, "inner": draft("inner", inner, "model")}
    document = SpoolDocument(
        asks=[{"id": "a1", "up": "inner"}], answers={"a1": {"status": status, "text": {"$": "t"}}}, texts={"t": BODY}
    )
    lift_exchanges(drafts, document)
    return model


def test_a_model_call_without_them_gets_those_of_its_answer() -> None:
    model = lifted()
    assert model.finish_reason == "length"
    assert model.usage is not None
    assert (model.usage.input_tokens, model.usage.output_tokens) == (11, 7)
    assert model.attributes["answer_of"] == FROM


def test_what_the_harness_says_itself_stays() -> None:
    assert lifted(finish_reason="stop").finish_reason == "stop"


def test_a_failed_answer_and_one_of_a_tool_inside_say_nothing_of_the_model() -> None:
    assert lifted(status=500).finish_reason is None
    assert lifted(inner=StepKind.TOOL_CALL).finish_reason is None
