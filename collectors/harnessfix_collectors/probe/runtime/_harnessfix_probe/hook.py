"""Claims the modules of the plan as they are imported, and the script that Python was asked to run."""

import ast
import hashlib
import marshal
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

from . import VERSION
from .rewrite import as_main, instrument


class Loader(SourceFileLoader):
    """Loads one file of the plan, instrumented."""

    def __init__(self, fullname, path, finder, script=None):
        super().__init__(fullname, path)
        self._finder, self._script = finder, script

    def get_code(self, fullname):
        """Instrumented code; the file's own when anything is in the way."""
        source = self.get_data(self.path)
        try:
            code = self._finder.code(self.path, source, self._script is not None)
        except Exception as error:
            self._finder.probe.failed("rewrite %s" % os.path.basename(self.path), error)
            code = None
        if self._script is not None:
            sys.path[0] = os.path.dirname(os.path.realpath(self.path))
            if code is None:
                tree = ast.parse(source, self.path)
                as_main(tree)
                code = compile(tree, self.path, "exec", dont_inherit=True)
        return super().get_code(fullname) if code is None else code


class Finder:
    """A meta-path finder for the files of the plan.

    Args:
        probe: told of trouble.
        files: absolute path to the plan of that file.
        cache: folder for compiled code, None for none.
    """

    def __init__(self, probe, files, cache):
        self.probe, self.files, self.cache = probe, files, cache
        self.names = {self._module_name(path) for path in files}
        self.busy = False

    @staticmethod
    def _module_name(path):
        stem = os.path.splitext(os.path.basename(path))[0]
        return os.path.basename(os.path.dirname(path)) if stem == "__init__" else stem

    def find_spec(self, fullname, path=None, target=None):
        """The spec that the other finders give, with our loader when its file is in the plan."""
        if self.busy or fullname.rpartition(".")[2] not in self.names:
            return None
        self.busy = True
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                spec = find(fullname, path, target) if find is not None and finder is not self else None
                if spec is not None:
                    break
            else:
                return None
        finally:
            self.busy = False
        origin = spec.origin and os.path.realpath(spec.origin)
        if type(spec.loader) is SourceFileLoader and origin in self.files:
            spec.loader = Loader(fullname, spec.loader.path, self)
        return spec

    def code(self, path, source, main=False):
        """Compiled, instrumented code of a file, None when its bytes are not those that the plan was made from."""
        real = os.path.realpath(path)
        plan = self.files[real]
        if hashlib.sha256(source).hexdigest() != plan["sha256"]:
            self.probe.spool.write({"t": "trouble", "what": "%s changed since the plan was made" % plan["path"]})
            return None
        kept = self._kept(path, source, plan, main)
        if kept is not None:
            try:
                with open(kept, "rb") as file:
                    return marshal.loads(file.read())
            except (OSError, ValueError, EOFError, TypeError):
                pass
        tree = ast.parse(source, path)
        left_alone = instrument(tree, plan)
        if main:
            as_main(tree)
        for name in left_alone:
            what = "%s:%s looks at its local names and was not instrumented" % (plan["path"], name)
            self.probe.spool.write({"t": "trouble", "what": what})
        code = compile(tree, path, "exec", dont_inherit=True)
        if kept is not None and not left_alone:
            self._keep(kept, code)
        return code

    def _kept(self, path, source, plan, main):
        if self.cache is None:
            return None
        parts = (VERSION, sys.version, path, plan["sha256"], sorted(plan.items(), key=lambda item: item[0]), main)
        return os.path.join(self.cache, hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32])

    def _keep(self, kept, code):
        partial = "%s.%d" % (kept, os.getpid())
        try:
            os.makedirs(self.cache, exist_ok=True)
            with open(partial, "wb") as file:
                file.write(marshal.dumps(code))
            os.replace(partial, kept)
        except (OSError, ValueError):
            pass


class _Script:
    """Path entry finder of one script: finds `__main__` and nothing else."""

    def __init__(self, path, finder):
        self._path, self._finder = path, finder

    def find_spec(self, fullname, target=None):
        if fullname != "__main__":
            return None
        spec = ModuleSpec(
            "__main__", Loader("__main__", self._path, self._finder, script=self._path), origin=self._path
        )
        spec.has_location = True
        return spec


def claim_script(finder, script):
    """Have Python run `script` through our loader.

    The interpreter asks `sys.path_hooks` whether the thing it shall run is a folder or an archive with a `__main__`; a
    hook that answers for this one path makes it import the script instead of reading it past us.
    """
    wanted = os.path.realpath(script)

    def hook(path):
        if os.path.realpath(path) == wanted:
            return _Script(os.path.abspath(path), finder)
        raise ImportError(path)

    sys.path_hooks.insert(0, hook)
