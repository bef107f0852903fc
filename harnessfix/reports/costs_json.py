"""The JSON that `harnessfix report cache` and `harnessfix report memory` print."""

from collections.abc import Sequence
from dataclasses import asdict

from harnessfix.diagnoser.costs.memories import MemoryUse
from harnessfix.diagnoser.costs.prefixes import CacheUse
from harnessfix_ir.document import JsonValue


def cache_document(found: Sequence[CacheUse]) -> dict[str, JsonValue]:
    """Runs with their requests; sizes in characters, shares between 0 and 1."""
    return {"schema": "harnessfix.cache/1", "runs": [_run(use) for use in found]}


def _run(use: CacheUse) -> dict[str, JsonValue]:
    return {
        "run": use.run,
        "characters": use.characters,
        "reusable": use.reusable,
        "lost": use.lost,
        "cached_share": use.cached_share,
        "requests": [{**asdict(request), "share": round(request.share, 4)} for request in use.requests],
    }


def memory_document(found: Sequence[MemoryUse]) -> dict[str, JsonValue]:
    """Backends; sizes in characters, times in seconds."""
    return {"schema": "harnessfix.memory/1", "backends": [asdict(use) for use in found]}
