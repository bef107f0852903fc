"""Settings of the harness that a run may change for the next one: globals of its modules, attributes of its classes,
mutable defaults of its functions; and the environment and folder of the process."""

from __future__ import annotations

import os
import sys

from .fingerprints import CONTAINERS, fingerprint, size

MOST_SLOTS = 20_000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType
    from typing import Any

    Slot = tuple[str, str, str, Any, Any]
    Snapshot = dict[tuple[str, str], tuple[int, "int | None"]]

_FUNCTION = type(lambda: None)


class Settings:
    """The containers that modules of the harness hold.

    Args:
        places: absolute file name to path in the plan.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._slots: list[Slot] = []
        self._swept: set[str] = set()

    def snapshot(self) -> Snapshot:
        """Fingerprint and size of each, by kind and dotted name."""
        self._sweep()
        found: Snapshot = {}
        for kind, name, _, owner, key in self._slots:
            value = _value(owner, key)
            if value is not None:
                found[kind, name] = (fingerprint(value), size(value))
        return found

    def changed(self, before: Snapshot) -> list[dict[str, object]]:
        """What differs from a snapshot: kind, name, file, and how many items it held and holds."""
        told: list[dict[str, object]] = []
        for kind, name, path, owner, key in self._slots:
            was = before.get((kind, name))
            value = None if was is None else _value(owner, key)
            if was is None or value is None:
                continue
            if fingerprint(value) != was[0]:
                told.append({"kind": kind, "what": name, "path": path, "before": was[1], "after": size(value)})
        return told

    def _sweep(self) -> None:
        """Look once at each module of the harness that has been imported since."""
        for name, module in list(sys.modules.items()):
            file = None if name in self._swept or type(module) is not type(sys) else module.__dict__.get("__file__")
            path = self._places.get(file) if type(file) is str else None
            if path is not None and not _loading(module):
                self._swept.add(name)
                if len(self._slots) < MOST_SLOTS:
                    self._slots.extend(_module_slots(name, path, module))


def _loading(module: ModuleType) -> bool:
    return bool(getattr(module.__dict__.get("__spec__"), "_initializing", False))


def _module_slots(module_name: str, path: str, module: ModuleType) -> Iterator[Slot]:
    for name, value in list(module.__dict__.items()):
        if name[:2] == "__":
            continue
        kind = type(value)
        if kind in CONTAINERS:
            yield "global", f"{module_name}.{name}", path, module.__dict__, name
        elif kind is _FUNCTION and value.__module__ == module_name:
            yield from _defaults(f"{module_name}.{name}", path, value)
        elif issubclass(kind, type) and type.__dict__["__module__"].__get__(value) == module_name:
            yield from _class_slots(f"{module_name}.{name}", path, value)


def _class_slots(class_name: str, path: str, owner: type) -> Iterator[Slot]:
    for name, value in list(type.__dict__["__dict__"].__get__(owner).items()):
        if name[:2] == "__" and name != "__init__":
            continue
        if type(value) in (staticmethod, classmethod):
            value = value.__func__
        if type(value) in CONTAINERS:
            yield "attribute", f"{class_name}.{name}", path, owner, name
        elif type(value) is _FUNCTION:
            yield from _defaults(f"{class_name}.{name}", path, value)


def _defaults(function_name: str, path: str, function: Any) -> Iterator[Slot]:
    code = function.__code__
    given = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount][-len(given) :] if given else ()
    pairs = [*zip(names, given), *(function.__kwdefaults__ or {}).items()]
    for name, value in pairs:
        if type(value) in CONTAINERS:
            yield "default", f"{function_name}.{name}", path, None, value


def _value(owner: Any, key: Any) -> Any:
    if owner is None:
        return key
    held = owner if type(owner) is dict else type.__dict__["__dict__"].__get__(owner)
    return held.get(key)


class Surroundings:
    """The environment and the working folder of the process at one time."""

    __slots__ = ("_folder", "_variables")

    def __init__(self) -> None:
        self._variables = {name: hash(value) for name, value in os.environ.items()}
        self._folder = _folder()

    def changed(self) -> dict[str, object]:
        """Names of variables that are new, gone or different now, and both folders; empty when all is as it was."""
        now = {name: hash(value) for name, value in os.environ.items()}
        was = self._variables
        told: dict[str, object] = {}
        found = {
            "added": sorted(now.keys() - was.keys()),
            "removed": sorted(was.keys() - now.keys()),
            "changed": sorted(name for name in now.keys() & was.keys() if now[name] != was[name]),
        }
        if any(found.values()):
            told["env"] = found
        folder = _folder()
        if folder != self._folder:
            told["cwd"] = [self._folder, folder]
        return told


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
