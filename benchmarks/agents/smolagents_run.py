"""smolagents: a tool-calling agent whose model calls a tool, a tool that fails, one that is not there, and ends."""

from typing import Any

from smolagents import ToolCallingAgent, tool
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model
from smolagents.monitoring import LogLevel, TokenUsage

TURNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("weather", {"city": "Oslo"}),
    ("weather", {"city": "Atlantis"}),
    ("no_such_tool", {"x": 1}),
    ("final_answer", {"answer": "It is cold in Oslo."}),
)


class Scripted(Model):
    """Plays the turns."""

    def __init__(self) -> None:
        super().__init__(model_id="scripted")
        self.turn = 0

    def generate(self, messages: list[ChatMessage], **_: Any) -> ChatMessage:
        """The next turn, whatever was asked."""
        name, arguments = TURNS[self.turn]
        self.turn += 1
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        call = ChatMessageToolCall(id=f"call_{self.turn}", type="function", function=function)
        return ChatMessage(
            role=MessageRole.ASSISTANT,
            content=f"Thinking, turn {self.turn}.",
            tool_calls=[call],
            token_usage=TokenUsage(input_tokens=10, output_tokens=5),
        )


@tool
def weather(city: str) -> str:
    """Says how the weather is.

    Args:
        city: where.
    """
    if city == "Atlantis":
        raise ValueError("this city lies under water")
    return f"In {city} it is minus five degrees, with a light wind from the north and no clouds until the evening."


if __name__ == "__main__":
    agent = ToolCallingAgent(tools=[weather], model=Scripted(), verbosity_level=LogLevel.OFF, max_steps=6)
    print(agent.run("How is the weather in Oslo?"))
