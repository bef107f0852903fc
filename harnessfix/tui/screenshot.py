"""A picture of a screen, without a terminal: for the documentation, and for looking at in a browser."""

import asyncio

from .app import HarnessfixApp

ROUNDS = 20


def screenshot(app: HarnessfixApp, width: int, height: int) -> str:
    """The first screen of `app` as SVG, once everything on it is there.

    Args:
        app: not yet run.
        width, height: in cells.
    """
    return asyncio.run(_screenshot(app, width, height))


async def _screenshot(app: HarnessfixApp, width: int, height: int) -> str:
    async with app.run_test(size=(width, height)) as pilot:
        await settled(pilot.app)
        await pilot.pause()
        return app.export_screenshot(title="harnessfix")


async def settled(app: object) -> None:
    """Wait until no question is open any more, those included that answers lead to."""
    assert isinstance(app, HarnessfixApp)
    for _ in range(ROUNDS):
        await app.workers.wait_for_complete()
        await asyncio.sleep(0.02)
        if all(worker.is_finished for worker in app.workers):
            break
