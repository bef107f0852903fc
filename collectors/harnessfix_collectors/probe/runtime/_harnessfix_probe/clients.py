"""Which modules' exchanges are written or played back, and when: as soon as the program has imported them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from .later import Later
    from .probe import Probe


def watch(probe: Probe, later: Later, recorded: list[dict[str, Any]] | None) -> None:
    """Write the exchanges of HTTP clients, or answer them.

    Args:
        probe: of this process.
        later: patches modules once they are imported.
        recorded: answers to give instead of asking; None to write what is asked.
    """
    for name, patch in (_recorders(probe) if recorded is None else _players(probe, recorded)).items():
        later.add(name, patch)


def _recorders(probe: Probe) -> dict[str, Callable[[ModuleType], None]]:
    def by(kind: str) -> Callable[[ModuleType], None]:
        def patch(module: ModuleType) -> None:
            from . import over_aiohttp, over_httpx, over_stdlib
            from .exchanges import Exchanges

            exchanges = Exchanges(probe)
            if kind == "httpx":
                over_httpx.record(module, exchanges)
            elif kind == "stdlib":
                over_stdlib.record(module, exchanges)
            else:
                over_aiohttp.record(module, exchanges)

        return patch

    return {"httpx": by("httpx"), "httpx2": by("httpx"), "http.client": by("stdlib"), "aiohttp": by("aiohttp")}


def _players(probe: Probe, recorded: list[dict[str, Any]]) -> dict[str, Callable[[ModuleType], None]]:
    from . import over_aiohttp, over_httpx, over_stdlib
    from .answers import Answers

    answers = Answers(probe, recorded)
    return {
        "httpx": lambda module: over_httpx.replay(module, answers),
        "httpx2": lambda module: over_httpx.replay(module, answers),
        "http.client": lambda module: over_stdlib.replay(module, answers),
        "urllib3.connection": lambda module: over_stdlib.replay_urllib3(module, answers),
        "aiohttp": lambda module: over_aiohttp.replay(module, answers),
    }
