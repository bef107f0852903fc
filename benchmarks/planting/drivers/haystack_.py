"""`python haystack_.py TASK`: Haystack's Agent on a scripted provider."""

import os
import sys

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from typing import Annotated

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool
from haystack.utils import Secret
from provider import call, find, say, serve


@tool
def look(key: Annotated[str, "the key"]) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42")],
    "wrong-type": [find({"key": 7}), say("42")],
    "missing": [find({}), say("42", when="key")],
    "no-object": [find("[1]"), say("42")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42", when="lok|not found")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "denied": [say("no such key", status=401)],
    "cut-off": [say("4", finish="length")],
}
FAILS = {"denied", "no-object", "malformed"}
ENDS = {"loop": None, "cut-off": "4"}


def main(task):
    with serve(TASKS[task]) as url:
        model = OpenAIChatGenerator(
            api_key=Secret.from_token("none"), model="scripted", api_base_url=url, max_retries=0, timeout=5
        )
        agent = Agent(chat_generator=model, tools=[look], system_prompt="be good", max_agent_steps=4)
        try:
            answer = agent.run([ChatMessage.from_user("find the value")])["messages"][-1].text
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    print(repr(answer))
    return 0 if answer == ENDS.get(task, "42") and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
