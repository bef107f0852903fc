"""The command line. Commands are imported when they are called, so that `--help` costs an interpreter and click."""

import click

from harnessfix import __version__

from .lazy import LazyGroup

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@click.version_option(__version__, "-V", "--version", prog_name="harnessfix")
def main() -> None:
    """Find the step and the lines that made an agent run fail, patch them, and prove the patch.

    \b
    harnessfix demo                        see it work on a small agent of ours
    harnessfix record -- python agent.py   record a run of yours, unchanged
    harnessfix check                       say what went wrong, and where
    harnessfix repair                      propose patches
    harnessfix validate                    prove them by running again

    Exit codes: 0 clean, 1 findings, 2 wrong usage, configuration or input.
    """
