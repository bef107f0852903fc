"""`python crewai_.py TASK`: a crew of CrewAI, with tools, guardrails and tasks in a row, on a scripted provider."""

import json
import logging
import os
import sys
import tempfile

os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
os.environ["CREWAI_DISABLE_TRACKING"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"
os.environ["CREWAI_TESTING"] = "true"
os.environ["CREWAI_STORAGE_DIR"] = os.environ["HOME"] = tempfile.mkdtemp()

from crewai import LLM, Agent, Crew, Process, Task
from crewai.tools import tool
from provider import call, find, say, serve
from pydantic import BaseModel


class Verdict(BaseModel):
    """What was found."""

    value: int


@tool("look")
def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def act(arguments, name="look", when=""):
    """A turn of an agent that works by text."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return say(f"Thought: I look\nAction: {name}\nAction Input: {raw}", when=when)


ANSWER = "Thought: I now know the final answer\nFinal Answer: 42"
TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "malformed": [find('{"key": "a"'), say("42")],
    "wrong-type": [find({"key": [1]}), say("42")],
    "missing": [find({}), say("42", when="key")],
    "no-object": [find("[1]"), say("42")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": str(n)}) for n in range(3)] + [say("42")],
    "empty": [say(""), say("42")],
    "busy": [say("busy", status=429), find({"key": "a"}), say("42", when="value of a")],
    "denied": [say("no such key", status=401)] * 4,
    "chain": [say("41"), say("42", when="41")],
    "guarded": [say("41"), say("42", when="41")],
    "typed": [say('{"value": 42}')],
    "text": [act({"key": "a"}), say(ANSWER, when="value of a")],
    "text-raises": [act({"key": "boom"}), say(ANSWER, when="disk quota")],
    "text-malformed": [act('{"key": a'), say(ANSWER, when="Action Input|rror")],
    "text-unknown": [act({"key": "a"}, "lok"), say(ANSWER, when="lok")],
    "twice": [act({"key": "a"}), act({"key": "a"}), say(ANSWER)],
}
FAILS = {"denied"}
BY_TEXT = {"text", "text-raises", "text-malformed", "text-unknown", "twice"}


def guard(output):
    return (True, output.raw) if output.raw == "42" else (False, f"{output.raw} is wrong")


def crew(task, model):
    agent = Agent(
        role="finder", goal="find", backstory="none", llm=model, tools=[look], max_iter=3 if task == "loop" else 8,
        max_retry_limit=1,
    )  # fmt: skip
    more = {"guardrail": guard} if task == "guarded" else {"output_pydantic": Verdict} if task == "typed" else {}
    asked = [Task(description="find the value", expected_output="a number", agent=agent, **more)]
    if task == "chain":
        asked.append(Task(description="and now?", expected_output="a number", agent=agent, context=asked[:1]))
    return Crew(agents=[agent], tasks=asked, process=Process.sequential, verbose=False)


def main(task):
    logging.disable(logging.CRITICAL)
    with serve(TASKS[task], last=2) as url:
        model = LLM(model="openai/gpt-4o-mini", base_url=url, api_key="none", timeout=5, max_retries=1)
        if task in BY_TEXT:
            model.supports_function_calling = lambda: False
        try:
            said = crew(task, model).kickoff()
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    print(said.raw, said.pydantic, len(said.tasks_output), said.token_usage.total_tokens)
    good = said.pydantic == Verdict(value=42) if task == "typed" else said.raw == "42"
    return 0 if good and said.token_usage.total_tokens and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
