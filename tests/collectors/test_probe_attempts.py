"""What a model call lacks, from the attempts in it."""

from typing import Any

from harnessfix_collectors.probe.attempts import lift_attempts
from harnessfix_collectors.probe.draft import Draft
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Status, StepKind


class Calls:
    """Model calls and attempts in them."""

    def __init__(self) -> None:
        self.pool = TextPool()
        self.drafts: dict[str, Draft] = {}

    def add(
        self, key: str, kind: StepKind, up: str | None, said: list[tuple[str, str]], reply: str, **more: Any
    ) -> Draft:
        parts = [
            Part(role=role, name="history" if role == "value" else None, text=self.pool.put(t)) for role, t in said
        ]
        output = [Part(role="assistant", text=self.pool.put(reply))] if reply else []
        more.setdefault("attributes", {"role": "model_call"})
        draft = Draft(key, up, (0, 0), kind, key, 0, 1, input=parts, output=output, **more)
        self.drafts[key] = draft
        return draft

    def texts(self, parts: list[Part]) -> list[tuple[str, str]]:
        return [(part.role, self.pool.texts[part.text]) for part in parts]


def test_a_call_that_yields_its_answer_and_is_given_an_object_gets_both_from_the_last_attempt() -> None:
    calls = Calls()
    model = calls.add("model", StepKind.MODEL_CALL, None, [("system", "be brief"), ("value", '{"rows": [1]}')], "")
    calls.add("first", StepKind.LIFECYCLE, "model", [("user", "go")], "", status=Status.ERROR)
    calls.add(
        "second", StepKind.LIFECYCLE, "model", [("system", "be brief"), ("user", "go")], "half", finish_reason="length"
    )
    calls.add(
        "inner", StepKind.LIFECYCLE, "second", [("system", "be brief"), ("user", "go!")], "done", finish_reason="stop"
    )
    lift_attempts(calls.drafts, calls.pool)
    assert calls.texts(model.input) == [("system", "be brief"), ("user", "go!")]
    assert calls.texts(model.output) == [("assistant", "done")]
    assert (model.finish_reason, model.attributes["messages_of"]) == ("stop", "inner")
    assert model.attributes["arguments"] == {"history": {"rows": [1]}}


def test_what_a_call_says_itself_stays() -> None:
    calls = Calls()
    model = calls.add("model", StepKind.MODEL_CALL, None, [("user", "mine")], "read", finish_reason="stop")
    calls.add(
        "tried",
        StepKind.LIFECYCLE,
        "model",
        [("user", "sent")],
        "raw",
        finish_reason="length",
        usage=Usage(input_tokens=3),
    )
    lift_attempts(calls.drafts, calls.pool)
    assert calls.texts(model.input) == [("user", "mine")]
    assert calls.texts(model.output) == [("assistant", "read")]
    assert model.finish_reason == "stop"
    assert model.usage is not None
    assert model.usage.input_tokens == 3


def test_what_is_no_attempt_says_nothing_of_the_model() -> None:
    calls = Calls()
    model = calls.add("model", StepKind.MODEL_CALL, None, [], "")
    calls.add("parse", StepKind.LIFECYCLE, "model", [("user", "text")], "parsed", attributes={"role": "parser"})
    lift_attempts(calls.drafts, calls.pool)
    assert (model.input, model.output) == ([], [])
