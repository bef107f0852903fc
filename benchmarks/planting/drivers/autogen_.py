"""`python autogen_.py TASK`: AutoGen's assistant and a group chat with a replayed client."""

import asyncio
import sys

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import FunctionCall
from autogen_core.models import CreateResult, ModelFamily, ModelInfo, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

INFO = ModelInfo(
    vision=False, function_calling=True, json_output=False, family=ModelFamily.UNKNOWN, structured_output=False
)


async def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def turn(content, finish="stop"):
    usage = RequestUsage(prompt_tokens=10, completion_tokens=5)
    return CreateResult(finish_reason=finish, content=content, usage=usage, cached=False)


def find(arguments, name="look", number=1):
    return turn([FunctionCall(id=f"call_{number}", name=name, arguments=arguments)], "function_calls")


SINGLE = {
    "look": ([find('{"key": "a"}'), turn("42 DONE")], "value of a"),
    "malformed": ([find('{"key": "a"'), turn("42 DONE")], "rror|elimiter|xpect"),
    "unknown": ([find("{}", "lok"), turn("42 DONE")], "lok|not"),
    "raises": ([find('{"key": "boom"}'), turn("42 DONE")], "quota"),
    "two": (
        [
            turn(
                [
                    FunctionCall(id="c1", name="look", arguments='{"key": "a"}'),
                    FunctionCall(id="c2", name="look", arguments='{"key": "b"}'),
                ],
                "function_calls",
            ),
            turn("42 DONE"),
        ],
        "value of b",
    ),
}
TEAM = {"team": [turn("first"), turn("second"), turn("42 DONE")], "talk": [turn("on and on")] * 12}


async def single(task):
    import re

    turns, wanted = SINGLE[task]
    client = ReplayChatCompletionClient(turns, model_info=INFO)
    agent = AssistantAgent("clerk", client, tools=[look], reflect_on_tool_use=True)
    result = await agent.run(task="find the value")
    told = str([call["messages"] if isinstance(call, dict) else call for call in client.create_calls])
    answer = str(result.messages[-1].content)
    print(answer)
    return 0 if "42" in answer and re.search(wanted, told) else 1


async def team(task):
    agents = [
        AssistantAgent(name, ReplayChatCompletionClient(TEAM[task][at::2] or [turn("x")], model_info=INFO))
        for at, name in enumerate(("ann", "bob"))
    ]
    stop = TextMentionTermination("DONE") | MaxMessageTermination(6)
    result = await RoundRobinGroupChat(agents, termination_condition=stop, max_turns=8).run(task="talk it over")
    print(len(result.messages), result.stop_reason)
    return 0 if len(result.messages) == {"team": 4, "talk": 6}[task] else 1


def main(task):
    return asyncio.run(single(task) if task in SINGLE else team(task))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
