"""Do something to a module of the standard library as soon as the program has imported it, and not before."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Patch = Callable[[ModuleType], None]


class Later:
    """Patches by module name, each done once, in the order in which they were added.

    Args:
        failed: told of a patch that cannot be done.
    """

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._waiting: dict[str, list[Patch]] = {}

    def add(self, name: str, patch: Patch) -> None:
        """Patch `name` now when it is loaded, else when it is."""
        module = sys.modules.get(name)
        if module is None:
            self._waiting.setdefault(name, []).append(patch)
        else:
            self.do(name, [patch], module)

    def do(self, name: str, patches: list[Patch], module: ModuleType) -> None:
        """Patch a module; trouble is told and is not the program's."""
        for patch in patches:
            try:
                patch(module)
            except Exception as error:
                self._failed(f"patch {name}", error)

    def awaits(self, name: str) -> bool:
        """Whether a patch waits for that module."""
        return name in self._waiting

    def watch(self, spec: ModuleSpec) -> None:
        """Have the module that is about to be loaded patched afterwards."""
        patches = self._waiting.pop(spec.name, None)
        if patches is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, patches, self)  # type: ignore[assignment]


class _Loader:
    """Loads by another loader, whose place in the module it gives back, then patches."""

    def __init__(self, loader: object, patches: list[Patch], later: Later) -> None:
        self._loader, self._patches, self._later = loader, patches, later

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the other loader does."""
        made: ModuleType | None = self._loader.create_module(spec)  # type: ignore[attr-defined]
        return made

    def exec_module(self, module: ModuleType) -> None:
        """As the other loader does; then the patch."""
        module.__loader__ = self._loader  # type: ignore[assignment]
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader  # type: ignore[assignment]
        self._loader.exec_module(module)  # type: ignore[attr-defined]
        self._later.do(module.__name__, self._patches, module)
