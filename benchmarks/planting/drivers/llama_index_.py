"""`python llama_index_.py TASK`: LlamaIndex's agents, alone, by text and in a team, on a scripted provider."""

import asyncio
import json
import logging
import sys
import warnings

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.workflow import Context, JsonSerializer
from llama_index.llms.openai_like import OpenAILike
from provider import call, find, say, serve
from pydantic import BaseModel


class Verdict(BaseModel):
    """What was found."""

    value: int


def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def act(arguments, tool="look", when=""):
    """A turn of the agent that works by text."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return say(f"Thought: I need a tool.\nAction: {tool}\nAction Input: {raw}", when=when)


ANSWER = "Thought: I can answer.\nAnswer: 42"
TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42")],
    "wrong-type": [find({"key": 7}), say("42")],
    "missing": [find({}), say("42", when="key")],
    "no-object": [find("[1]"), say("42")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42", when="lok")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "busy": [say("busy", status=429), find({"key": "a"}), say("42", when="value of a")],
    "down": [say("busy", status=429)] * 9,
    "denied": [say("no such key", status=401)],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
    "resumed": [say("41"), say("42")],
    "memory": [find({"key": "a"}), say("41", when="value of a"), say("42")],
    "typed": [say("it is 42"), call("Verdict", {"value": 42})],
    "text": [act({"key": "a"}), say(ANSWER, when="value of a")],
    "text-raises": [act({"key": "boom"}), say(ANSWER, when="disk quota")],
    "text-malformed": [say("Action: look"), act({"key": "a"}), say(ANSWER, when="value of a")],
    "text-unknown": [act({"key": "a"}, "lok"), say(ANSWER, when="lok")],
    "handoff": [call("handoff", {"to_agent": "finder", "reason": "it can look"}), find({"key": "a"}), say("42")],
    "no-agent": [call("handoff", {"to_agent": "nobody", "reason": "none"}), say("42", when="nobody")],
}
FAILS = {"down", "denied", "loop"}


def team(model):
    shared = {"llm": model, "streaming": False}
    first = FunctionAgent(name="first", description="asks", tools=[], can_handoff_to=["finder"], **shared)
    finder = FunctionAgent(name="finder", description="looks", tools=[look], **shared)
    return AgentWorkflow(agents=[first, finder], root_agent="first")


def alone(task, model):
    kind = ReActAgent if task.startswith("text") else FunctionAgent
    typed = Verdict if task == "typed" else None
    return kind(name="finder", system_prompt="be good", llm=model, tools=[look], output_cls=typed, streaming=False)


async def ask(task, model):
    agent = team(model) if task in ("handoff", "no-agent") else alone(task, model)
    if task == "history":
        said = [ChatMessage(role="user", content="?"), ChatMessage(role="assistant", content="41")]
        await agent.run("?")
        return await agent.run("and now?", chat_history=said)
    if task == "memory":
        memory = ChatMemoryBuffer.from_defaults(token_limit=3000, tokenizer_fn=str.split)
        await agent.run("find the value", memory=memory)
        said = await agent.run("again", memory=memory)
        print([str(message.role.value) for message in await memory.aget_all()])
        return said
    if task == "resumed":
        context = Context(agent)
        await agent.run("?", ctx=context)
        kept = context.to_dict(serializer=JsonSerializer())
        return await agent.run("go on", ctx=Context.from_dict(agent, kept, serializer=JsonSerializer()))
    return await agent.run("find the value", max_iterations=4)


def main(task):
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with serve(TASKS[task]) as url:
        model = OpenAILike(
            model="scripted",
            api_base=url,
            api_key="none",
            is_chat_model=True,
            is_function_calling_model=True,
            max_retries=1 if task == "busy" else 0,
            timeout=5,
            reuse_client=False,
        )
        try:
            said = asyncio.run(ask(task, model))
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    print(said, len(said.tool_calls), said.structured_response)
    good = said.structured_response == {"value": 42} if task == "typed" else str(said) == "42"
    return 0 if good and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
