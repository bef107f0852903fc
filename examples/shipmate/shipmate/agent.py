"""The agent loop."""

import logging
from dataclasses import dataclass
from typing import Any

from .config import Config
from .context import Context
from .model import ModelClient
from .parsing import parse_call
from .tools import ToolBox

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `submitted`, `max_steps` or `error`, after how many turns, with what."""

    stop: str
    steps: int
    submission: str | None = None
    error: str = ""


class Agent:
    """Lets a model work on one task with the tools of one workspace."""

    def __init__(self, config: Config, model: ModelClient, tools: ToolBox) -> None:
        self.config = config
        self.model = model
        self.tools = tools

    def run(self, instruction: str) -> Outcome:
        """Ask, act and answer until the model submits or its turns are used up."""
        schemas = self.tools.schemas()
        listing = "\n".join(f"- {tool['name']}: {tool['description']}" for tool in schemas)
        context = Context(self.config, listing, instruction)
        for step in range(1, self.config.max_steps + 1):
            reply = self.model.complete(context.messages, schemas)
            context.add_reply(reply)
            if reply["finish_reason"] == "length":
                context.add_note("cut_off")
                continue
            if not reply["tool_calls"]:
                context.add_note("reminder")
                continue
            for call in reply["tool_calls"]:
                context.add_observation(call["id"], self.answer(call))
            if self.tools.submission is not None:
                return Outcome("submitted", step, self.tools.submission)
        return Outcome("max_steps", self.config.max_steps)

    def answer(self, raw: dict[str, Any]) -> str:
        """Run one tool call and say what came of it, errors included."""
        call = parse_call(raw)
        tool = self.tools.tools.get(call.name)
        if tool is None:
            return f"error: there is no tool {call.name!r}, only {', '.join(self.tools.tools)}"
        try:
            return tool(**call.arguments)
        except Exception as error:
            logger.info("tool %s failed", call.name, exc_info=True)
            return f"error: {type(error).__name__}: {error}"
