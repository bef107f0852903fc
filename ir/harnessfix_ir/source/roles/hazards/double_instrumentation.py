"""Two instrumentors that record the same model call."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

# Frameworks that call models through the clients on the right: with both instrumented, each call makes two spans.
THROUGH = {
    "openai_agents": ("openai",),
    "langchain": ("openai", "anthropic", "google_genai", "bedrock", "mistralai"),
    "llama_index": ("openai", "anthropic"),
    "llamaindex": ("openai", "anthropic"),
    "crewai": ("litellm", "openai"),
    "smolagents": ("litellm", "openai"),
    "dspy": ("litellm", "openai"),
    "autogen_agentchat": ("openai",),
}
_INSTRUMENTS = re.compile(r"(^|\.)instrumentation\.([a-z_]+)(\.\w+)*\.\w*Instrumentor\(\)\.instrument$")


class DoubleInstrumentation(Role):
    """`CrewAIInstrumentor().instrument()` beside `OpenAIInstrumentor().instrument()`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        before: dict[str, str] = {}
        for scope, call in file.all(ast.Call):
            name = callee(call, scope)
            found = _INSTRUMENTS.search(name)
            if found is None:
                continue
            library, family = found.group(2), name.partition(".")[0]
            other = next((b for b, by in before.items() if _both_see(library, family, b, by)), None)
            if other is not None:
                yield hazard("double-instrumentation", scope, call).add("one", other).add("other", library)
            before.setdefault(library, family)


def _both_see(library: str, family: str, before: str, by: str) -> bool:
    """Whether a model call makes a span of each."""
    if library == before:
        return family != by
    return before in THROUGH.get(library, ()) or library in THROUGH.get(before, ())
