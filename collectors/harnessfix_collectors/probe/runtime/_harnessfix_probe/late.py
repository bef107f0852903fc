"""What instrumented code finds once `builtins` is taken apart: destructors of the last objects call functions, too.

The interpreter puts `builtins` back as it was, without our names, before it lets go of the modules. By then all that
the program does by itself is done, so that its modules may hold them.
"""

from __future__ import annotations

import builtins
import sys

from .spans import SILENT, Silent
from .streams import Follow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


class LateProbe:
    """Stands for the probe and tells nothing."""

    Escapes = ()

    def span(self, number: int, arguments: dict[str, Any]) -> Silent:
        """As `Probe.span`."""
        return SILENT

    def here(self, number: int) -> Silent:
        """As `Probe.here`."""
        return SILENT

    def site(self, number: int) -> Silent:
        """As `Probe.site`."""
        return SILENT

    def called(self, number: int, alone: bool, function: T, owner: object = None) -> T:
        """As `Probe.called`."""
        return function

    def given(self, number: int, name: str, last: bool, value: T) -> T:
        """As `Probe.given`."""
        return value

    def answered(self, number: int, value: T) -> T:
        """As `Probe.answered`."""
        return value

    before = after = instead = answered

    def chosen(self, number: int, waits: bool, value: T) -> T:
        """As `Probe.chosen`."""
        return value

    def follow(self, value: object) -> Follow:
        """As `Probe.follow`."""
        return Follow(value, None)

    def plays(self, number: int) -> bool:
        """As `Probe.plays`."""
        return False

    def handled(self, number: int) -> None:
        """As `Probe.handled`."""


def leave_names(places: dict[str, str], probe: str) -> None:
    """Put what instrumented code needs into its modules.

    Args:
        places: absolute file name to path in the plan.
        probe: name of the probe in `builtins`.
    """
    late = LateProbe()
    ours = {name: value for name, value in vars(builtins).items() if name[:1] == "@"}
    for module in list(sys.modules.values()):
        names = module.__dict__ if type(module) is type(sys) else {}
        if names.get("__file__") in places:
            names.update(ours)
            names[probe] = late
