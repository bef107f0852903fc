"""AutoGen AgentChat: AssistantAgent with its own OpenTelemetry spans."""

HARNESS = ("autogen_agentchat", "autogen_core", "autogen_ext")
ENVIRONMENT = "autogen"
PACKAGES = ("autogen-agentchat>=0.7.5,<0.8", "autogen-ext[openai]>=0.7.5,<0.8")

import asyncio

from _model import KEY, TASK, report, scripted
from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient

INFO = ModelInfo(
    vision=False, function_calling=True, json_output=False, family="unknown", structured_output=False,
    multiple_system_messages=True,
)  # fmt: skip


async def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


async def main(url):
    client = OpenAIChatCompletionClient(model="scripted", base_url=url, api_key=KEY, model_info=INFO)
    agent = AssistantAgent("reporter", client, tools=[weather], reflect_on_tool_use=True, max_tool_iterations=5)
    print((await agent.run(task=TASK)).messages[-1].to_text())
    await client.close()


if __name__ == "__main__":
    with scripted() as url:
        asyncio.run(main(url))
