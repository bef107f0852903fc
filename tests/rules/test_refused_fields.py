"""Which fields a provider's refusal names, and what of the harness it leads to."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules._fields import refused_fields
from harnessfix_ir.steps import ErrorInfo

Run = Callable[[Mapping[str, str]], Any]


@pytest.mark.parametrize(
    ("message", "words", "fields"),
    [
        (
            "Error code: 400 - {'error': {'message': \"Unsupported parameter: 'stop' is not supported here.\", "
            "'type': 'invalid_request_error', 'param': 'stop', 'code': None}}",
            "Unsupported parameter: 'stop' is not supported here.",
            ["stop"],
        ),
        (
            "status_code: 400, model_name: x, body: {'type': 'error', 'error': {'type': 'invalid_request_error', "
            "'message': 'messages.1.content.0.type: Expected `thinking`, but found `tool_use`'}}",
            "messages.1.content.0.type: Expected `thinking`, but found `tool_use`",
            ["content", "thinking", "tool_use"],
        ),
        (
            "Error code: 422 - {'detail': [{'type': 'missing', 'loc': ['body', 'messages', 2, 'content'], "
            "'msg': 'Field required'}]}",
            "Field required",
            ["content"],
        ),
        (
            "Error code: 400 - {'error': {'message': 'Argument not supported on this model: stop'}}",
            "Argument not supported on this model: stop",
            ["stop"],
        ),
        (
            "400 Client Error: tools[0].function.strict is unknown, ask with maxTokens",
            "Client Error: tools[0].function.strict is unknown, ask with maxTokens",
            ["tools", "function", "strict", "maxTokens"],
        ),
    ],
)
def test_fields_are_read_where_providers_name_them(message: str, words: str, fields: list[str]) -> None:
    refused = refused_fields(ErrorInfo(type="openai.BadRequestError", message=message))
    assert refused is not None
    assert (refused.words, list(refused.fields)) == (words, fields)


@pytest.mark.parametrize(
    "message",
    [
        "Error code: 401 - {'error': {'message': \"'stop' is not for you\"}}",
        "Error code: 429 - {'error': {'message': 'max_tokens: too many'}}",
        "Error code: 400 - {'error': {'message': 'wrong', 'type': 'invalid_request_error', 'code': 'X'}}",
        "'stop' is not supported",
        "Client error '400 Bad Request' for url 'https://api.example.com/v1/chat/completions'",
        "Error code: 400 - {'error': {'message': 'Read https://go.example.com/models_and_more first'}}",
    ],
)
def test_other_errors_name_no_field(message: str) -> None:
    assert refused_fields(ErrorInfo(type="openai.APIStatusError", message=message)) is None


def test_a_type_says_that_a_request_was_wrong_where_no_status_does() -> None:
    message = "litellm.BadRequestError: AzureException - Unsupported parameter: 'stop' is not supported"
    assert refused_fields(ErrorInfo(type="ValueError", message=message)) is None
    refused = refused_fields(ErrorInfo(type="litellm.exceptions.BadRequestError", message=message))
    assert refused is not None
    assert list(refused.fields) == ["stop"]


def test_the_innermost_error_is_read() -> None:
    inner = ErrorInfo(type="openai.BadRequestError", message="Error code: 400 - {'message': 'seed: not here'}")
    outer = ErrorInfo(type="AgentError", message="Error code: 400 - {'message': 'turn_limit: gave up'}", cause=inner)
    assert list(getattr(refused_fields(outer), "fields", ())) == ["seed"]


AGENT = """\
class BadRequestError(Exception):
    pass


def may_stop(name):
    return not name.startswith("o1")


class Model:
    def __init__(self, name):
        self.name = name

    def options(self):
        return {"stop": ["Observation:"]} if may_stop(self.name) else {}

    def query(self, messages, **options):
        if "stop" in options:
            raise BadRequestError("Error code: 400 - {'error': {'message': 'stop: not supported with this model'}}")
        return {"role": "assistant", "content": "DONE 7"}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            try:
                reply = self.model.query(messages, **self.model.options())
            except BadRequestError:
                CLAUSE
            if reply["content"].startswith("DONE"):
                return reply["content"]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")
@pytest.mark.parametrize(
    ("clause", "end", "speaks"),
    [
        ("raise", "", True),
        ("reply = self.model.query(messages)", "", False),
        ("reply = self.model.query(messages)", "raise SystemExit('that was wrong')", False),
    ],
)
def test_c121_names_what_decides_on_the_field_unless_it_was_asked_without(
    run_harness: Run, clause: str, end: str, speaks: bool
) -> None:
    main = f"from agent import Agent, Model\n\nprint(Agent(Model('thinker')).run('How many days?'))\n{end}\n"
    found = run_harness({"agent.py": AGENT.replace("CLAUSE", clause), "main.py": main}).said("C121")
    named = [{anchor.qualname for anchor in finding.anchors[:2]} for finding in found]
    assert named == [{"may_stop", "Model.options"}] * speaks


SPEAKING = """\


class Usual:
    def one(self, stop):
        return stop

    def two(self, stop):
        return stop

    def three(self, stop):
        return stop
"""


@pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")
@pytest.mark.parametrize(
    ("agent", "speaks"),
    [
        (AGENT, True),
        (AGENT.replace("may_stop", "may_end"), True),
        (AGENT.replace("may_stop", "may_end") + SPEAKING, False),  # so many speak of it
        (AGENT.replace("stop: not", "id: not"), False),  # no word
        (AGENT.replace("stop: not", "sampling: not"), False),  # nobody's
    ],
)
def test_c121_is_silent_where_nothing_tells_functions_apart(run_harness: Run, agent: str, speaks: bool) -> None:
    main = "from agent import Agent, Model\n\nprint(Agent(Model('thinker')).run('How many days?'))\n"
    found = run_harness({"agent.py": agent.replace("CLAUSE", "raise"), "main.py": main}).said("C121")
    assert bool(found) is speaks
