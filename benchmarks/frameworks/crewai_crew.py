"""CrewAI: a crew of one."""

HARNESS = "crewai"
ENVIRONMENT = "crewai"
PACKAGES = ("crewai>=1.15,<2", "openinference-instrumentation-crewai")

import os
import tempfile

HOME = tempfile.mkdtemp()
os.environ.update(
    CREWAI_DISABLE_TELEMETRY="true", CREWAI_DISABLE_TRACKING="true", CREWAI_TRACING_ENABLED="false",
    CREWAI_TESTING="true", CREWAI_STORAGE_DIR=HOME, HOME=HOME, LITELLM_LOCAL_MODEL_COST_MAP="True",
)  # fmt: skip
from _model import KEY, TASK, instrument, report, scripted
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool


@tool("weather")
def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


if __name__ == "__main__":
    instrument("openinference.instrumentation.crewai", "CrewAIInstrumentor")
    with scripted() as url:
        model = LLM(model="openai/gpt-4o-mini", base_url=url, api_key=KEY)
        agent = Agent(role="reporter", goal="report", backstory="none", llm=model, tools=[weather], verbose=False)
        task = Task(description=TASK, expected_output="weather", agent=agent)
        print(Crew(agents=[agent], tasks=[task], verbose=False).kickoff().raw)
