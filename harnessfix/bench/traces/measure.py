"""All the trace sets of a folder, one after another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessfix_ir.errors import HarnessfixError

from . import rewarded, trail, who_and_when

Tell = Callable[[str], None]
Figures = tuple[dict[str, float], list[dict[str, Any]]]


@dataclass(frozen=True)
class TraceSet:
    """One published set.

    Args:
        folder: its name, below the folder of all sets.
        runs: how many runs it holds there.
        measure: of it: figures by name, and cases; told before each run.
    """

    folder: str
    runs: Callable[[Path], int]
    measure: Callable[[Path, Path | None, Tell], Figures]


SETS: Sequence[TraceSet] = (
    TraceSet("trail_gaia", trail.count, trail.measure),
    TraceSet("taubench_airline", rewarded.count, rewarded.measure),
    TraceSet("whoandwhen_algorithm", who_and_when.count, who_and_when.measure),
)


def sets_in(folder: Path) -> list[TraceSet]:
    """The sets that a folder holds. Raises `HarnessfixError` when it holds none."""
    found = [one for one in SETS if (folder / one.folder).is_dir()]
    if not found:
        names = ", ".join(one.folder for one in SETS)
        raise HarnessfixError(f"{folder}: none of {names} in it", hint="Name the folder of the trace sets.")
    return found


def measure(
    folder: Path, repositories: Path | None = None, tell: Tell = lambda name: None
) -> Iterator[tuple[str, Mapping[str, float], list[dict[str, Any]]]]:
    """Name of the set, figures and cases of each set, as they are done.

    Args:
        folder: of the sets.
        repositories: folder of git repositories, for the source of a harness that is no package; without it, its
            runs are read without source.
        tell: told before each run.
    """
    for one in sets_in(folder):
        figures, cases = one.measure(folder / one.folder, repositories, tell)
        yield one.folder, figures, cases
