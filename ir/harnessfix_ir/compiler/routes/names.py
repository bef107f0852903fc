"""Names: a step called as a function is, an exception raised or caught by its type."""

import re
from collections.abc import Iterable, Iterator, Sequence

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

from .reach import Reach
from .templates import Template, flat

MOST, MOST_SITES = 3, 8
RAISE, EXCEPT = "raise ", "except "
_TOOL = re.compile("tool", re.IGNORECASE)
# What libraries raise comes out of the calls that use them.
_RAISED_BY = (
    (re.compile(r"HTTP(Status)?Error$|URLError$|^Connect|^(Read|Write|Pool)Timeout$|^Remote"), ElementRole.REQUEST),
    (re.compile(r"^(TimeoutExpired|CalledProcessError|SubprocessError)$"), ElementRole.SUBPROCESS),
    (re.compile(r"^JSONDecodeError$"), ElementRole.PARSER),
)


class NameRoute:
    """Finds functions by their name, raises and handlers by their exception type; many of one name lead nowhere.

    Args:
        model: the harness.
        reach: which of its functions can have run; of several places those that can are meant.
    """

    def __init__(self, model: HarnessModel, reach: Reach) -> None:
        self.reach = reach
        self.functions: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.FUNCTION):
            qualname = element.anchor.qualname
            for name in {qualname, qualname.rpartition(".")[2]}:
                self.functions.setdefault(name, []).append(element)
        self.raises: dict[str, list[tuple[Element, Template]]] = {}
        for element in model.of_role(ElementRole.RAISE):
            message = element.value("message")
            worded = Template(message if isinstance(message, str) else "")
            self.raises.setdefault(_short(element.value("type")), []).append((element, worded))
        self.handlers: dict[str, list[Element]] = {}
        self.around_tools: set[str] = set()
        for element in model.of_role(ElementRole.HANDLER):
            types = element.value("catches")
            for each in types if isinstance(types, list) else ():
                self.handlers.setdefault(_short(each), []).append(element)
            if element.fact("tool-call-inside") or _TOOL.search(element.anchor.qualname):
                self.around_tools.add(element.id)
        self.callers = {called: set(callers) for called, callers in model.callers.items()}
        self._known_above: dict[tuple[str, ...], dict[str, int]] = {}
        self.sources = {role: list(model.of_role(role)) for _, role in _RAISED_BY}
        self.bases: dict[str, list[str]] = {}
        for element in model.of_role(ElementRole.CLASS):
            named = element.value("bases")
            self.bases.setdefault(element.name, []).extend(map(_short, named if isinstance(named, list) else ()))

    def anchors(self, step: TraceStep, raised_at: Sequence[Anchor] = (), *, in_tool: bool = False) -> Iterator[Anchor]:
        """Places that bear the name of the step or of its error.

        Args:
            step: the step.
            raised_at: for an exception that was caught, where it may have been raised.
            in_tool: whether it was raised while a tool ran.
        """
        if step.kind is StepKind.ERROR and step.name.startswith(EXCEPT):
            yield from self._catching(_short(step.name.removeprefix(EXCEPT)), raised_at, in_tool)
            return
        if step.kind is not StepKind.ERROR:
            yield from self._tied(self.functions.get(step.name, ()), f"the function called {step.name!r}", MOST)
        raised = step.error.type if step.error is not None else ""
        if step.kind is StepKind.ERROR and not raised:
            raised = step.name.removeprefix(RAISE)
        if raised:
            name = _short(raised)
            message = flat(step.error.message) if step.error is not None else ""
            known = [e for e, worded in self.raises.get(name, ()) if not worded.usable or worded.match(message)]
            yield from self._tied(known, f"raises {name}")
            if step.kind is StepKind.ERROR and not known:
                yield from self._tied(self._sources_of(name), f"calls what can raise {name}", MOST)
                catching = f"catches {name}, which its own code does not raise"
                yield from self._tied(self.handlers.get(name, ()), catching, MOST)

    def _catching(self, caught: str, raised_at: Sequence[Anchor], in_tool: bool) -> Iterator[Anchor]:
        """Clauses that can have caught it: those on the way from where it was raised, else all that take its type."""
        catching = {caught: f"catches {caught}"}
        catching |= {name: f"catches {name}, which {caught} is" for name in self._family(caught) if name != caught}
        clauses = {h.id: (h, what) for name, what in catching.items() for h in self.handlers.get(name, ())}
        on_the_way = self._nearest_above([clause for clause, _ in clauses.values()], raised_at)
        for clause in on_the_way:
            what = f"{clauses[clause.id][1]}, on the way from where it was raised"
            yield _guess(clause, what, len(on_the_way))
        if in_tool:
            around = [clause for clause, _ in clauses.values() if clause.id in self.around_tools]
            yield from self._tied(around, f"catches {caught} around a call of a tool")
        if on_the_way:
            return
        for name, what in catching.items():
            yield from self._tied(self.handlers.get(name, ()), what)
        yield from self._tied(self._around(caught), f"catches {caught} when it is raised again")

    def _nearest_above(self, clauses: Iterable[Element], raised_at: Sequence[Anchor]) -> list[Element]:
        """Of some clauses those in functions that lead to where it was raised, the fewest calls away first."""
        above = self._above(raised_at)
        found = [clause for clause in clauses if clause.anchor.symbol in above]
        found.sort(key=lambda clause: above[clause.anchor.symbol])
        while len(found) > MOST_SITES:  # whole levels go, the farthest first
            farthest = above[found[-1].anchor.symbol]
            found = [clause for clause in found if above[clause.anchor.symbol] < farthest]
        return found

    def _above(self, raised_at: Sequence[Anchor]) -> dict[str, int]:
        """Functions that lead to these places by known calls, themselves included, with how many calls."""
        places = tuple(anchor.symbol for anchor in raised_at)
        above = self._known_above.get(places)
        if above is None:
            above = self._known_above[places] = dict.fromkeys(places, 0)
            pending = list(above)
            for place in pending:  # grows while it is walked
                for caller in self.callers.get(place, ()):
                    if caller not in above:
                        above[caller] = above[place] + 1
                        pending.append(caller)
        return above

    def _tied(self, elements: Iterable[Element], reason: str, most: int = MOST_SITES) -> Iterator[Anchor]:
        """An anchor for each of these places that can have run, none when they are more than `most`."""
        found = self.reach.nearest(elements)
        return (_guess(element, reason, len(found)) for element in found if len(found) <= most)

    def _sources_of(self, name: str) -> list[Element]:
        """Calls of the harness that an exception of that type comes out of, when its own code does not raise it."""
        return [element for pattern, role in _RAISED_BY if pattern.search(name) for element in self.sources[role]]

    def _around(self, caught: str) -> list[Element]:
        """Handlers of that type in the callers of functions whose own handler of it raises it, or its like, again."""
        again = [
            handler
            for handler in self.handlers.get(caught, ())
            if handler.value("reraises") or _short(handler.value("raises")) == caught
        ]
        callers = {caller for handler in again for caller in self.callers.get(handler.anchor.symbol, ())}
        outer = [handler for name in self._family(caught) for handler in self.handlers.get(name, ())]
        return list({handler.id: handler for handler in outer if handler.anchor.symbol in callers}.values())

    def _family(self, name: str) -> list[str]:
        """The class itself and those above it, as far as the harness defines them, and what every exception is."""
        found = [name]
        for each in found:  # grows while it is walked
            found.extend(base for base in self.bases.get(each, ()) if base not in found)
        return [*found, *(each for each in ("Exception", "BaseException") if each not in found)]


def _guess(element: Element, reason: str, ties: int) -> Anchor:
    among = f", one of {ties}" if ties > 1 else ""
    update = {"route": Route.STATIC, "evidence": Evidence.HEURISTIC, "reason": reason + among, "ties": ties}
    return element.anchor.model_copy(update=update)


def _short(name: object) -> str:
    return str(name or "").rpartition(".")[2]
