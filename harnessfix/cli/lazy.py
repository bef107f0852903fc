"""A click group that knows its commands by name and one line of help, and imports one only to run it."""

import importlib
import sys
from collections.abc import Mapping

import click

from harnessfix_ir.errors import HarnessfixError

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Get runs in": {
        "record": "Run a program and record every step of its agent.",
        "collect": "Receive what programs send over OpenTelemetry (OTLP), and make runs of it.",
        "import": "Read trace files that other tools wrote.",
        "label": "Say whether a run passed or failed.",
    },
    "Look": {
        "runs": "List the recorded runs.",
        "show": "Tell a run as a story, or everything about one step.",
        "tui": "Look at runs, steps, source, flaws and patches in the terminal.",
    },
    "Diagnose": {
        "check": "Name the flaws in the runs of this store and their harness, or in source alone.",
        "explain": "Explain a rule.",
        "rules": "List the rules.",
        "report": "Tables over runs: prompts that could be cached, memory that is read or not.",
    },
    "Repair": {
        "repair": "Propose patches; apply or undo them.",
        "validate": "Prove patches by running the tasks again with and without them.",
        "memory": "What earlier repairs taught; refuse a patch for good, or allow it again.",
    },
    "More": {
        "demo": "See all of it work on a small agent that comes with harnessfix.",
        "store": "Look after the store: size, old runs, export, merge, copies.",
        "doctor": "Say what can be captured here, what will be lost, and why.",
        "schema": "Print the JSON Schema of a document.",
        "bench": "Measure what harnessfix costs, and how right it is.",
    },
}


class LazyGroup(click.Group):
    """Finds command `name` as `command` in `harnessfix.cli.commands.name`; shows the sections of `SECTIONS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All command names in the order of the sections."""
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None when there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"harnessfix.cli.commands.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name when there is none of that name."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], known, n=1)
            raise click.UsageError(
                f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""), ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing a command."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error of ours becomes one message and exit code 2. Stores are closed in any case."""
        try:
            return super().invoke(ctx)
        except HarnessfixError as error:
            from .talk import complain

            complain(error)
            ctx.exit(2)
        except BrokenPipeError:
            ctx.exit(0)
        finally:
            _close_stores()


def _close_stores() -> None:
    database = sys.modules.get("harnessfix.store.database")
    if database is not None:
        database.close_all()
