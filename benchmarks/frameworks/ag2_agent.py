"""AG2: Agent with its own telemetry middleware."""

HARNESS = "ag2"
ENVIRONMENT = "ag2"
PACKAGES = ("ag2[openai]>=1.2,<2",)

import asyncio
import contextlib

from _model import KEY, TASK, report, scripted
from ag2 import Agent
from ag2.config import OpenAIConfig


def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


def telemetry():
    with contextlib.suppress(ImportError):
        from ag2.middleware.builtin.telemetry import TelemetryMiddleware

        return [TelemetryMiddleware(agent_name="reporter", provider_name="openai", model_name="scripted")]
    return []


async def main(url):
    config = OpenAIConfig(model="scripted", api_key=KEY, base_url=url)
    agent = Agent("reporter", prompt="be brief", config=config, tools=[weather], middleware=telemetry())
    try:
        print((await agent.ask(TASK)).body)
    except Exception as error:
        print(f"ended by {error!r}")


if __name__ == "__main__":
    with scripted() as url:
        asyncio.run(main(url))
