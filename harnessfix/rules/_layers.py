"""On which layer a function lies: what its name says, else what stands in it, else what its class and file say.

A guess of the sort that a reader makes who has not opened the function yet; good enough to sort by.
"""

import re
from collections import Counter
from collections.abc import Iterable

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.vocabulary import ElementRole, Layer

_WORDS = tuple(
    (layer, re.compile(words))
    for layer, words in (
        (Layer.GOVERNANCE, r"approv|permission|policy|guard|redact|secret|allow|deny|confirm|human"),
        (Layer.OBSERVABILITY, r"trac(e|ing)|span|telemetry|usage|log|monitor|metric|record|event|replay|cost"),
        (Layer.VERIFICATION, r"scor|judge|eval|verif|valid|assert|check|submit|final|grade|output"),
        (Layer.CONTEXT, r"memor|prompt|messag|context|histor|templat|render|summar|truncat|compact|instruction|window"),
        (Layer.TOOL_INTERFACE, r"tool|pars|schema|function|argument|action|mcp"),
        (Layer.EXECUTION, r"exec|sandbox|docker|shell|command|env|process|workspace|bash|python|interpreter|state"),
        (Layer.LIFECYCLE, r"agent|loop|run|graph|team|turn|step|handoff|retry|limit|flow|node|pipeline|stream"),
    )
)
"""The first layer that has a word counts: what is narrow comes before what nearly every harness has everywhere."""
_PARTS = {
    ElementRole.APPROVAL: Layer.GOVERNANCE,
    ElementRole.VERIFIER: Layer.VERIFICATION,
    ElementRole.SUBMISSION: Layer.VERIFICATION,
    ElementRole.CONTEXT_BUILDER: Layer.CONTEXT,
    ElementRole.MEMORY: Layer.CONTEXT,
    ElementRole.TRUNCATION: Layer.CONTEXT,
    ElementRole.PROMPT: Layer.CONTEXT,
    ElementRole.PARSER: Layer.TOOL_INTERFACE,
    ElementRole.TOOL: Layer.TOOL_INTERFACE,
    ElementRole.TOOL_REGISTRY: Layer.TOOL_INTERFACE,
    ElementRole.SUBPROCESS: Layer.EXECUTION,
    ElementRole.REQUEST: Layer.EXECUTION,
    ElementRole.AGENT_LOOP: Layer.LIFECYCLE,
    ElementRole.RETRY: Layer.LIFECYCLE,
}
"""Elements that say what their function is there for; handlers, loops and loggers stand in all sorts of functions."""


def layer_by_name(function: Anchor, parts: Iterable[ElementRole]) -> Layer:
    """The layer of a function.

    Args:
        function: where it is.
        parts: roles of the elements in it, each as often as it occurs.
    """
    owner, _, name = function.qualname.rpartition(".")
    held = Counter(_PARTS[role] for role in parts if role in _PARTS).most_common(1)
    file = function.path.rpartition("/")[2]
    said = (_said(name), held[0][0] if held else None, _said(owner), _said(file))
    return next((layer for layer in said if layer is not None), Layer.LIFECYCLE)


def _said(text: str) -> Layer | None:
    return next((layer for layer, words in _WORDS if words.search(text.lower())), None)
