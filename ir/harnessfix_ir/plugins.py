"""Finding rules, operators and readers: one file each, no registration.

Every module of a package is imported and its concrete classes collected; third parties add theirs through an
entry-point group. The same small mechanism serves all three, as pytest and flake8 do it.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def discover(package: ModuleType, base: type[T], group: str) -> Iterator[type[T]]:
    """Concrete subclasses of `base` in the modules below `package` and in the entry points of `group`.

    Args:
        package: an imported package; all modules below it are imported.
        base: the class that plug-ins derive from.
        group: entry-point group of third-party plug-ins; each entry point loads one class or a module of classes.
    """
    seen: set[type[T]] = set()
    for module in _modules(package, group):
        members = [module] if inspect.isclass(module) else [m for _, m in inspect.getmembers(module, inspect.isclass)]
        for member in members:
            own = inspect.isclass(module) or member.__module__ == module.__name__
            if own and issubclass(member, base) and member is not base and not inspect.isabstract(member):
                if member.__name__.startswith("_") or member in seen:
                    continue
                seen.add(member)
                yield member


def _modules(package: ModuleType, group: str) -> Iterator[ModuleType | type]:
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        yield importlib.import_module(info.name)
    for entry in entry_points(group=group):
        yield entry.load()
