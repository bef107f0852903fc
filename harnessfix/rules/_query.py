"""Small questions that many rules ask of a run and of its source.

Nothing here decides anything: a rule does. All functions are linear in what they look at.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.prefix import common_prefix
from harnessfix_ir.steps import Part, StepEvent, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Route, StepKind

from ._once import once

MESSAGE_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
QUOTE_CHARS = 200
_TYPED = frozenset({"input", "readline", "get_input", "user_input"})
CONVERSATIONS = 8  # of one agent, kept open at a time


def quote(text: str, limit: int = QUOTE_CHARS) -> str:
    """`text` on one line, at most `limit` characters, control characters shown as escapes, the middle left out."""
    if len(text) > 2 * limit:  # never escape megabytes to show a line
        text = text[:limit] + text[-limit:]
        return _clip(_visible(text), limit)
    return _clip(_visible(text), limit)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _clip(line: str, limit: int) -> str:
    if len(line) <= limit:
        return line
    head = (limit - 3) * 2 // 3
    return f"{line[:head]} … {line[len(line) - (limit - 3 - head) :]}"


# --- steps ---------------------------------------------------------------------------------------------------------


def ancestors(run: Htir, step: TraceStep) -> Iterator[TraceStep]:
    """The steps that `step` happened inside, innermost first."""
    seen = {step.id}
    while step.parent is not None and step.parent not in seen:
        seen.add(step.parent)
        step = run.step(step.parent)
        yield step


def nearest_anchors(run: Htir, step: TraceStep) -> tuple[Anchor, ...]:
    """Anchors of the step, or of the innermost step around it that has any."""
    if step.anchors:
        return step.anchors
    return next((outer.anchors for outer in ancestors(run, step) if outer.anchors), ())


def asking_anchors(run: Htir, request: TraceStep) -> tuple[Anchor, ...]:
    """Where a request was made: anchors of the innermost step around it that has any, then its own.

    What a request holds is the doing of the code that asked, not of the client that sent it.
    """
    around = next((outer.anchors for outer in ancestors(run, request) if outer.anchors), ())
    return (*around, *request.anchors)


def events(step: TraceStep, name: str) -> list[StepEvent]:
    """The step's events of that name."""
    return [event for event in step.events if event.name == name]


@once
def file_work(run: Htir) -> frozenset[str]:
    """What steps of the run did to files: `artifact`, `state`, and `read`, `write`, `delete` or `chdir` in detail."""
    return frozenset(word for step in run.steps for one in step.effects for word in (one.effect, one.detail))


def has_messages(step: TraceStep) -> bool:
    """Whether the step's input is made of chat messages."""
    return any(part.role in MESSAGE_ROLES for part in step.input)


@once
def requests(run: Htir) -> tuple[TraceStep, ...]:
    """The requests that reached a model, in order of start: each model call once, at its innermost step with messages.

    A wrapper around a client is a model call with another one inside; only the inner one saw what was really sent.
    """
    calls = {step.id: step for step in run.of_kind(StepKind.MODEL_CALL) if has_messages(step)}
    outer: set[str] = set()
    for step in calls.values():
        outer.update(around.id for around in ancestors(run, step) if around.id in calls)
    return tuple(step for step in calls.values() if step.id not in outer)


def reply_parts(run: Htir, request: TraceStep) -> tuple[Part, ...]:
    """What the model answered to a request: its output, else that of the last attempt inside it.

    A function that asks and then reads the answer has no output when the reading fails, or one of a shape of its own;
    the attempt in it has the reply as it came.
    """
    if any(part.kind == "tool_call" for part in request.output):
        return request.output
    attempts = [s for s in run.descendants(request.id) if s.attributes.get("role") == "model_call" and s.output]
    last = attempts[-1].output if attempts else ()
    return last if any(part.kind == "tool_call" for part in last) else request.output or last


Added = tuple[TraceStep, TraceStep | None, list[Part]]
Grown = tuple[TraceStep, TraceStep | None, tuple[Part, ...]]


