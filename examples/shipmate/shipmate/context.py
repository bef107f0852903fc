"""What the model is shown: prompts, turns and tool answers."""

from pathlib import Path
from typing import Any

from .config import Config

PROMPTS = Path(__file__).with_name("prompts")


def render(name: str, **values: object) -> str:
    """The prompt `prompts/NAME.md` with its placeholders filled in."""
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8").format(**values)


class Context:
    """The messages of one run, oldest first."""

    def __init__(self, config: Config, tools: str, instruction: str) -> None:
        self.config = config
        self.messages: list[dict[str, Any]] = [
            {"role": "system", "content": render("system", tools=tools, max_steps=config.max_steps)},
            {"role": "user", "content": render("task", instruction=instruction)},
        ]

    def add_reply(self, reply: dict[str, Any]) -> None:
        """Keep the model's turn as it was sent."""
        self.messages.append({"role": "assistant", "content": reply["content"], "tool_calls": reply["tool_calls"]})

    def add_note(self, name: str) -> None:
        """Tell the model something on the harness's own account, worded in `prompts/NAME.md`."""
        self.messages.append({"role": "user", "content": render(name)})

    def add_observation(self, call_id: str, text: str) -> None:
        """Answer one tool call."""
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": self.shorten(text)})

    def shorten(self, text: str) -> str:
        """Keep a long tool answer from filling the request."""
        if len(text) > self.config.observation_chars:
            text = text[: self.config.observation_chars]
        return text
