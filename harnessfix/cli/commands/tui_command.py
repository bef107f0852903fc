"""`harnessfix tui`."""

from pathlib import Path

import click

from harnessfix.cli.options import folder, store_option


@click.command("tui")
@click.argument("run", required=False)
@click.argument("step", required=False)
@click.option("--flaw", metavar="ID", help="Begin with this flaw instead.")
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.svg",
    help="Write a picture of the first screen and end.",
)
@click.option("--size", default="120x36", show_default=True, metavar="WxH", help="Of the picture, in characters.")
@store_option
def command(
    run: str | None, step: str | None, flaw: str | None, screenshot: Path | None, size: str, store: str | None
) -> None:
    """Look at runs, steps, source, flaws and patches in the terminal.

    With RUN (an id, its beginning, a name, or `latest`) that run is opened, with STEP at that step.
    """
    width, height = _size(size)
    try:
        from harnessfix.tui.app import HarnessfixApp
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "textual":
            raise
        from harnessfix_ir.errors import HarnessfixError

        raise HarnessfixError("the terminal face needs Textual", hint='pip install "harnessfix[tui]"') from None
    from harnessfix.tui.library import StoreLibrary

    library = StoreLibrary(folder(None), store)
    if run is not None:
        run = library.find_run(run)
    app = HarnessfixApp(library, run=run, step=step, flaw=library.find_flaw(flaw) if flaw else None)
    if screenshot is None:
        app.run()
        return
    from harnessfix.tui.screenshot import screenshot as picture

    svg = picture(app, width, height)
    try:
        screenshot.write_text(svg, "utf-8")
    except OSError as error:
        from harnessfix_ir.errors import BadInputError

        raise BadInputError(f"{screenshot}: {error.strerror}", hint="Name a file that can be written.") from None


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not cross or not width.isdecimal() or not height.isdecimal():
        raise click.BadParameter("has to be like 120x36", param_hint="--size")
    if not (40 <= int(width) <= 500 and 12 <= int(height) <= 200):
        raise click.BadParameter("has to be from 40x12 to 500x200", param_hint="--size")
    return int(width), int(height)
