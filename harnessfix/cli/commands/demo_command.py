"""`harnessfix demo`: everything, on a small agent that comes along."""

import click

from harnessfix.cli import data


@click.command("demo")
@click.option("--keep", metavar="FOLDER", help="Work in this new folder and leave it there.")
@click.option("--no-validate", is_flag=True, help="Stop after the patches; do not run the tasks again.")
def command(keep: str | None, no_validate: bool) -> None:
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
    data.show(demo.summary(), demo.what_next())