@once
def added_messages(run: Htir) -> tuple[Added, ...]:
    """For each request: the step, the request before it in the same conversation, and the input parts new in it.

    A conversation goes on in the request that begins with the whole of its last one, else in the one that shares most
    messages with it; a request that shares none begins one.
    """
    return tuple((step, before, _new_parts(step, before, same)) for step, before, same in _turns(run))


@once
def grown_inputs(run: Htir) -> tuple[Grown, ...]:
    """For each request: the step, the request whose whole input it begins with (None when it does not), and the rest.

    What is folded over the parts of requests goes on from the state of the one before, instead of reading the history
    anew with every request.
    """
    return tuple(
        (step, before, step.input[same:])
        if before is not None and same == len(before.input)
        else (step, None, step.input)
        for step, before, same in _turns(run)
    )


@once
def _turns(run: Htir) -> tuple[tuple[TraceStep, TraceStep | None, int], ...]:
    """For each request: the step, the one before it in the same conversation, and how many parts both begin with."""
    found = []
    open_conversations: dict[str | None, list[TraceStep]] = {}
    texts: dict[str, frozenset[str]] = {}
    for step in requests(run):
        recent = open_conversations.setdefault(step.agent, [])
        before, same = _continued(step, recent, texts)
        found.append((step, before, same))
        if before is not None:
            recent.remove(before)
        recent.append(step)
        del recent[:-CONVERSATIONS]
        if len(texts) > 4 * CONVERSATIONS:
            texts.clear()
    return tuple(found)


def _continued(
    step: TraceStep, recent: list[TraceStep], texts: dict[str, frozenset[str]]
) -> tuple[TraceStep | None, int]:
    """The last request of the conversation that `step` goes on with, and how many parts both begin with."""
    same = [common_prefix(step.input, known.input) for known in recent]
    whole = [(len(known.input), -place) for place, known in enumerate(recent) if 0 < same[place] == len(known.input)]
    if whole:
        length, place = max(whole)
        return recent[-place], length
    mine = _texts_of(step, texts) if recent else frozenset()
    shared = [len(_texts_of(known, texts) & mine) for known in recent]
    place = max(range(len(recent)), key=shared.__getitem__, default=0)
    return (recent[place], same[place]) if recent and shared[place] else (None, 0)


def _texts_of(step: TraceStep, texts: dict[str, frozenset[str]]) -> frozenset[str]:
    if step.id not in texts:
        texts[step.id] = frozenset(part.text for part in step.input)
    return texts[step.id]


def place_among(parts: Sequence[Part], part: Part) -> int:
    """Number of a part among others, the last where it stands more than once, -1 where it is none of them.

    What is new in a request stands near its end, whatever the length of the history before it.
    """
    return next((place for place in range(len(parts) - 1, -1, -1) if parts[place] is part), -1)


def _new_parts(step: TraceStep, before: TraceStep | None, same: int) -> list[Part]:
    """Input parts that the request before did not hold; `same` is how many parts both begin with."""
    if before is None or same == len(before.input):
        return list(step.input[same:])
    known = Counter((p.role, p.kind, p.text) for p in before.input[same:])
    new = []
    for part in step.input[same:]:
        key = (part.role, part.kind, part.text)
        if known[key] > 0:
            known[key] -= 1
        else:
            new.append(part)
    return new


# --- harness elements ----------------------------------------------------------------------------------------------


def element_at(model: HarnessModel, anchor: Anchor, *roles: ElementRole) -> Element | None:
    """The innermost element of these roles that holds the first line of `anchor`."""
    around = model.at(anchor.path, anchor.start_line)
    return next((element for element in around if not roles or element.role in roles), None)


def function_of(model: HarnessModel, anchor: Anchor) -> Element | None:
    """The function that `anchor` is, or stands in."""
    named = model.function(anchor.path, anchor.qualname)
    return named if named is not None else element_at(model, anchor, ElementRole.FUNCTION)


def step_elements(model: HarnessModel, step: TraceStep, *roles: ElementRole) -> Iterator[Element]:
    """Elements of these roles that the step's anchors name or stand in, best anchor first, each once."""
    seen: set[str] = set()
    for anchor in step.anchors:
        for element in model.at(anchor.path, anchor.start_line):
            if element.role in roles and element.id not in seen:
                seen.add(element.id)
                yield element


