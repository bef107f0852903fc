"""LangGraph: the agent that LangChain builds on it."""

HARNESS = ("langchain", "langgraph", "langchain_core", "langchain_openai")
ENVIRONMENT = "langgraph"
PACKAGES = ("langgraph>=1.2,<2", "langchain>=1.4,<2", "langchain-openai", "openinference-instrumentation-langchain")

from _model import KEY, TASK, instrument, report, scripted
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


if __name__ == "__main__":
    instrument("openinference.instrumentation.langchain", "LangChainInstrumentor")
    with scripted() as url:
        agent = create_agent(
            ChatOpenAI(model="scripted", base_url=url, api_key=KEY), [weather], system_prompt="be brief"
        )
        try:
            print(agent.invoke({"messages": [("user", TASK)]})["messages"][-1].content)
        except ValueError as error:
            print(f"ended by {error!r}")
