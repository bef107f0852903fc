"""Names: a step called as a function is, an exception raised or caught by its type."""

import re
from collections.abc import Iterable, Iterator

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Route, StepKind

MOST, MOST_SITES = 3, 8
RAISE, EXCEPT = "raise ", "except "
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
    """

    def __init__(self, model: HarnessModel) -> None:
        self.functions: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.FUNCTION):
            qualname = element.anchor.qualname
            for name in {qualname, qualname.rpartition(".")[2]}:
                self.functions.setdefault(name, []).append(element)
        self.raises: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.RAISE):
            self.raises.setdefault(_short(element.value("type")), []).append(element)
        self.handlers: dict[str, list[Element]] = {}
        for element in model.of_role(ElementRole.HANDLER):
            types = element.value("catches")
            for each in types if isinstance(types, list) else ():
                self.handlers.setdefault(_short(each), []).append(element)
        self.callers = {called: set(callers) for called, callers in model.callers.items()}
        self.sources = {role: list(model.of_role(role)) for _, role in _RAISED_BY}
        self.bases: dict[str, list[str]] = {}
        for element in model.of_role(ElementRole.CLASS):
            named = element.value("bases")
            self.bases.setdefault(element.name, []).extend(map(_short, named if isinstance(named, list) else ()))

    def anchors(self, step: TraceStep) -> Iterator[Anchor]:
        """Places that bear the name of the step or of its error."""
        if step.kind is StepKind.ERROR and step.name.startswith(EXCEPT):
            caught = _short(step.name.removeprefix(EXCEPT))
            for name in self._family(caught):
                what = f"catches {caught}" if name == caught else f"catches {name}, which {caught} is"
                yield from _tied(self.handlers.get(name, ()), what, MOST_SITES)
            yield from _tied(self._around(caught), f"catches {caught} when it is raised again", MOST_SITES)
            return
        if step.kind not in (StepKind.TOOL_CALL, StepKind.ERROR):
            yield from _tied(self.functions.get(step.name, ()), f"the function called {step.name!r}")
        raised = step.error.type if step.error is not None else ""
        if step.kind is StepKind.ERROR and not raised:
            raised = step.name.removeprefix(RAISE)
        if raised:
            name = _short(raised)
            yield from _tied(self.raises.get(name, ()), f"raises {name}", MOST_SITES)
            if step.kind is StepKind.ERROR and name not in self.raises:
                yield from _tied(self._sources_of(name), f"calls what can raise {name}")
                yield from _tied(self.handlers.get(name, ()), f"catches {name}, which its own code does not raise")

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
        callers = {caller for handler in again for caller in self.callers.get(_function(handler), ())}
        outer = [handler for name in self._family(caught) for handler in self.handlers.get(name, ())]
        return list({handler.id: handler for handler in outer if _function(handler) in callers}.values())

    def _family(self, name: str) -> list[str]:
        """The class itself and those above it, as far as the harness defines them, and what every exception is."""
        found = [name]
        for each in found:  # grows while it is walked
            found.extend(base for base in self.bases.get(each, ()) if base not in found)
        return [*found, *(each for each in ("Exception", "BaseException") if each not in found)]


def _tied(elements: Iterable[Element], reason: str, most: int = MOST) -> Iterator[Anchor]:
    """An anchor for each of these places, none when they are more than `most`."""
    found = list(elements)
    if len(found) > most:
        return
    among = f", one of {len(found)}" if len(found) > 1 else ""
    for element in found:
        yield element.anchor.model_copy(
            update={"route": Route.STATIC, "evidence": Evidence.HEURISTIC, "reason": reason + among, "ties": len(found)}
        )


def _function(element: Element) -> str:
    return f"{element.anchor.path}:{element.anchor.qualname}"


def _short(name: object) -> str:
    return str(name or "").rpartition(".")[2]
