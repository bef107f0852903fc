"""`python adk_.py TASK`: an ADK agent, alone and with another to hand over to; a scripted model in place of Gemini."""

import asyncio
import json
import sys
from typing import Any

from google.adk.agents import LlmAgent, LoopAgent, RunConfig, SequentialAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from provider import call, find, next_turn, say
from pydantic import BaseModel


class Verdict(BaseModel):
    """What was found."""

    value: int


class Scripted(BaseLlm):
    """Plays turns as `provider.serve` does, in the process: Gemini's own service cannot be reached."""

    turns: list[dict[str, Any]]

    async def generate_content_async(self, llm_request, stream=False):
        shown = " ".join(str(part) for part in llm_request.contents[-1].parts)
        turn = next_turn(self.turns, shown)
        if turn.get("status"):
            raise ConnectionError(f"{turn['status']} {turn['text']}")
        parts = [types.Part(text=turn["text"])] if turn.get("text") else []
        for name, arguments in turn.get("calls", ()):
            parts.append(types.Part(function_call=types.FunctionCall(name=name, args=json.loads(arguments))))
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=10, candidates_token_count=5, total_token_count=15
        )
        yield LlmResponse(content=types.Content(role="model", parts=parts), usage_metadata=usage)


def look(key: str) -> str:
    """Look a key up.

    Args:
        key: the key
    """
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def stop(tool_context) -> str:
    """End the loop."""
    tool_context.actions.escalate = True
    return "stopped"


def keep(key: str, tool_context) -> str:
    """Keep a value for later.

    Args:
        key: where
    """
    tool_context.state[key] = "kept"
    return "done"


def no_boom(tool, args, tool_context):
    return {"error": "not allowed"} if args.get("key") == "secret" else None


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "missing": [find({}), say("42", when="key")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "raises": [find({"key": "boom"})],
    "unknown": [call("lok", {"key": "a"})],
    "down": [say("busy", status=503)],
    "denied": [find({"key": "secret"}), say("42", when="not allowed")],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
    "state": [call("keep", {"key": "found"}), say("42", when="done")],
    "typed": [say('{"value": 42}')],
    "handoff": [call("transfer_to_agent", {"agent_name": "bob"}), find({"key": "a"}), say("42", when="value of a")],
    "chain": [find({"key": "a"}), say("41", when="value of a"), say("42", when="41")],
    "rounds": [say("40"), say("41"), call("stop", {})],
    "empty": [say("")],
}
RAISES = {
    "loop": "LlmCallsLimitExceededError",
    "raises": "RuntimeError",
    "unknown": "ValueError",
    "down": "ConnectionError",
}


def agent(task, turns):
    model = Scripted(model="scripted", turns=turns)
    if task == "typed":
        return LlmAgent(name="ann", model=model, instruction="be good", output_schema=Verdict, output_key="verdict")
    bob = LlmAgent(name="bob", model=model, instruction="find values", description="finds", tools=[look])
    if task == "chain":
        ann = LlmAgent(name="ann", model=model, instruction="be good", tools=[look], output_key="first")
        last = LlmAgent(name="carl", model=model, instruction="say it again: {first}")
        return SequentialAgent(name="both", sub_agents=[ann, last])
    if task == "rounds":
        ann = LlmAgent(name="ann", model=model, instruction="be good", tools=[stop])
        return LoopAgent(name="round", sub_agents=[ann], max_iterations=5)
    return LlmAgent(
        name="ann",
        model=model,
        instruction="be good",
        tools=[look, keep],
        before_tool_callback=no_boom,
        sub_agents=[bob] if task == "handoff" else [],
    )


async def play(task):
    runner = InMemoryRunner(agent(task, list(TASKS[task])), app_name="planted")
    session = await runner.session_service.create_session(app_name="planted", user_id="one")
    said = []
    for told in ("find the value", "go on") if task == "history" else ("find the value",):
        message = types.Content(role="user", parts=[types.Part(text=told)])
        config = RunConfig(max_llm_calls=4)
        async for event in runner.run_async(
            user_id="one", session_id=session.id, new_message=message, run_config=config
        ):
            if event.is_final_response() and event.content and event.content.parts:
                said.append((event.author, event.content.parts[0].text))
    kept = await runner.session_service.get_session(app_name="planted", user_id="one", session_id=session.id)
    return said, kept


SAID = {
    "history": [("ann", "41"), ("ann", "42")],
    "handoff": [("bob", "42")],
    "chain": [("ann", "41"), ("carl", "42")],
    "typed": [("ann", '{"value": 42}')],
    "rounds": [("ann", "40"), ("ann", "41")],
    "empty": [],
}
STATE = {"state": {"found": "kept"}, "typed": {"verdict": {"value": 42}}, "chain": {"first": "41"}}


def main(task):
    try:
        said, kept = asyncio.run(play(task))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return 0 if type(error).__name__ == RAISES.get(task) else 1
    print(said, dict(kept.state), len(kept.events))
    good = said == SAID.get(task, [("ann", "42")]) and dict(kept.state) == STATE.get(task, {})
    return 0 if good and task not in RAISES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
