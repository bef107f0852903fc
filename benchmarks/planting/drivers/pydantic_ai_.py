"""`python pydantic_ai_.py TASK`: pydantic-ai with a scripted model function."""

import sys

from pydantic_ai import Agent, ModelRetry, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel


def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    if key == "again":
        raise ModelRetry("no such key, try another")
    return f"value of {key}"


def find(arguments):
    return "look", arguments


TASKS = {
    "look": [find({"key": "a"}), ("value of a", "42")],
    "malformed": [find('{"key": "a"'), ("", "42")],
    "wrong-type": [find({"key": 3}), ("key", "42")],
    "no-object": [find("[1]"), ("", "42")],
    "raises": [find({"key": "boom"}), ("", "42")],
    "again": [find({"key": "again"}), ("try another", "42")],
    "unknown": [("lok", {}), ("Unknown tool", "42")],
    "loop": [find({"key": "a"})] * 9,
    "validated": [("", "41"), ("wrong answer", "42")],
    "empty": [("", ""), ("", "42")],
    "two": [[find({"key": "a"}), find({"key": "b"})], ("value of b", "42")],
    "cut-off": [("", "cut", "length")],
}
ENDS = {"loop": UsageLimitExceeded, "raises": RuntimeError}


def scripted(turns):
    sent = iter(turns)

    def answer(messages, info):
        turn = next(sent, ("", "I do not know."))
        number = len(messages)
        if isinstance(turn, list):
            return ModelResponse(parts=[ToolCallPart(*one, tool_call_id=f"c{number}{n}") for n, one in enumerate(turn)])
        if turn[0] in ("look", "lok"):
            return ModelResponse(parts=[ToolCallPart(*turn, tool_call_id=f"c{number}")])
        shown = str(messages[-1])
        text = turn[1] if turn[0] in shown else f"not told: {turn[0]}"
        return ModelResponse(parts=[TextPart(text)], finish_reason=turn[2] if len(turn) == 3 else "stop")

    return FunctionModel(answer)


def main(task):
    agent = Agent(scripted(TASKS[task]), retries=2)
    agent.tool_plain(look)

    @agent.output_validator
    def check(output: str) -> str:
        if output == "41":
            raise ModelRetry("wrong answer")
        return output

    try:
        answer = agent.run_sync("find the value", usage_limits=UsageLimits(request_limit=4)).output
    except ENDS.get(task, ()) as error:
        print(f"{type(error).__name__}: {error}")
        return 0
    except UnexpectedModelBehavior as error:
        print(f"{type(error).__name__}: {error}")
        return 0 if task == "cut-off" else 1
    print(repr(answer))
    return 0 if answer == ("cut" if task == "cut-off" else "42") and task not in ENDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
