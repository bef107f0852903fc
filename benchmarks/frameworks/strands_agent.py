"""Strands: Agent, whose models are asynchronous generators."""

HARNESS = "strands"
ENVIRONMENT = "strands"
PACKAGES = ("strands-agents[openai]>=1,<2",)

from _model import KEY, TASK, report, scripted
from strands import Agent, tool
from strands.models.openai import OpenAIModel


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: its name.
    """
    return report(city)


if __name__ == "__main__":
    with scripted() as url:
        model = OpenAIModel(client_args={"base_url": url, "api_key": KEY}, model_id="scripted")
        agent = Agent(model=model, tools=[weather], system_prompt="be brief", callback_handler=None)
        print(str(agent(TASK)).strip())
