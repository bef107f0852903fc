"""State links: a step that wrote a file, key or record, and the steps that read it afterwards."""

import posixpath
from collections.abc import Iterator

from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import Effect, TraceLink, new_link
from harnessfix_ir.vocabulary import Evidence, LinkKind

WRITES = frozenset(("artifact", "state"))
READS = frozenset(("read",))


def state_links(view: RunView) -> Iterator[TraceLink]:
    """One link from the last writer of a resource to each step that read it later.

    Observed when both effects name the resource alike; steps inside one another are one action and are not linked.
    """
    touches: list[tuple[int, int, int, Effect]] = []
    for i, step in enumerate(view.steps):
        for effect in step.effects:
            if effect.effect in READS:
                touches.append((view.begin[i], 0, i, effect))
            elif effect.effect in WRITES:
                touches.append((view.end[i], 1, i, effect))
    touches.sort(key=lambda touch: touch[:3])
    writer: dict[str, tuple[int, str]] = {}
    linked: set[tuple[int, int]] = set()
    for _, writes, i, effect in touches:
        key = _resource(effect.resource)
        if writes:
            writer[key] = (i, effect.resource)
            continue
        last, spelled = writer.get(key, (-1, ""))
        if last < 0 or (last, i) in linked or not view.ended_before(last, i):
            continue
        linked.add((last, i))
        yield new_link(
            source=view.steps[last].id,
            target=view.steps[i].id,
            kind=LinkKind.WROTE_READ,
            evidence=Evidence.OBSERVED if spelled == effect.resource else Evidence.DERIVED,
            detail=effect.resource,
        )


def _resource(name: str) -> str:
    """One spelling of a resource: paths are normalised, other names are left alone."""
    if "://" in name or not name:
        return name
    path = name.replace("\\", "/")
    return posixpath.normpath(path)
