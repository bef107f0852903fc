"""openai-agents: Runner with the Chat Completions model."""

HARNESS = "agents"
ENVIRONMENT = "openai-agents"
PACKAGES = ("openai-agents>=0.24,<1", "openinference-instrumentation-openai-agents")

import asyncio

from _model import KEY, TASK, instrument, report, scripted
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_trace_processors
from openai import AsyncOpenAI


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


async def main(url):
    async with AsyncOpenAI(base_url=url, api_key=KEY) as client:
        model = OpenAIChatCompletionsModel(model="scripted", openai_client=client)
        agent = Agent(name="reporter", model=model, tools=[weather], instructions="be brief")
        print((await Runner.run(agent, TASK)).final_output)


if __name__ == "__main__":
    set_trace_processors([])  # the default one sends every trace to its maker
    instrument("openinference.instrumentation.openai_agents", "OpenAIAgentsInstrumentor")
    with scripted() as url:
        asyncio.run(main(url))
