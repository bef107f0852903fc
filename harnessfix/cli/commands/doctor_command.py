"""`harnessfix doctor`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, harness_option, store_option

HEADINGS = {
    "record": "Only under `harnessfix record`",
    "collect": "Only for what is sent to `harnessfix collect` or another receiver; `record` has it all the same",
}


@click.command("doctor")
@click.option(
    "--python",
    metavar="PATH",
    help="Interpreter of the program to be recorded, or the folder of its environment [default: `python` on the path].",
)
@harness_option
@format_option("text", "json")
@store_option
def command(python: str | None, harness: tuple[str, ...], output_format: str, store: str | None) -> None:
    """Say what can be captured here, what will be lost and why, and what to do.

    Exit code 1 when something stands in the way.
    """
    from harnessfix.doctor import examine

    checks = examine(folder(None), python=python, harness=harness, store=store)
    if output_format == "json":
        data.dump({"schema": "harnessfix.doctor/1", "checks": [check.model_dump(mode="json") for check in checks]})
    else:
        from rich.text import Text

        styles = {"ok": ("✓", "green"), "note": ("·", "cyan"), "loss": ("!", "yellow"), "problem": ("✗", "bold red")}
        way = ""
        for check in checks:
            if check.way != way:
                way = check.way
                data.show(Text(HEADINGS[way], style="bold underline"))
            mark, style = styles[check.state]
            data.show(Text.assemble((f"{mark} ", style), (f"{check.what}: ", "bold"), check.found))
            if check.advice:
                data.show(Text(f"    {check.advice}", style="dim"))
    if any(check.state == "problem" for check in checks):
        raise SystemExit(1)
