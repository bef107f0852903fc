"""`harnessfix memory`."""

from pathlib import Path

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option


@click.command("memory")
@click.option(
    "--reject", "rejected", metavar="PATCH", help="Never propose this patch again while its code is as it is."
)
@click.option("--reason", default="", help="With --reject: why, for those who come after you.")
@click.option("--forget", "forgotten", metavar="PATCH", help="Forget what is remembered of this patch.")
@click.option(
    "--import", "taken", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Add an exported memory."
)
@format_option("text", "json")
@store_option
def command(
    rejected: str | None, reason: str, forgotten: str | None, taken: Path | None, output_format: str, store: str | None
) -> None:
    """List the repairs that were accepted or rejected, each with its reason and where it applies.

    `harnessfix repair` asks this memory before it proposes a patch, and `harnessfix validate` adds to it. The JSON form
    is the export that --import reads.
    """
    import json

    from harnessfix.cli import talk
    from harnessfix.repair.remembering import Memory
    from harnessfix.workspace import Workspace
    from harnessfix_ir.errors import BadInputError

    memory = Memory(Workspace.open(folder(None), store=store).store)
    if rejected is not None:
        record = memory.refuse(rejected, reason)
        talk.note(f"{record.patch} will not be proposed again for {', '.join(record.symbols[:2])}", "green")
    if forgotten is not None:
        gone = memory.forget(forgotten)
        talk.note(f"forgot {', '.join(gone)}" if gone else f"nothing is remembered of {forgotten}")
    if taken is not None:
        try:
            document = json.loads(taken.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise BadInputError(f"{taken} cannot be read: {error}", hint="Name an exported memory.") from None
        talk.note(f"took {memory.take(document, str(taken))} repairs")
    if output_format == "json":
        data.dump(memory.document())
    else:
        from harnessfix.cli.render.memory import print_memory

        print_memory(memory.all())