def tool_element(model: HarnessModel, step: TraceStep) -> Element | None:
    """The tool that a tool step ran: by its anchors, else by the only tool of that name."""
    by_anchor = next(step_elements(model, step, ElementRole.TOOL), None)
    if by_anchor is not None:
        return by_anchor
    named = [tool for tool in model.of_role(ElementRole.TOOL) if step.name in (tool.name, tool.value("tool-name"))]
    return named[0] if len(named) == 1 else None


def below(model: HarnessModel, anchor: Anchor, *roles: ElementRole) -> list[Element]:
    """Elements of these roles in the function or class that `anchor` names, in order of line."""
    return model.in_function(anchor.path, anchor.qualname, *roles)


def reachable(model: HarnessModel, anchor: Anchor, depth: int = 4) -> list[Element]:
    """The function of `anchor` and the functions of the harness that it calls, nearest first, `depth` calls deep."""
    start = function_of(model, anchor)
    if start is None:
        return []
    edges = model.callees
    found, seen, ring = [start], {start.anchor.symbol}, [start.anchor.symbol]
    for _ in range(depth):
        ring = [name for key in ring for name in edges.get(key, ()) if name not in seen]
        for name in dict.fromkeys(ring):
            seen.add(name)
            path, _, qualname = name.partition(":")
            element = model.function(path, qualname)
            if element is not None:
                found.append(element)
    return found


def asks_person(model: HarnessModel, loop: Element, *more: str) -> bool:
    """Whether a person types something in each round of a loop, which then ends when the person leaves.

    Args:
        model: the harness.
        loop: a loop, or a retry that is one.
        more: names of further functions that ask a person.
    """
    lines = range(loop.anchor.start_line, loop.anchor.end_line + 1)
    called = (call.callee.rpartition(".")[2] for call in model.calls_of(loop.anchor.symbol) if call.line in lines)
    return any(name in _TYPED or name in more for name in called)


def has_role(function: Element | None, *roles: ElementRole) -> bool:
    """Whether a function has one of these roles."""
    return function is not None and not {role.value for role in roles}.isdisjoint(names(function.value("roles")))


def hazards(model: HarnessModel, name: str) -> Iterator[Element]:
    """The hazards of one shape, in order of path and line."""
    return (element for element in model.of_role(ElementRole.HAZARD) if element.name == name)


def went_through(run: Htir, element: Element) -> bool:
    """Whether the capture tells that the run reached an element's first line."""
    marks = run.reached.get(element.anchor.path)
    return marks is not None and marks.ran(element.anchor.start_line)


def that_ran(run: Htir, elements: Iterable[Element]) -> list[Element]:
    """Those elements of which the run reached something; all of them where the capture does not tell what ran."""
    if not run.reached:
        return list(elements)
    return [element for element in elements if _entered(run, element)]


def _entered(run: Htir, element: Element) -> bool:
    anchor = element.anchor
    marks = run.reached.get(anchor.path)
    return marks is not None and (marks.ran(anchor.start_line) or marks.entered(anchor.start_line, anchor.end_line))


def as_anchor(element: Element, reason: str, route: Route = Route.STATIC) -> Anchor:
    """The element's anchor with the reason why a finding names it."""
    return element.anchor.model_copy(update={"reason": reason, "route": route})


def one_of_each(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """The anchors without repeats of one place, the first kept."""
    places: dict[tuple[str, str, int, int], Anchor] = {}
    for anchor in anchors:
        places.setdefault((anchor.path, anchor.qualname, anchor.start_line, anchor.end_line), anchor)
    return tuple(places.values())


def names(value: object) -> list[str]:
    """A fact's value as a list of strings: what is not one is left out."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def lines_of(value: object) -> list[int]:
    """A fact's value as a list of line numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    return [item for item in value if isinstance(item, int)] if isinstance(value, list | tuple) else []


def wordings(function: Element) -> list[str]:
    """The sentences of a function's literals, with `{}` for each hole."""
    value = function.value("wordings")
    pairs = value if isinstance(value, list) else []
    return [str(pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
