"""The script that Python was asked to run, and scripts that `runpy` runs, instrumented.

The interpreter asks `sys.path_hooks` whether the thing it shall run is a folder or an archive with a `__main__`; a hook
that answers for this one path makes it import the script, through `runpy`, instead of reading it past us. What `runpy`
does differently from a plain start is put right here.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType, TracebackType
    from typing import Any

    from .hook import Finder

_PACKAGE = __name__.rpartition(".")[0]


class _Script:
    """Path entry finder of one script: finds `__main__`, once."""

    def __init__(self, path: str, finder: Finder, hook: Callable[[str], _Script]) -> None:
        self._path, self._finder, self._hook = path, finder, hook

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """The script as `__main__`; our hook is taken out again."""
        if fullname != "__main__":
            return None
        if self._hook in sys.path_hooks:
            sys.path_hooks.remove(self._hook)
        for entry in [entry for entry, finder in sys.path_importer_cache.items() if finder is self]:
            del sys.path_importer_cache[entry]
        _take_over_runpy(self._path)
        spec = ModuleSpec("__main__", _ScriptLoader(self._path, self._finder), origin=self._path)
        spec.has_location = True
        return spec


class _ScriptLoader(SourceFileLoader):
    def __init__(self, path: str, finder: Finder) -> None:
        super().__init__("__main__", path)
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:
        """Instrumented code, else the file's own; unlike a module's it is not kept in `__pycache__`."""
        code = self._finder.code(self.path)
        return code or compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)


def claim_script(finder: Finder, script: str) -> None:
    """Have Python run `script` through our loader."""
    wanted = os.path.realpath(script)

    def hook(path: str) -> _Script:
        if os.path.realpath(path) == wanted:
            return _Script(path if os.path.isabs(path) else os.path.join(os.getcwd(), path), finder, hook)
        raise ImportError(path)

    sys.path_hooks.insert(0, hook)


def _take_over_runpy(path: str) -> None:
    """Have the next thing that `runpy` runs, our script, run as if Python had started it."""
    runpy: Any = sys.modules["runpy"]
    original = runpy._run_code

    def run_code(code: CodeType, run_globals: dict[str, Any], *args: object, **kwargs: object) -> dict[str, Any]:
        runpy._run_code = original
        if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(path):
            if getattr(sys.flags, "safe_path", False):
                del sys.path[0]
            else:
                sys.path[0] = os.path.dirname(os.path.realpath(path))
        run_globals.update(__name__="__main__", __file__=path, __cached__=None, __doc__=None, __package__=None)
        run_globals.update(__loader__=SourceFileLoader("__main__", path), __spec__=None)
        try:
            exec(code, run_globals)  # noqa: S102 (this is the program that the user asked us to run)
        except BaseException:
            sys.excepthook = _without_our_frames(sys.excepthook)
            raise
        return run_globals

    runpy._run_code = run_code


def _without_our_frames(show: Callable[..., object]) -> Callable[..., object]:
    """Show an exception from the script's own first frame on, by the hook that the program set or found."""

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> object:
        while traceback is not None and _is_machinery(traceback):
            traceback = traceback.tb_next
        sys.excepthook = show
        return show(kind, error.with_traceback(traceback), traceback)

    return excepthook


def _is_machinery(traceback: TracebackType) -> bool:
    name = str(traceback.tb_frame.f_globals.get("__name__"))
    return name == "runpy" or name.startswith((_PACKAGE, "importlib", "_frozen_importlib"))


def claim_run_path(finder: Finder) -> Callable[[ModuleType], None]:
    """A patch of `runpy`: files of the plan that `run_path` runs, as a spawned child does with the script, too."""

    def patch(runpy: ModuleType) -> None:
        original = runpy._get_code_from_file

        def get_code_from_file(*args: Any) -> Any:
            code = finder.code(args[-1]) if finder.claims(args[-1]) else None
            if code is None:
                return original(*args)
            return code if len(args) == 1 else (code, args[-1])

        runpy._get_code_from_file = get_code_from_file  # type: ignore[attr-defined]

    return patch
