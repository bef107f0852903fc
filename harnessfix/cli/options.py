"""Options that several commands share, spelled once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def format_option(*formats: str) -> Callable[[F], F]:
    """`--format`, the first of `formats` by default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to print.",
    )


def store_option(function: F) -> F:
    """`--store`: a file or a database URL instead of the nearest `.harnessfix/`."""
    return click.option(
        "--store", metavar="PATH|URL", default=None, help="Store to use [default: the nearest .harnessfix/]."
    )(function)


def harness_option(function: F) -> F:
    """`--harness`, repeatable."""
    words = "Installed package or folder that is the harness; repeatable [default: as configured, else here]."
    return _named_harness(words)(function)


def source_option(function: F) -> F:
    """`--harness`, repeatable, of commands that work on source alone when it is given."""
    words = "Repair the source of this package or folder alone, as `check PATH` told it; repeatable."
    return _named_harness(words)(function)


def _named_harness(words: str) -> Callable[[F], F]:
    return click.option("--harness", multiple=True, metavar="NAME|PATH", help=words)


def rule_options(function: F) -> F:
    """`--select` and `--ignore`: rule codes or their beginnings, comma-separated or repeated."""
    function = click.option("--ignore", multiple=True, metavar="CODES", help="Leave these rules out.")(function)
    return click.option(
        "--select", multiple=True, metavar="CODES", help="Ask only these rules (T102, or C for a layer)."
    )(function)


def jobs_option(function: F) -> F:
    """`--jobs`: worker processes."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Processes to work in [default: 0, as many as there are cores and work for].",
    )(function)


def split_codes(values: tuple[str, ...]) -> list[str]:
    """`("C101,T", "V1")` as `["C101", "T", "V1"]`."""
    return [code.strip().upper() for value in values for code in value.split(",") if code.strip()]


def folder(path: str | None) -> Path:
    """`path` as an absolute folder, the current one when None."""
    return Path(path or ".").resolve()
