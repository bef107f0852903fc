"""Which loops are agent loops, and what bounds them."""

from bisect import bisect_left, bisect_right

from harnessfix_ir.source.expressions import last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.words import EXECUTE_NAME
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .exports import WORKING
from .flow import Edge, Flow
from .program import Key, Program, written
from .tables import TOOL, WORKS
from .tools import is_made_tool


def mark_agent_loops(flow: Flow) -> dict[str, list[Draft]]:
    """Turn loops in whose body the model is asked into `agent_loop` elements; returns them by function.

    A loop that goes on as long as each new reply calls tools is one too, and one whose condition makes a step of a
    graph whose tasks its body runs, though nothing in them leads to the model: replies come from elsewhere there,
    through events or from the nodes that a graph is given.
    """
    working: dict[str, list[int]] = {}
    for draft in flow.facts.drafts:
        if draft.role in WORKING:
            working.setdefault(draft.qualname, []).extend(_lines(draft))
    for lines in working.values():
        lines.sort()
    found: dict[str, list[Draft]] = {}
    for qualname in flow.loops:
        nest = flow.nest(qualname)
        for loop in nest.loops:
            asking = flow.asking_edges(loop)
            if not asking and not loop.get("ends-without-tool-calls") and not loop.get("advances"):
                continue
            edges = nest.within(loop)
            if not _goes_on(flow, loop, edges, working.get(qualname, [])):
                continue
            _describe(flow, loop, asking, flow.reached(edges))
            if _stops_by_itself(flow, loop):
                loop.replace("bounded-by", ["condition"])
                loop.replace("unbounded", None)
            found.setdefault(qualname, []).append(loop)
    for loops in flow.loops.values():
        for loop in loops:
            bounds = [value for name, value, _, _ in loop.facts if name == "bounded-by"]
            if loop.role is ElementRole.LOOP and bounds:
                loop.replace("bounded-by", [*bounds], Evidence.OBSERVED)
    return found


def _goes_on(flow: Flow, loop: Draft, edges: list[Edge], lines: list[int]) -> bool:
    """Whether one turn builds on the last: messages grow, a tool runs, an answer is parsed.

    Looks at the loop's own lines and at what it calls, but not inside model calls. A `while` that nothing is known of
    counts unless it talks with a person. `lines` are those on which the function itself works.
    """
    program = flow.program
    if any(_works(program, key) and not program.asks_model(key) for key in flow.reached(edges, past_models=False)):
        return True
    if bisect_left(lines, loop.start) < bisect_right(lines, loop.end):
        return True
    names = {last(edge.call.callee) for edge in edges}
    if any(EXECUTE_NAME.search(name) for name in names):
        return True
    return loop.get("kind") == "while" and not names & {"input", "prompt", "readline"}


def _works(program: Program, key: Key) -> bool:
    return program.exchange.of(WORKS, *key) is not None or is_made_tool(program, key)


def _lines(draft: Draft) -> list[int]:
    """Lines on which a function does what its role says."""
    found: list[int] = [draft.start] if draft.role is ElementRole.TOOL_REGISTRY else []
    for name in ("appends", "json-loads", "regex-lines"):
        value = draft.get(name)
        if isinstance(value, list):
            found += [line for line in value if isinstance(line, int)]
    return found


def _describe(flow: Flow, loop: Draft, asking: list[Edge], reached: set[Key]) -> None:
    loop.role = ElementRole.AGENT_LOOP
    loop.name = loop.qualname
    bounds = [str(value) for name, value, _, _ in loop.facts if name == "bounded-by"]
    limited = [key for key in reached if _has_trait(flow.program, key, "limits")]
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
        loop.add("limited-in", [*sorted(map(written, limited))], 0, Evidence.DERIVED)
    if not asking:
        return  # asked elsewhere: through a queue, an event or a graph
    models = [key for key in reached if flow.program.asks_model(key)]
    loop.add(
        "asks",
        [*(sorted(map(written, models)) or sorted({e.call.callee for e in asking}))],
        asking[0].call.line,
        Evidence.OBSERVED if models else Evidence.HEURISTIC,
    )


def _stops_by_itself(flow: Flow, loop: Draft) -> bool:
    """Whether the step that the condition makes is refused when a limit is reached."""
    name = loop.get("advances")
    edges = flow.edges.get(loop.qualname, ())
    asked = [e for e in edges if e.call.callee == name and loop.start <= e.call.line <= loop.end]
    return any(_has_trait(flow.program, target, "stops") for edge in asked[:1] for target in edge.targets)


def _has_trait(program: Program, key: Key, trait: str) -> bool:
    function = program.function(key)
    return function is not None and trait in function.traits


def mark_handlers(flow: Flow, loops: dict[str, list[Draft]]) -> None:
    """`in-loop` and `tool-call-inside` of handlers."""
    lookups: dict[str, list[int]] = {}
    for draft in flow.facts.drafts:
        if draft.role is ElementRole.TOOL_REGISTRY and draft.get("lookup"):
            lookups.setdefault(draft.qualname, []).append(draft.start)
    for handler in flow.facts.drafts:
        if handler.role is not ElementRole.HANDLER:
            continue
        own = loops.get(handler.qualname, ())
        around = [loop for loop in own if loop.start <= handler.start and handler.end <= loop.end]
        if around:
            handler.add("in-loop", handler.qualname, around[-1].start, Evidence.DERIVED)
        lines = handler.get("try-lines")
        if not isinstance(lines, list) or len(lines) != 2:
            continue
        first, final = int(str(lines[0])), int(str(lines[1]))
        edges = [e for e in flow.edges.get(handler.qualname, ()) if first <= e.call.line <= final]
        calls = [e for e in edges if any(_is_tool(flow.program, t) for t in e.targets) or _worded_like_tool(e)]
        if calls or any(first <= line <= final for line in lookups.get(handler.qualname, ())):
            handler.add("tool-call-inside", True, calls[0].call.line if calls else 0, Evidence.DERIVED)


def _is_tool(program: Program, key: Key) -> bool:
    return program.exchange.of(TOOL, *key) is not None or is_made_tool(program, key)


def _worded_like_tool(edge: Edge) -> bool:
    name = edge.call.callee
    return not edge.targets and (
        last(name) in ("call_tool", "execute_tool", "run_tool", "invoke_tool", "tool")
        or ("tool" in name.lower() and last(name) in ("execute", "run", "invoke", "call", "forward", "ainvoke"))
        or ("[]()" in name + "()" and "tools[]" in name.lower())
    )
