"""`python camel_.py TASK`: a CAMEL agent, alone and in a role play of two, on a scripted provider."""

import logging
import sys

from camel.agents import ChatAgent
from camel.models import ModelFactory
from camel.societies import RolePlaying
from camel.types import ModelPlatformType
from camel.utils import BaseTokenCounter
from provider import call, find, say, serve
from pydantic import BaseModel


class Verdict(BaseModel):
    """What was found."""

    value: int


class Words(BaseTokenCounter):
    """Tokens are words: the tables of real ones come over the net."""

    def count_tokens_from_messages(self, messages):
        return sum(len(str(message.get("content")).split()) for message in messages)

    def encode(self, text):
        return list(range(len(text.split())))

    def decode(self, token_ids):
        return " ".join(map(str, token_ids))


def look(key: str) -> str:
    """Look a key up.

    Args:
        key (str): the key
    """
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    if key == "much":
        return "FAILED on line 17\n" + "x" * 9000
    return f"value of {key}"


TASKS = {
    "look": [find({"key": "a"}), say("42", when="value of a")],
    "wrong-type": [find({"key": {"a": 1}}), say("42", when="value of|rror")],
    "missing": [find({}), say("42", when="key")],
    "raises": [find({"key": "boom"}), say("42", when="disk quota")],
    "unknown": [call("lok", {"key": "a"}), say("42", when="lok")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, say("42", when="value of b")],
    "loop": [find({"key": "a"})] * 9,
    "busy": [say("busy", status=429), find({"key": "a"}), say("42", when="value of a")],
    "down": [say("busy", status=429)] * 9,
    "denied": [say("no such key", status=401)],
    "history": [say("41"), find({"key": "a"}), say("42", when="value of a")],
    "much": [find({"key": "much"}), say("42", when="FAILED on line 17")],
    "typed": [say('{"value": 42}')],
    "play": [say("Instruction: look"), find({"key": "a"}), say("42", when="value of a"), say("CAMEL_TASK_DONE")],
}
FAILS = {"down", "denied"}


def answer(task, model):
    agent = ChatAgent(
        "be good",
        model=model,
        tools=[look],
        max_iteration=4 if task == "loop" else 8,
        retry_attempts=3,
        retry_delay=0.05,
    )
    said = agent.step("find the value", response_format=Verdict if task == "typed" else None)
    if task == "history":
        said = agent.step("go on")
    calls = said.info["tool_calls"]
    print(repr(said.msgs[0].content if said.msgs else None), len(calls), len(agent.chat_history), said.terminated)
    if task == "loop":
        return len(calls) == 4
    if task == "typed":
        return said.msgs[0].parsed == Verdict(value=42)
    return said.msgs[0].content == "42" and len(agent.chat_history) >= 3


def play(model):
    session = RolePlaying(
        "worker",
        "boss",
        task_prompt="find the value",
        with_task_specify=False,
        model=model,
        assistant_agent_kwargs={"tools": [look]},
    )
    message, said = session.init_chat(), []
    for _ in range(2):
        worker, boss = session.step(message)
        said += [response.msgs[0].content for response in (boss, worker) if response.msgs]
        if not worker.msgs:
            break
        message = worker.msg
    print(said)
    return said[:2] == ["Instruction: look", "42"]


def main(task):
    logging.disable(logging.CRITICAL)
    with serve(TASKS[task]) as url:
        model = ModelFactory.create(
            model_platform=ModelPlatformType.OPENAI_COMPATIBLE_MODEL,
            model_type="scripted",
            url=url,
            api_key="none",
            token_counter=Words(),
            max_retries=0,
            timeout=5,
        )
        try:
            good = play(model) if task == "play" else answer(task, model)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    return 0 if good and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
