"""What linking adds to functions, model calls and parsers."""

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .flow import Edge, Flow
from .program import Key

_FUNCTION_ROLES = (
    ElementRole.MODEL_CALL,
    ElementRole.TOOL,
    ElementRole.PARSER,
    ElementRole.CONTEXT_BUILDER,
    ElementRole.MEMORY,
    ElementRole.VERIFIER,
    ElementRole.APPROVAL,
    ElementRole.SUBMISSION,
)
_DECODE_ERRORS = frozenset(("JSONDecodeError", "ValueError", "Exception", "BaseException"))
_READS = ("reads-finish-reason", "reads-usage", "guards-empty-choices")


def mark_function_roles(flow: Flow, loops: dict[Key, list[Draft]]) -> None:
    """`roles` of every function: those that it has as a whole, and `agent_loop` when it holds one."""
    roles: dict[Key, list[str]] = {}
    for facts, draft in flow.program.drafts(*_FUNCTION_ROLES):
        roles.setdefault((facts.path, draft.qualname), []).append(draft.role.value)
    for key in loops:
        roles.setdefault(key, []).append(ElementRole.AGENT_LOOP.value)
    for facts, draft in flow.program.drafts(ElementRole.FUNCTION):
        found = roles.get((facts.path, draft.qualname))
        if found:
            draft.add("roles", [*dict.fromkeys(found)], 0, Evidence.DERIVED)


def share_reading(flow: Flow) -> None:
    """A model call that hands the raw reply to its caller reads what the caller reads."""
    for key, draft in flow.models.items():
        for edge in flow.edges.get(key, ()):
            for target in edge.targets:
                called = flow.models.get(target)
                if called is None or called is draft:
                    continue
                for name in _READS:
                    if draft.get(name) and not called.get(name):
                        called.add(name, True, 0, Evidence.DERIVED)
                    elif called.get(name) and not draft.get(name):
                        draft.add(name, True, 0, Evidence.DERIVED)
        for edge in flow.edges.get(key, ()):
            for target in edge.targets:
                helper = flow.program.functions.get(target)
                if helper is not None and target not in flow.models:
                    for name in _READS:
                        if name in helper.traits and not draft.get(name):
                            draft.add(name, True, edge.call.line, Evidence.DERIVED)


def excuse_guarded_parsers(flow: Flow, callers: dict[Key, list[Edge]]) -> None:
    """A parser whose every caller in the harness catches decode errors is guarded."""
    for facts, draft in flow.program.drafts(ElementRole.PARSER):
        if not draft.get("unguarded-json-loads"):
            continue
        edges = callers.get((facts.path, draft.qualname), [])
        if edges and all({last(kind) for kind in edge.call.caught} & _DECODE_ERRORS for edge in edges):
            draft.replace("unguarded-json-loads", None)
