"""Facts of all files to one harness model."""

from pathlib import Path

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import unchecked, unchecked_many
from harnessfix_ir.harness import CallEdge, Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.source.facts import LAYERS, Draft, FileFacts
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

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

# What a linker states is of the declared types, and a harness has tens of thousands of each.
_fact, _anchor, _make_element = unchecked(Fact), unchecked(Anchor), unchecked(Element)
_INTERNAL = frozenset(
    (
        "members",
        "try-lines",
        "unconfirmed",
        "steps-through",
        "runs-once",
        "ends-without-tool-calls",
        "body-from",
        "sdk-returned",
        "result-name",
    )
)


def build_model(files: list[FileFacts], base: Path) -> HarnessModel:
    """Link the files and write the documents.

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
    elements: list[Element] = []
    for facts in sorted(files, key=lambda f: f.path):
        elements.extend(_elements(facts))
    return HarnessModel(
        root=str(base),
        files=tuple(_source_file(facts, base) for facts in files),
        elements=tuple(elements),
        calls=tuple(_calls(flow)),
    )


def _calls(flow: Flow) -> list[CallEdge]:
    return unchecked_many(
        CallEdge,
        (
            {
                "caller": f"{edge.path}:{edge.call.caller}",
                "callee": edge.call.callee,
                "line": edge.call.line,
                "resolved": edge.resolved,
            }
            for edge in flow.all_edges()
        ),
    )


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


def _elements(facts: FileFacts) -> list[Element]:
    counts: dict[tuple[ElementRole, str], int] = {}
    found = []
    for draft in sorted(facts.drafts, key=lambda d: (d.start, d.end, d.role.value, d.name)):
        slot = (draft.role, draft.qualname)
        counts[slot] = counts.get(slot, 0) + 1
        found.append(_element(draft, facts, counts[slot]))
    return found


def _element(draft: Draft, facts: FileFacts, number: int) -> Element:
    suffix = f"#{number}" if number > 1 else ""
    return _make_element(
        id=f"{draft.role.value}:{facts.path}:{draft.qualname}{suffix}",
        role=draft.role,
        layer=LAYERS[draft.role],
        name=draft.name,
        anchor=_anchor(
            path=facts.path,
            qualname=draft.qualname,
            start_line=draft.start,
            end_line=draft.end,
            content_hash=facts.hashes.get(f"{draft.start}-{draft.end}", ""),
            kind=AnchorKind(draft.kind),
        ),
        facts=tuple(
            _fact(name=name, value=value, line=line, evidence=evidence)
            for name, value, line, evidence in draft.facts
            if name not in _INTERNAL
        ),
        text=draft.text,
    )
