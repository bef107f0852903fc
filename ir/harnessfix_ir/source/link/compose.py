"""One file as it is in the harness model: its elements with all that other files tell of them, and its calls."""

from typing import Any

from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.source.places import places_of
from harnessfix_ir.source.stored import KIND_NUMBERS, ROLE_NUMBERS, RUNG_NUMBERS, CallRows, Chunk, ElementRow
from harnessfix_ir.vocabulary import ElementRole

from .checks import link_approvals, link_verifiers
from .config import link_classes, link_keys
from .counters import link_counters
from .defaults import link_defaults
from .dependencies import link_dependencies
from .flow import Flow
from .functions import excuse_guarded_parsers, mark_function_roles
from .hooks import link_hooks
from .loops import mark_agent_loops, mark_handlers
from .prompts import link_prompts
from .reading import add_reading
from .tools import link_tools
from .truncations import link_truncations

_INTERNAL = frozenset(
    (
        "members",
        "try-lines",
        "unconfirmed",
        "steps-through",
        "runs-once",
        "ends-without-tool-calls",
        "advances",
        "body-from",
        "sdk-returned",
        "result-name",
    )
)


def compose(flow: Flow) -> Chunk:
    """The part of the model that a file makes; its drafts are completed in place."""
    program, facts = flow.program, flow.facts
    places = places_of(facts)
    link_tools(program, facts)
    link_prompts(program, facts)
    link_hooks(program, facts)
    link_truncations(program, facts)
    link_counters(program, facts)
    link_defaults(program, facts)
    link_keys(program, facts)
    link_classes(program, facts)
    link_dependencies(program, facts)
    add_reading(flow)
    loops = mark_agent_loops(flow)
    mark_handlers(flow, loops)
    excuse_guarded_parsers(flow)
    link_verifiers(flow)
    link_approvals(flow)
    mark_function_roles(flow, loops)
    return Chunk.of(facts.path, _element_rows(facts), _call_rows(flow), places)


def _call_rows(flow: Flow) -> CallRows:
    """By caller, each call as it is written, its line, and the function that it leads to."""
    found: CallRows = {}
    for caller, edges in flow.edges.items():
        flat: list[Any] = []
        for edge in edges:
            flat += (edge.call.callee, edge.call.line, edge.resolved)
        found[caller] = flat
    return found


def _element_rows(facts: FileFacts) -> list[ElementRow]:
    counts: dict[tuple[ElementRole, str], int] = {}
    found = []
    for draft in sorted(facts.drafts, key=lambda d: (d.start, d.end, d.role.value, d.name)):
        slot = (draft.role, draft.qualname)
        before = counts.get(slot, 0)
        counts[slot] = before + 1
        known = [
            [name, value, line, RUNG_NUMBERS[evidence]]
            for name, value, line, evidence in draft.facts
            if name not in _INTERNAL
        ]
        found.append(
            [
                ROLE_NUMBERS[draft.role],
                draft.name,
                draft.qualname,
                before,
                draft.start,
                draft.end,
                facts.hashes.get(f"{draft.start}-{draft.end}", ""),
                KIND_NUMBERS[draft.kind],
                known,
                draft.text,
            ]
        )
    return found
