"""`python langgraph_.py TASK`: LangGraph's prebuilt agent, and a graph made by hand, on a scripted provider."""

import asyncio
import sys

from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent, tools_condition
from langgraph.types import Command, RetryPolicy, interrupt
from openai import AuthenticationError, RateLimitError
from provider import call, find, say, serve
from pydantic import BaseModel, ValidationError

broken = ["sdb1"]  # until it was met


class Verdict(BaseModel):
    """What was found."""

    value: int


def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    if key == "once" and broken:
        raise RuntimeError(f"disk quota on {broken.pop()}")
    if key == "secret":
        return f"value of {key} for {interrupt('who asks?')}"
    return f"value of {key}"


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find({"key": "a"}), find('{"key": "a"'), say("42")],
    "no-object": [find({"key": "a"}), find("[1]"), say("42")],
    "wrong-type": [find({"key": {"a": 1}}), say("42", when="rror|valid")],
    "missing": [find({}), say("42", when="key")],
    "raises": [find({"key": "a"}), find({"key": "boom"}), say("42")],
    "told": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42", when="lok is not a valid tool")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "endless": [find({"key": "a"})] * 9,
    "busy": [say("busy", status=429), say("busy", status=429), find({"key": "a"}), say("42", when="value of a")],
    "down": [find({"key": "a"}), *[say("busy", status=429)] * 9],
    "denied": [find({"key": "a"}), say("no such key", status=401)],
    "again": [find({"key": "once"}), say("42", when="value of once")],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
    "taken-up": [find({"key": "once"}), say("42", when="value of once")],
    "asked": [find({"key": "secret"}), say("42", when="for the captain")],
    "typed": [find({"key": "a"}), say("it is 42", when="value of a"), say('{"value": 42}')],
    "ill-typed": [find({"key": "a"}), say("it is 42", when="value of a"), say('{"value": "x"}')],
    "async": [find({"key": {"a": 1}}), find({"key": "a"}, when="rror|valid"), say("42", when="value of a")],
}
BY_HAND = {"endless", "again"}
RAISES = {
    "no-object": ValidationError,
    "raises": RuntimeError,
    "endless": GraphRecursionError,
    "down": RateLimitError,
    "denied": AuthenticationError,
    "taken-up": RuntimeError,
    "ill-typed": ValidationError,
}
FIRST = {"messages": [("user", "find the value")]}
SECOND = {"history": {"messages": [("user", "go on")]}, "taken-up": None, "asked": Command(resume="the captain")}
ENDS = {"malformed": "", "loop": "Sorry, need more steps to process this request.", "typed": Verdict(value=42)}
MESSAGES = {"loop": 8, "history": 6, "taken-up": 4}


def retries(kind):
    return RetryPolicy(initial_interval=0.05, max_attempts=3, jitter=False, retry_on=kind)


def prebuilt(model, task):
    tools = ToolNode([look], handle_tool_errors=True) if task == "told" else [look]
    kind = Verdict if task in ("typed", "ill-typed") else None
    graph = create_react_agent(model, tools, prompt="be good", response_format=kind, checkpointer=InMemorySaver())
    if task in ("busy", "down"):
        graph.retry_policy = [retries(RateLimitError)]
    return graph


def by_hand(model):
    bound = model.bind_tools([look])
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [bound.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([look]), retry_policy=retries(RuntimeError))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile(checkpointer=InMemorySaver())


def main(task):
    config = {"recursion_limit": 8, "configurable": {"thread_id": "one"}}
    if task == "two":
        config["max_concurrency"] = 1  # one after the other, so it is the same each time
    failed = False
    with serve(TASKS[task]) as url:
        model = ChatOpenAI(model="scripted", base_url=url, api_key="none", max_retries=0, timeout=5)
        graph = by_hand(model) if task in BY_HAND else prebuilt(model, task)
        for told in [FIRST, SECOND[task]] if task in SECOND else [FIRST]:
            try:
                state = asyncio.run(graph.ainvoke(told, config)) if task == "async" else graph.invoke(told, config)
            except RAISES.get(task, ()) as error:
                print(f"{type(error).__name__}: {error}")
                failed = True
    if failed != (task in RAISES):
        return 1
    if failed and task not in SECOND:
        return 0
    answer = state.get("structured_response", state["messages"][-1].content)
    length = len(state["messages"])
    print(repr(answer), length)
    return 0 if answer == ENDS.get(task, "42") and length == MESSAGES.get(task, length) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
