"""smolagents: ToolCallingAgent."""

HARNESS = "smolagents"
ENVIRONMENT = "smolagents"
PACKAGES = ("smolagents[openai]>=1.26,<2", "openinference-instrumentation-smolagents")

from _model import KEY, TASK, instrument, report, scripted
from smolagents import OpenAIModel, ToolCallingAgent, tool


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: its name.
    """
    return report(city)


if __name__ == "__main__":
    instrument("openinference.instrumentation.smolagents", "SmolagentsInstrumentor")
    with scripted(
        (("weather", {"city": "Rome"}), ("weather", {"city": "Atlantis"}), ("final_answer", {"answer": "done"}))
    ) as url:
        model = OpenAIModel(model_id="scripted", api_base=url, api_key=KEY)
        print(ToolCallingAgent(tools=[weather], model=model, verbosity_level=0).run(TASK))
