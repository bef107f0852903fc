"""`harnessfix demo`: everything, on a small agent that comes along."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import format_option


@click.command("demo")
@click.option("--keep", metavar="FOLDER", help="Work in this new folder and leave it there.")
@click.option("--no-validate", is_flag=True, help="Stop after the patches; do not run the tasks again.")
@format_option("text", "json")
def command(keep: str | None, no_validate: bool, output_format: str) -> None:
    """Copy a small agent with flaws to a scratch folder, record its tasks, diagnose, repair, and prove the repairs.

    Nothing here knows that agent: the same commands on a harness of yours give the same kind of answer.
    """
    from harnessfix.cli.render.demo import Demo

    demo = Demo(keep)
    demo.record()
    demo.check()
    demo.repair()
    if not no_validate:
        demo.validate()
        demo.again()
    if output_format == "json":
        data.dump(demo.document())
    else:
        data.show(demo.summary(), demo.what_next())
