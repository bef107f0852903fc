"""Facts of all files to one harness model, anew or from what was linked before.

Every pass is a function of one file's facts and of what it asks other files. After an edit only those files go through
a pass that changed themselves or that asked for something that is told differently now; the rest stays as it was.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.source.stored import Chunk

from .callers import tell_callers
from .compose import compose
from .config import tell_keys, tell_opened
from .dependencies import join_dependencies
from .exchange import HARNESS, Asked, Exchange, Kept, Told, differences, number
from .exports import exports
from .flow import Flow
from .program import Program, written
from .reading import join_reading, tell_reading
from .registrations import tell_tools
from .tables import BASES, CLASS_BASES, EDGES, EXPORTS, JOINED, LEADS, OWN_NAMES, SETTINGS, STEP_OF, SUBCLASSES, USES
from .tools import join_tools

COMPOSED = "composed"
"""The last pass: files ask, but tell nothing."""
STEPS = (EXPORTS, BASES, EDGES, USES, SETTINGS, JOINED, COMPOSED)


@dataclass
class Linked:
    """What linking made anew.

    Args:
        chunks: by path, the part of the model of each file that went through the last pass.
        told: by pass and path, what was told.
        changes: by pass and path, what was told differently the time before, and what is told now; empty when all of
            it is new.
    """

    chunks: dict[str, Chunk] = field(default_factory=dict)
    told: dict[str, dict[str, Told]] = field(default_factory=lambda: {step: {} for step in STEPS})
    changes: dict[str, dict[str, list[tuple[Asked, Any]]]] = field(default_factory=lambda: {step: {} for step in STEPS})


class Linker:
    """Links a harness.

    Args:
        modules: path of every file, in order, to its module (empty for other files than Python).
        facts_of: reads the facts of a file; asked at most once for each.
        before: how the harness was linked last time, None to link all of it.
        edited: paths that were added, removed or changed since then.
        moved: whether some were added or removed.
        forget: whether nobody will ask what was asked for.
    """

    def __init__(
        self,
        modules: dict[str, str],
        facts_of: Callable[[str], FileFacts],
        before: Kept | None = None,
        edited: Iterable[str] = (),
        *,
        moved: bool = True,
        forget: bool = False,
    ) -> None:
        self._moved, self._forget = moved, forget
        self._modules, self._facts_of, self._before, self._edited = modules, facts_of, before, {*edited}
        self._exchange = Exchange(modules, STEP_OF, before)
        self._program = Program(self._exchange)
        self._facts: dict[str, FileFacts] = {}
        self._flows: dict[str, Flow] = {}

    def link(self) -> Linked:
        """Run all passes."""
        linked = Linked()
        changed: set[int] = set()
        for step in STEPS:
            paths = self._paths(step, changed, linked)
            self._exchange.renew(step, paths)
            for path in paths:
                if self._before is not None and path != HARNESS:
                    self._before.expect(path)
                told = linked.told[step][path] = self._run(step, path, linked)
                self._exchange.put(step, path, told)
            if self._before is not None:
                for path, told in linked.told[step].items():
                    found = [*differences(path, self._before.told(step, path), told.dump)]
                    linked.changes[step][path] = found
                    changed.update(number(asked) for asked, _ in found)
        return linked

    def _paths(self, step: str, changed: set[int], linked: Linked) -> Sequence[str]:
        """Files that go through a pass, in the harness's order; those that are gone have nothing to tell any more."""
        if self._before is None:
            return [*self._modules, HARNESS]
        wanted = {*self._edited, *self._before.asking(step, changed)}
        if step == EXPORTS and self._moved:
            wanted.add(HARNESS)
        elif step == COMPOSED:
            wanted.update(linked.told[EDGES])
        here = [path for path in self._modules if path in wanted]
        return [*here, *sorted(wanted.difference(here))]

    def _run(self, step: str, path: str, linked: Linked) -> Told:
        told = Told()
        self._program.begin(knows_bases=step not in (EXPORTS, BASES))
        if path == HARNESS:
            self._run_harness(step, told)
        elif path in self._modules:
            facts = self._facts_for(path)
            if step == EXPORTS:
                told = exports(facts)
            elif step == BASES:
                self._tell_bases(facts, told)
            elif step == EDGES:
                self._tell_edges(facts, told)
            elif step == USES:
                tell_tools(self._program, facts, told)
                tell_opened(self._program, facts, told)
            elif step == SETTINGS:
                tell_keys(self._program, facts, told)
            elif step == COMPOSED:
                linked.chunks[path] = compose(self._flow(facts))
        if self._forget:
            self._exchange.asked.clear()
        else:
            told.asked = self._exchange.take_asked(path)
        return told

    def _run_harness(self, step: str, told: Told) -> None:
        if step == EXPORTS:
            names = {part for module in self._modules.values() if module for part in module.split(".")}
            folders = {part for path in self._modules for part in path.split("/")[:-1]}
            told.share(OWN_NAMES, "", sorted(names | folders))
        elif step == JOINED:
            join_tools(self._exchange, told)
            join_reading(self._exchange, told)
            join_dependencies(self._exchange, told)

    def _tell_bases(self, facts: FileFacts, told: Told) -> None:
        subclasses: dict[str, list[str]] = {}
        for known in facts.classes:
            bases = self._program.find_bases(facts.path, known.bases)
            if bases:
                told.tell(CLASS_BASES, known.qualname, bases)
            for base in bases:
                subclasses.setdefault(written(base), []).append(known.qualname)
        for key, qualnames in subclasses.items():
            told.share(SUBCLASSES, key, qualnames)

    def _tell_edges(self, facts: FileFacts, told: Told) -> None:
        flow = self._flow(facts)
        for qualname, leads in flow.leads():
            told.tell(LEADS, qualname, [*leads])
        tell_callers(flow, told)
        tell_reading(flow, told)

    def _flow(self, facts: FileFacts) -> Flow:
        if facts.path not in self._flows:
            self._flows[facts.path] = Flow(self._program, facts)
        return self._flows[facts.path]

    def _facts_for(self, path: str) -> FileFacts:
        if path not in self._facts:
            self._facts[path] = self._facts_of(path)
        return self._facts[path]
