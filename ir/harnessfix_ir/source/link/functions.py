"""What linking adds to functions and parsers."""

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .callers import callers
from .flow import Flow

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


def mark_function_roles(flow: Flow, loops: dict[str, list[Draft]]) -> None:
    """`roles` of every function: those that it has as a whole, and `agent_loop` when it holds one."""
    roles: dict[str, list[str]] = {}
    for draft in flow.facts.drafts:
        if draft.role in _FUNCTION_ROLES:
            roles.setdefault(draft.qualname, []).append(draft.role.value)
    for qualname in loops:
        roles.setdefault(qualname, []).append(ElementRole.AGENT_LOOP.value)
    for draft in flow.facts.drafts:
        found = roles.get(draft.qualname) if draft.role is ElementRole.FUNCTION else None
        if found:
            draft.add("roles", [*dict.fromkeys(found)], 0, Evidence.DERIVED)


def excuse_guarded_parsers(flow: Flow) -> None:
    """A parser whose every caller in the harness catches decode errors is guarded."""
    for draft in flow.facts.drafts:
        if draft.role is not ElementRole.PARSER or not draft.get("unguarded-json-loads"):
            continue
        around = [
            caught for calls in callers(flow.program, (flow.facts.path, draft.qualname)) for caught in calls.caught
        ]
        if around and all({last(kind) for kind in caught} & _DECODE_ERRORS for caught in around):
            draft.replace("unguarded-json-loads", None)
