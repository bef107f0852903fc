"""Call sites of a recording: which of them are steps, and which only lead to a function that is one.

A call of a model or tool is recorded both where it is made and, when its target lies in the harness, where it is
done. The function knows more, so the call is left out then. A call within a call of the same sort (a client's request
inside a model class) is an attempt of it.
"""

from typing import Any

from .expand import Expander
from .lines import SpanLines, SpoolDocument, is_passage, mapping
from .parts import asks_something
from .shapes import messages_of
from .streamed import value_of

OTHERS = {"model_call": ("agent_loop", "tool"), "tool": ("agent_loop", "model_call")}


def leave_out_calls(document: SpoolDocument, expander: Expander) -> None:
    """Drop the sites that only lead to a function, and those whose wording alone said what they do and was wrong."""
    children: dict[str, list[SpanLines]] = {}
    for span in document.spans.values():
        if span.up is not None:
            children.setdefault(span.up, []).append(span)
    dropped: dict[str, str | None] = {}
    for span in document.spans.values():
        element = document.element(span.start.get("e"))
        if not is_passage(element):
            continue
        role = str(element.get("role"))
        wrong = element.get("guess") is True and role == "model_call" and not _asks(span, expander)
        if wrong or _leads_to(span, role, children, document):
            dropped[span.id] = span.up
    document.leave_out(dropped)


def _asks(span: SpanLines, expander: Expander) -> bool:
    """Whether what was given or came back is what models are given and give."""
    arguments = mapping(expander.expand(mapping(span.start.get("args"))))
    if any(messages_of(value) is not None for value in arguments.values()):
        return True
    return asks_something(arguments, value_of(span, expander))


def _leads_to(span: SpanLines, role: str, children: dict[str, list[SpanLines]], document: SpoolDocument) -> bool:
    """Whether a function with that role is recorded below, with no other agent, model or tool between."""
    own = document.element(span.start.get("e")).get("runner") == "tool"  # then another is the same tool, run on
    pending = list(children.get(span.id, ()))
    seen: set[str] = set()
    while pending:
        below = pending.pop()
        if below.id in seen:
            continue
        seen.add(below.id)
        element: dict[str, Any] = document.element(below.start.get("e"))
        one = element.get("runner") == "tool" and not own
        site = is_passage(element) and not one
        # A function that asks a model in a loop of its own is an agent: to call it is no model call.
        agent = element.get("role") == "agent_loop" and role == "model_call" and role in _roles(element)
        if (element.get("role") == role or agent) and not site:
            return True
        if site or element.get("role") not in OTHERS.get(role, ()):
            pending.extend(children.get(below.id, ()))
    return False


def _roles(element: dict[str, Any]) -> list[Any]:
    roles = element.get("roles")
    return roles if isinstance(roles, list) else []
