"""`python openai_agents.py TASK`: the OpenAI Agents SDK on a scripted provider."""

import asyncio
import sys

from agents import (
    Agent,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_trace_processors,
)
from openai import AsyncOpenAI
from provider import call, find, say, serve


@function_tool
def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42", when="rror|nvalid")],
    "no-object": [find("[1]"), say("42", when="rror|nvalid")],
    "empty": [find(""), say("42", when="rror|nvalid")],
    "raises": [find({"key": "boom"}), say("42", when="quota|rror")],
    "unknown": [call("lok", {"key": "a"}), say("42")],
    "loop": [find({"key": "a"})] * 9,
    "handoff": [call("transfer_to_helper", {}), say("42")],
    "no-choices": [{"empty": True}, say("42")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
}
ENDS = {"loop": MaxTurnsExceeded, "unknown": ModelBehaviorError, "no-choices": ModelBehaviorError}


async def ask(url, turns):
    client = AsyncOpenAI(base_url=url, api_key="none", timeout=5, max_retries=0)
    model = OpenAIChatCompletionsModel(model="scripted", openai_client=client)
    helper = Agent(name="helper", model=model, tools=[look], instructions="help")
    agent = Agent(name="main", model=model, tools=[look], handoffs=[helper], instructions="be good")
    try:
        return (await Runner.run(agent, "find the value", max_turns=4)).final_output
    finally:
        await client.close()


def main(task):
    set_trace_processors([])
    with serve(TASKS[task]) as url:
        try:
            answer = asyncio.run(ask(url, TASKS[task]))
        except ENDS.get(task, ()) as error:
            print(f"{type(error).__name__}: {error}")
            return 0
    print(repr(answer))
    return 0 if answer == "42" and task not in ENDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
