"""A picture of a screen, without a terminal: for the documentation, and for looking at in a browser."""

import asyncio
import re
from typing import Any

from textual.app import App

from .app import HarnessfixApp

ROUNDS = 20
_FONT = re.compile(r"@font-face\s*\{[^}]*\}")
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


def screenshot(app: HarnessfixApp, width: int, height: int) -> str:
    """The first screen of `app` as SVG, once everything on it is there.

    Args:
        app: not yet run.
        width, height: in cells.
    """
    return asyncio.run(_screenshot(app, width, height))


async def _screenshot(app: HarnessfixApp, width: int, height: int) -> str:
    async with app.run_test(size=(width, height)) as pilot:
        await settled(app)
        await pilot.pause()
        return picture(app)


def picture(app: App[Any]) -> str:
    """What is on the screen now, as SVG that asks nobody for its fonts and that every XML reader takes."""
    style, end, rest = app.export_screenshot(title="harnessfix").partition("</style>")
    return _NOT_IN_XML.sub("\ufffd", _FONT.sub("", style) + end + rest)


async def settled(app: App[Any]) -> None:
    """Wait until no question is open any more, those included that answers lead to."""
    for _ in range(ROUNDS):
        await app.workers.wait_for_complete()
        await asyncio.sleep(0.02)
        if all(worker.is_finished for worker in app.workers):
            break
