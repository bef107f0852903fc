"""`python strands_.py TASK`: a Strands agent, alone and in a swarm of two, on a scripted provider."""

import sys

from openai import AuthenticationError
from provider import call, find, say, serve
from pydantic import BaseModel
from strands import Agent, ModelRetryStrategy, tool
from strands.models.openai import OpenAIModel
from strands.multiagent import Swarm
from strands.tools.executors import ConcurrentToolExecutor, SequentialToolExecutor
from strands.types.exceptions import MaxTokensReachedException, ModelThrottledException


class Verdict(BaseModel):
    """What was found."""

    value: int


@tool
def look(key: str) -> str:
    """Look a key up.

    Args:
        key: the key
    """
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    if key == "much":
        return "FAILED on line 17\n" + "x" * 9000
    return f"value of {key}"


def pass_on(name):
    return call("handoff_to_agent", {"agent_name": name, "message": "please find it"})


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42", when="rror|valid")],
    "wrong-type": [find({"key": {"a": 1}}), say("42", when="rror|valid")],
    "missing": [find({}), say("42", when="key")],
    "no-object": [find("[1]"), say("42", when="rror|mapping")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42", when="lok")],
    "bad-name": [call("look it up!", {"key": "a"}), say("42", when="nvalid tool name")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "busy": [say("busy", status=429), say("busy", status=429), find({"key": "a"}), say("42", when="value of a")],
    "down": [say("busy", status=429)] * 9,
    "denied": [find({"key": "a"}), say("no such key", status=401)],
    "too-long": [find({"key": "much"}), say("maximum context length", status=400), say("42", when="truncated")],
    "cut-off": [find('{"key": "a', finish="length"), find({"key": "a"}), say("42", when="value of a")],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
    "validated": [call("Verdict", {"value": "x"}), call("Verdict", {"value": 42}, when="rror|valid")],
    "forced": [say("it is 42"), call("Verdict", {"value": 42}, when="structured output")],
    "swarm": [
        pass_on("bob"),
        say("over to bob", when="bob"),
        find({"key": "a"}, when="please find it"),
        say("42", when="value of a"),
    ],
    "handoffs": [pass_on("bob"), say("over to bob"), pass_on("ann"), say("over to ann")] * 4,
}
TYPED = {"validated", "forced"}
AGAIN = {"history", "cut-off"}
RAISES = {"denied": AuthenticationError, "down": ModelThrottledException, "cut-off": MaxTokensReachedException}
MESSAGES = {"loop": 9, "history": 6, "cut-off": 6}
TEAMS = {"swarm": ("completed", ["ann", "bob"]), "handoffs": ("failed", ["ann", "bob", "ann"])}


def make(name, url, task):
    arguments = {"base_url": url, "api_key": "none", "max_retries": 0, "timeout": 5}
    return Agent(
        OpenAIModel(client_args=arguments, model_id="scripted", stream=False),
        name=name,
        tools=[look],
        system_prompt="be good",
        callback_handler=None,
        retry_strategy=ModelRetryStrategy(max_attempts=3, initial_delay=0.05),
        tool_executor=SequentialToolExecutor() if task == "two" else ConcurrentToolExecutor(),
    )


def alone(task, url):
    agent, kind = make("ann", url, task), Verdict if task in TYPED else None
    failed = False
    for told in ("find the value", "go on") if task in AGAIN else ("find the value",):
        try:
            said = agent(told, limits={"turns": 4}, structured_output_model=kind)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            cause = getattr(error, "original_exception", error)  # wrapped after the first turn
            if not isinstance(cause, RAISES.get(task, ())):
                return 1
            failed = True
    if failed != (task in RAISES):
        return 1
    if failed and task not in AGAIN:
        return 0
    print(repr(str(said)), said.stop_reason, len(agent.messages))
    if len(agent.messages) != MESSAGES.get(task, len(agent.messages)):
        return 1
    if task == "loop":
        return 0 if said.stop_reason == "limit_turns" else 1
    return 0 if (said.structured_output == Verdict(value=42) if kind else str(said).strip() == "42") else 1


def team(task, url):
    said = Swarm([make("ann", url, task), make("bob", url, task)], max_handoffs=3)("find the value")
    went = [node.node_id for node in said.node_history]
    print(repr(str(said)), said.status.value, went)
    return 0 if (said.status.value, went) == TEAMS[task] else 1


def main(task):
    with serve(TASKS[task]) as url:
        return (team if task in TEAMS else alone)(task, url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
