"""pydantic-ai: Agent with its own OpenTelemetry spans."""

HARNESS = "pydantic_ai"
ENVIRONMENT = "pydantic-ai"
PACKAGES = ("pydantic-ai-slim[openai]>=2.68,<3",)

from _model import KEY, TASK, report, scripted
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


if __name__ == "__main__":
    Agent.instrument_all()
    with scripted() as url:
        model = OpenAIChatModel("scripted", provider=OpenAIProvider(base_url=url, api_key=KEY))
        try:
            print(Agent(model, tools=[weather], system_prompt="be brief").run_sync(TASK).output)
        except ValueError as error:
            print(f"ended by {error!r}")
