"""openai-agents: a run with a tool that works, one that fails, and a last answer, all by a scripted model."""

import asyncio

from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


@function_tool
def lookup(key: str) -> str:
    """Looks a key up."""
    if key == "lost":
        raise RuntimeError("the index of that shelf is damaged")
    return f"the value of {key} is forty-two, as the register of the second floor says"


def call(number: int, name: str, arguments: str) -> ResponseFunctionToolCall:
    """A tool call of the model."""
    return ResponseFunctionToolCall(
        id=f"fc_{number}", call_id=f"call_{number}", name=name, arguments=arguments, type="function_call"
    )


def answer(text: str) -> ResponseOutputMessage:
    """A message of the model."""
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(id="msg_1", content=[part], role="assistant", status="completed", type="message")


async def main() -> None:
    """One run."""
    model = ScriptedModel(
        [
            [call(1, "lookup", '{"key": "found"}')],
            [call(2, "lookup", '{"key": "lost"}')],
            [answer("It is forty-two, and one shelf is damaged.")],
        ]
    )
    agent = Agent(name="librarian", instructions="Answer from the register.", tools=[lookup], model=model)
    result = await Runner.run(agent, "What is the value?", run_config=RunConfig(tracing_disabled=True))
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main())
