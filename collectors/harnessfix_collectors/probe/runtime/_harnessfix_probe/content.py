"""Messages that GenAI instrumentations hand to their completion hook, also where they keep content off their spans.

The program's own hook goes on getting what it gets; ours stands beside it.
https://github.com/open-telemetry/opentelemetry-python-genai (`opentelemetry.util.genai.completion_hook`)
"""

from __future__ import annotations

from .telemetry import KEPT, Telemetry

NAMES = {
    "system_instruction": "gen_ai.system_instructions",
    "inputs": "gen_ai.input.messages",
    "outputs": "gen_ai.output.messages",
    "tool_definitions": "gen_ai.tool.definitions",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def hear_completions(module: Any, telemetry: Telemetry) -> None:
    """A patch of `opentelemetry.util.genai.completion_hook`."""
    load = module.load_completion_hook

    class Hook:
        """The program's hook, and ours."""

        def __init__(self, theirs: Any) -> None:
            self._theirs = theirs

        def on_completion(self, **told: Any) -> None:
            """As the protocol has it."""
            self._theirs.on_completion(**told)
            telemetry.do(lambda: _keep(told))

    module.load_completion_hook = lambda: Hook(load())


def _keep(told: dict[str, Any]) -> None:
    """Add the messages to what the span is told here; what it was given itself is left as it is."""
    telling = getattr(told.get("span"), KEPT, None)
    if telling is None:
        return
    telling.set({key: told[name] for name, key in NAMES.items() if told.get(name) and key not in telling.attributes})
