"""What model calls read of a reply, themselves or through what they call."""

from dataclasses import dataclass, field
from typing import Any

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.vocabulary import Evidence

from .exchange import Exchange, Told
from .flow import Flow
from .program import written
from .tables import READING, READING_FACTS

_READS = ("reads-finish-reason", "reads-usage", "guards-empty-choices")


@dataclass
class _ModelCall:
    path: str
    qualname: str
    reads: set[str]
    calls: list[Any]
    added: list[list[Any]] = field(default_factory=list)

    def add(self, name: str, call: int | None = None) -> None:
        self.reads.add(name)
        self.added.append([self.qualname, name, call])


def tell_reading(flow: Flow, told: Told) -> None:
    """Tell what each model call of a file reads, and what it calls: `[which call, function, what that reads]`."""
    rows = []
    for qualname, draft in flow.models.items():
        calls = []
        for number, edge in enumerate(flow.edges.get(qualname, ())):
            for target in edge.targets:
                function = flow.program.function(target)
                traits = [name for name in _READS if function is not None and name in function.traits]
                if traits or flow.program.asks_model(target):
                    calls.append([number, written(target), traits])
        rows.append([qualname, [name for name in _READS if draft.get(name)], calls])
    if rows:
        told.share(READING, "", rows)


def join_reading(exchange: Exchange, told: Told) -> None:
    """A model call that hands the raw reply to its caller reads what the caller reads."""
    models = {
        written((path, qualname)): _ModelCall(path, qualname, set(reads), calls)
        for path, rows in exchange.everywhere(READING, "")
        for qualname, reads, calls in rows
    }
    for model in models.values():
        for _, target, _ in model.calls:
            called = models.get(target)
            if called is None or called is model:
                continue
            for name in _READS:
                if name in model.reads and name not in called.reads:
                    called.add(name)
                elif name in called.reads and name not in model.reads:
                    model.add(name)
        for call, target, traits in model.calls:
            for name in traits if target not in models else ():
                if name not in model.reads:
                    model.add(name, call)
    added: dict[str, list[list[Any]]] = {}
    for model in models.values():
        if model.added:
            added.setdefault(model.path, []).extend(model.added)
    for path, rows in added.items():
        told.share(READING_FACTS, path, rows)


def add_reading(flow: Flow) -> None:
    """Add to the model calls of a file what they read through others."""
    for _, rows in flow.program.exchange.everywhere(READING_FACTS, flow.facts.path):
        for qualname, name, call in rows:
            draft: Draft = flow.models[qualname]
            draft.add(name, True, 0 if call is None else flow.edges[qualname][call].call.line, Evidence.DERIVED)
