"""Which loops are agent loops, and what bounds them."""

from bisect import bisect_left, bisect_right

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.words import EXECUTE_NAME
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .flow import Edge, Flow
from .program import Key

_WORKS = (ElementRole.TOOL, ElementRole.PARSER, ElementRole.CONTEXT_BUILDER, ElementRole.TOOL_REGISTRY)


def mark_agent_loops(flow: Flow) -> dict[Key, list[Draft]]:
    """Turn loops in whose body the model is asked into `agent_loop` elements; returns them by function.

    A loop that goes on as long as each new reply calls tools is one too, and one whose condition makes a step of a
    graph whose tasks its body runs, though nothing in them leads to the model: replies come from elsewhere there,
    through events or from the nodes that a graph is given.
    """
    working: dict[Key, list[int]] = {}
    for facts, draft in flow.program.drafts(*_WORKS):
        working.setdefault((facts.path, draft.qualname), []).extend(_lines(draft))
    for lines in working.values():
        lines.sort()
    found: dict[Key, list[Draft]] = {}
    for key in flow.loops:
        nest = flow.nest(key)
        for loop in nest.loops:
            asking = flow.asking_edges(key, loop)
            if not asking and not loop.get("ends-without-tool-calls") and not loop.get("advances"):
                continue
            edges = nest.within(loop)
            reached = flow.reached(edges)
            if not _goes_on(flow, key, loop, edges, working):
                continue
            _describe(flow, key, loop, asking, reached)
            if _stops_by_itself(flow, key, loop):
                loop.replace("bounded-by", ["condition"])
                loop.replace("unbounded", None)
            found.setdefault(key, []).append(loop)
    for loops in flow.loops.values():
        for loop in loops:
            bounds = [value for name, value, _, _ in loop.facts if name == "bounded-by"]
            if loop.role is ElementRole.LOOP and bounds:
                loop.replace("bounded-by", [*bounds], Evidence.OBSERVED)
    return found


def _goes_on(flow: Flow, key: Key, loop: Draft, edges: list[Edge], working: dict[Key, list[int]]) -> bool:
    """Whether one turn builds on the last: messages grow, a tool runs, an answer is parsed.

    Looks at the loop's own lines and at what it calls, but not inside model calls. A `while` that nothing is known of
    counts unless it talks with a person.
    """
    reached = flow.reached(edges, past_models=False) - set(flow.models)
    if any(target in working for target in reached):
        return True
    lines = working.get(key, [])
    if bisect_left(lines, loop.start) < bisect_right(lines, loop.end):
        return True
    names = {last(edge.call.callee) for edge in edges}
    if any(EXECUTE_NAME.search(name) for name in names):
        return True
    return loop.get("kind") == "while" and not names & {"input", "prompt", "readline"}


def _lines(draft: Draft) -> list[int]:
    """Lines on which a function does what its role says."""
    found: list[int] = [draft.start] if draft.role is ElementRole.TOOL_REGISTRY else []
    for name in ("appends", "json-loads", "regex-lines"):
        value = draft.get(name)
        if isinstance(value, list):
            found += [line for line in value if isinstance(line, int)]
    return found


def _describe(flow: Flow, key: Key, loop: Draft, asking: list[Edge], reached: set[Key]) -> None:
    loop.role = ElementRole.AGENT_LOOP
    loop.name = key[1]
    bounds = [str(value) for name, value, _, _ in loop.facts if name == "bounded-by"]
    limited = [k for k in reached if k in flow.program.functions and "limits" in flow.program.functions[k].traits]
    if limited:
        bounds.append("limit-exit")
    if limited and loop.get("catches") and loop.get("exits"):
        bounds.append("exception-exit")
    bounds = list(dict.fromkeys(bounds))
    loop.facts = [fact for fact in loop.facts if fact[0] not in ("bounded-by", "steps-through")]
    loop.add("bounded-by", [*bounds], 0, Evidence.DERIVED)
    if not bounds:
        loop.add("unbounded", True, 0, Evidence.DERIVED)
    if limited:
        loop.add("limited-in", [*sorted(f"{path}:{qualname}" for path, qualname in limited)], 0, Evidence.DERIVED)
    if not asking:
        return  # asked elsewhere: through a queue, an event or a graph
    models = {k for k in reached if k in flow.models}
    loop.add(
        "asks",
        [*(sorted(f"{p}:{q}" for p, q in models) or sorted({e.call.callee for e in asking}))],
        asking[0].call.line,
        Evidence.OBSERVED if models else Evidence.HEURISTIC,
    )


def _stops_by_itself(flow: Flow, key: Key, loop: Draft) -> bool:
    """Whether the step that the condition makes is refused when a limit is reached."""
    name = loop.get("advances")
    asked = [e for e in flow.edges.get(key, ()) if e.call.callee == name and loop.start <= e.call.line <= loop.end]
    functions = flow.program.functions
    return any("stops" in functions[target].traits for edge in asked[:1] for target in edge.targets)


def mark_handlers(flow: Flow, loops: dict[Key, list[Draft]]) -> None:
    """`in-loop` and `tool-call-inside` of handlers."""
    tools = {(facts.path, d.qualname) for facts, d in flow.program.drafts(ElementRole.TOOL)}
    lookups: dict[Key, list[int]] = {}
    for facts, draft in flow.program.drafts(ElementRole.TOOL_REGISTRY):
        if draft.get("lookup"):
            lookups.setdefault((facts.path, draft.qualname), []).append(draft.start)
    for facts, handler in flow.program.drafts(ElementRole.HANDLER):
        key = (facts.path, handler.qualname)
        around = [loop for loop in loops.get(key, ()) if loop.start <= handler.start and handler.end <= loop.end]
        if around:
            handler.add("in-loop", handler.qualname, around[-1].start, Evidence.DERIVED)
        lines = handler.get("try-lines")
        if not isinstance(lines, list) or len(lines) != 2:
            continue
        first, final = int(str(lines[0])), int(str(lines[1]))
        edges = [e for e in flow.edges.get(key, ()) if first <= e.call.line <= final]
        calls = [e for e in edges if any(t in tools for t in e.targets) or _worded_like_tool(e)]
        if calls or any(first <= line <= final for line in lookups.get(key, ())):
            handler.add("tool-call-inside", True, calls[0].call.line if calls else 0, Evidence.DERIVED)


def _worded_like_tool(edge: Edge) -> bool:
    name = edge.call.callee
    return not edge.targets and (
        last(name) in ("call_tool", "execute_tool", "run_tool", "invoke_tool", "tool")
        or ("tool" in name.lower() and last(name) in ("execute", "run", "invoke", "call", "forward", "ainvoke"))
        or ("[]()" in name + "()" and "tools[]" in name.lower())
    )
