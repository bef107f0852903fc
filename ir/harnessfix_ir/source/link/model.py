"""Facts of all files to one harness model."""

from pathlib import Path
from typing import Any

from harnessfix_ir.harness import HarnessModel, SourceFile
from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.source.stored import (
    KIND_NUMBERS,
    ROLE_NUMBERS,
    RUNG_NUMBERS,
    CallRows,
    Chunk,
    ElementRow,
    model_of,
)
from harnessfix_ir.vocabulary import ElementRole

from .checks import link_approvals, link_verifiers
from .config import link_config
from .dependencies import link_dependencies
from .flow import Flow
from .functions import excuse_guarded_parsers, mark_function_roles, share_reading
from .hooks import link_hooks
from .loops import mark_agent_loops, mark_handlers
from .program import Program
from .prompts import link_prompts
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


def build_model(files: list[FileFacts], base: Path) -> tuple[HarnessModel, list[Chunk]]:
    """Link the files; the model, and the chunks that it is made of.

    Args:
        files: facts of every file; their drafts are completed in place.
        base: folder that the model's paths are relative to.
    """
    program = Program(files)
    link_tools(program)
    link_prompts(program)
    link_hooks(program)
    link_truncations(program)
    link_config(program)
    link_dependencies(program, _own_names(files))
    flow = Flow(program)
    share_reading(flow)
    loops = mark_agent_loops(flow)
    mark_handlers(flow, loops)
    callers = flow.callers()
    excuse_guarded_parsers(flow, callers)
    link_verifiers(flow, callers)
    link_approvals(flow, callers)
    mark_function_roles(flow, loops)
    rows = _call_rows(flow)
    chunks = [Chunk.of(facts.path, _element_rows(facts), rows.get(facts.path, {})) for facts in files]
    return model_of(str(base), [_source_file(facts, base) for facts in files], chunks), chunks


def _call_rows(flow: Flow) -> dict[str, CallRows]:
    """By file and caller, each call as it is written, its line, and the function that it leads to."""
    found: dict[str, CallRows] = {}
    for (path, caller), edges in flow.edges.items():
        flat: list[Any] = []
        for edge in edges:
            flat += (edge.call.callee, edge.call.line, edge.resolved)
        found.setdefault(path, {})[caller] = flat
    return found


def _own_names(files: list[FileFacts]) -> set[str]:
    """Names under which the harness's own modules can be imported."""
    names = {part for facts in files if facts.module for part in facts.module.split(".")}
    return names | {part for facts in files for part in facts.path.split("/")[:-1]}


def _source_file(facts: FileFacts, base: Path) -> SourceFile:
    return SourceFile(
        path=facts.path,
        sha256=facts.sha256,
        language=facts.language,
        lines=facts.lines,
        error=facts.error,
        suppressions=facts.suppressions,
        base="" if facts.base == str(base) else facts.base,
    )


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
