"""Call sites that ask a model or run a tool: for the calls whose target is no function of the harness.

A harness that calls a client in its own loop, or is handed a model or a tool from outside, has no function of its own
that could be recorded as that step; there the calling statement is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harnessfix_ir.harness import CallEdge, HarnessModel
from harnessfix_ir.source.words import MODEL_RECEIVER, MODEL_VERBS
from harnessfix_ir.vocabulary import ElementRole as Role

# A variable called so, or an attribute; not `get_model`, nor a class.
_MODEL = re.compile(r"(^|\.)_?(model|llm|lm|chat_model|chatbot|language_model)(\(\)|\[\])*$")
_TOOL = re.compile(
    r"(^|\.)((call|execute|run|invoke|on_invoke)_tool|tool(_func|_fn|_function)?)$"
    r"|(^|\.)tool\.(call|execute|run|invoke|ainvoke|arun|forward|func|fn|function|tool|handler)$"
    r"|(^|\.)(tools?|TOOLS?)(_map|_by_name|_registry|_functions|_MAP|_REGISTRY)?\[\]$"
)


@dataclass(frozen=True)
class Site:
    """One call.

    Args:
        path, qualname, line: of the calling function, and where the call begins.
        callee: the dotted name that is called, as written.
        role: `model_call` or `tool`.
        element: id of the model-call element it belongs to, else its own.
        guess: whether only its wording says what it does; then what it is given must bear it out.
    """

    path: str
    qualname: str
    line: int
    callee: str
    role: Role
    element: str
    guess: bool


def sites_of(model: HarnessModel) -> Iterator[Site]:
    """Sites of a harness, each place once, the surest reason first."""
    seen: set[tuple[str, int, str]] = set()
    for site in (*_known(model), *_worded(model)):
        key = (site.path, site.line, site.callee)
        if key not in seen:
            seen.add(key)
            yield site


def _known(model: HarnessModel) -> Iterator[Site]:
    """Calls of a known client, and of functions of the harness that ask a model."""
    asking = {element.anchor.symbol: element for element in model.of_role(Role.MODEL_CALL)}
    clients = {(place, _ending(element.value("sdk"))): element for place, element in asking.items()}
    looped = {
        (loop.anchor.symbol, name): loop
        for loop in model.of_role(Role.AGENT_LOOP)
        if isinstance(names := loop.value("asks"), list)
        for name in names
    }
    for call in model.calls:
        element = clients.get((call.caller, _ending(call.callee)))
        if element is None and call.resolved in asking and call.caller not in asking:
            element = asking[call.resolved]
        if element is not None:
            yield _site(call, Role.MODEL_CALL, element.id)
        elif (call.caller, call.callee) in looped and not call.resolved:
            yield _site(call, Role.MODEL_CALL, guess=True)


def _worded(model: HarnessModel) -> Iterator[Site]:
    """Calls of what is called a model or a tool and is no function of the harness."""
    for call in model.calls:
        if call.resolved:
            continue
        receiver, _, verb = call.callee.rpartition(".")
        if _TOOL.search(call.callee):
            yield _site(call, Role.TOOL, guess=True)
        elif (MODEL_RECEIVER.search(receiver) and verb in MODEL_VERBS) or _MODEL.search(call.callee):
            yield _site(call, Role.MODEL_CALL, guess=True)


def _site(call: CallEdge, role: Role, element: str = "", guess: bool = False) -> Site:
    path, _, qualname = call.caller.partition(":")
    own = f"site:{path}:{qualname}:{call.line}"
    return Site(path, qualname, call.line, call.callee, role, element or own, guess)


def _ending(callee: object) -> tuple[str, ...]:
    """The last words of a client's call: a function may make it on several objects."""
    return tuple(callee.split(".")[-3:]) if isinstance(callee, str) and callee else ("",)
