"""A stand-in for a provider: plays the turns that a task file lists, and reacts to what it is shown.

A turn is one of

- `{"say": text, "call": [tool, arguments]}`: arguments are an object, or a string sent as it is; `finish` may be given;
- `{"busy": message, "times": n}`: the provider is busy for the next n requests;
- `{"when": regex, "then": [turns], "else": [turns]}`: depends on the last message of the request.
"""

import json
import re
from typing import Any

from .model import ProviderBusy

Turn = dict[str, Any]


class ScriptedBackend:
    """Answers each request with the next turn; says that it has nothing to add when there are no more."""

    def __init__(self, turns: list[Turn]) -> None:
        self.turns = list(turns)
        self.sent = 0

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """One chat completion. Raises `ProviderBusy` where the script says so."""
        self.sent += 1
        turn = self._next(str(request["messages"][-1]["content"]))
        if "busy" in turn:
            raise ProviderBusy(turn["busy"], retry_after=0.01)
        return self._reply(turn)

    def _next(self, shown: str) -> Turn:
        while self.turns:
            turn = self.turns.pop(0)
            if "when" in turn:
                branch = "then" if re.search(turn["when"], shown) else "else"
                self.turns[:0] = turn.get(branch, [])
                continue
            if turn.get("times", 1) > 1:
                self.turns.insert(0, turn | {"times": turn["times"] - 1})
            return turn
        return {"say": "I have nothing to add."}

    def _reply(self, turn: Turn) -> dict[str, Any]:
        calls = []
        if "call" in turn:
            name, arguments = turn["call"]
            raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
            calls.append({"id": f"call_{self.sent}", "name": name, "arguments": raw})
        finish = turn.get("finish", "tool_calls" if calls else "stop")
        return {"content": turn.get("say", ""), "tool_calls": calls, "finish_reason": finish}
