"""Claims the modules of the plan as they are imported."""

from __future__ import annotations

import marshal
import os
import sys
from _thread import get_ident
from importlib.machinery import SourceFileLoader

from . import VERSION
from .system import keep_file, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

    from .later import Later
    from .probe import Probe
    from .reached import Marks

    Instrumented = tuple[list[str], Marks, CodeType]


class Loader(SourceFileLoader):
    """Loads one file of the plan, instrumented, and leaves the module with an ordinary loader.

    Args:
        spec: of the module.
        path: of the file, as the finder spelled it.
        finder: knows the plan.
    """

    def __init__(self, spec: ModuleSpec, path: str, finder: Finder) -> None:
        super().__init__(spec.name, path)
        self._spec, self._finder = spec, finder

    def get_code(self, fullname: str) -> CodeType | None:
        """Instrumented code; the file's own when anything is in the way."""
        # The last that is asked of us before the module runs: no frame of ours is in its way when it does.
        plain = self._spec.loader = SourceFileLoader(fullname, self.path)
        module = sys.modules.get(fullname)
        if module is not None and getattr(module, "__loader__", None) is self:
            module.__loader__ = plain
        return self._finder.code(self.path, self._spec) or plain.get_code(fullname)


class Finder:
    """A meta-path finder for the files of the plan.

    Args:
        probe: told of trouble.
        plan: the whole plan.
        later: patches that wait for modules.
    """

    def __init__(self, probe: Probe, plan: dict[str, Any], later: Later) -> None:
        self._probe, self._later = probe, later
        self._files: dict[str, dict[str, Any]] = plan["files"]
        self._cache: str | None = plan.get("cache")
        self._rewriter = plan.get("rewriter")
        self._names = {_module_name(path) for path in self._files}
        self._busy: set[tuple[int, str]] = set()
        self._told: set[str] = set()

    def claims(self, path: str) -> bool:
        """Whether a file is in the plan."""
        return os.path.realpath(path) in self._files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, with our loader when its file is in the plan."""
        awaited = self._later.awaits(fullname)
        asked = (get_ident(), fullname)
        if asked in self._busy or not (awaited or fullname.rpartition(".")[2] in self._names):
            return None
        self._busy.add(asked)
        try:
            spec = self._others(fullname, path, target)
        finally:
            self._busy.discard(asked)
        if spec is None or not isinstance(spec.origin, str):
            return spec
        if awaited:
            self._later.watch(spec)
        elif self.claims(spec.origin):
            self._claim(spec, spec.origin)
        return spec

    def _others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find is not None and finder is not self else None
            if spec is not None:
                return spec
        return None

    def _claim(self, spec: ModuleSpec, origin: str) -> None:
        if type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec, spec.loader.path, self)
        elif not type(spec.loader).__module__.startswith(__name__.rpartition(".")[0]):
            kind = type(spec.loader)
            self._skipped(origin, f"is loaded by {kind.__module__}.{kind.__qualname__}")

    def _skipped(self, path: str, why: str) -> None:
        place = self._files[os.path.realpath(path)]["path"]
        if place not in self._told:
            self._told.add(place)
            self._probe.spool.write({"t": "skipped", "what": f"{place} was not instrumented: it {why}"})

    # -- code ----------------------------------------------------------------------------------------------------

    def code(self, path: str, imported: ModuleSpec | None = None) -> CodeType | None:
        """Compiled, instrumented code of a file of the plan; None, and a line that says why, where that cannot be.

        Args:
            path: of the file.
            imported: spec of the module that it is imported as.
        """
        try:
            plan = self._files[os.path.realpath(path)]
            self._probe.places[path] = plan["path"]
            source = read_file(path)
            if sha256(source) != plan["sha256"]:
                self._skipped(path, "changed since the plan was made")
                return None
            left_alone, marks, code = self._kept_code(path, plan) or self._new_code(path, source, plan)
            self._probe.spool.write(self._probe.reached.open(plan["path"], marks))
            if imported is not None:
                self._probe.imports.begins(plan["path"], imported)
        except Exception as error:
            self._probe.failed(f"instrument {os.path.basename(path)}", error)
            return None
        for name in left_alone:
            what = f"{plan['path']}:{name} was not recorded: it looks at its own local names"
            self._probe.spool.write({"t": "skipped", "what": what})
        return code

    def _new_code(self, path: str, source: bytes, plan: dict[str, Any]) -> Instrumented:
        import ast

        from .marks import mark, say_end
        from .reached import array_name
        from .rewrite import instrument

        tree = ast.parse(source, path)
        marks = mark(tree, array_name(plan["path"]))
        left_alone = instrument(tree, plan)
        say_end(tree, plan["path"])
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
        kept = self._kept(path, plan)
        if kept is not None:
            keep_file(kept, lambda: marshal.dumps((left_alone, marks, code)))
        return left_alone, marks, code

    def _kept_code(self, path: str, plan: dict[str, Any]) -> Instrumented | None:
        kept = self._kept(path, plan)
        if kept is None:
            return None
        try:
            found: Instrumented = marshal.loads(read_file(kept))
        except (OSError, ValueError, EOFError, TypeError):
            return None
        return found

    def _kept(self, path: str, plan: dict[str, Any]) -> str | None:
        if self._cache is None:
            return None
        what = (VERSION, self._rewriter, sys.version, sys.flags.optimize, path, sorted(plan.items()))
        return os.path.join(self._cache, sha256(repr(what).encode("utf-8", "backslashreplace"))[:32])


def sha256(data: bytes) -> str:
    """Hex digest, without loading OpenSSL into a program that does without."""
    hashing = sys.modules.get("hashlib")
    if hashing is None:
        name = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
        try:
            hashing = __import__(name)
        except ImportError:
            hashing = __import__("hashlib")
    digest: str = hashing.sha256(data).hexdigest()
    return digest


def _module_name(path: str) -> str:
    stem = os.path.splitext(os.path.basename(path))[0]
    return os.path.basename(os.path.dirname(path)) if stem == "__init__" else stem
