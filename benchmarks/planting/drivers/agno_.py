"""`python agno_.py TASK`: an Agno agent on a scripted provider."""

import os
import sys

os.environ["AGNO_TELEMETRY"] = "false"

from agno.agent import Agent
from agno.models.openai.like import OpenAILike
from provider import call, find, say, serve


def look(key: str) -> str:
    """Look a key up.

    Args:
        key: the key
    """
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42", when="rror|nvalid|decode")],
    "wrong-type": [find({"key": {"a": 1}}), say("42", when="rror|valid")],
    "missing": [find({}), say("42", when="key")],
    "no-object": [find("[1]"), say("42")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9 + [say("42", when="limit")],
    "busy": [say("busy", status=503), find({"key": "a"}), say("42", when="value of a")],
    "denied": [say("no such key", status=401)],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
}
FAILS = {"denied"}


def main(task):
    with serve(TASKS[task]) as url:
        model = OpenAILike(id="scripted", base_url=url, api_key="none", max_retries=0, timeout=5)
        agent = Agent(
            model=model,
            tools=[look],
            instructions="be good",
            tool_call_limit=4 if task == "loop" else None,
            retries=int(task == "busy"),
            telemetry=False,
        )
        try:
            said = agent.run("find the value")
            if task == "history":
                said = agent.run(["go on", said.content])
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    print(repr(said.content), said.status)
    failed = "ERROR" in str(said.status).upper()
    return 0 if failed == (task in FAILS) and (failed or said.content == "42") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
