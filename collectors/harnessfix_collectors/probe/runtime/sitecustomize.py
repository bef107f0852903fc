"""Starts the probe in a recorded program, then hands over to the `sitecustomize` that this one stands in front of.

Any Python may meet this file, so it is written for all of them; the probe itself needs 3.9.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401 (in the type comments)


def _start():
    # type: () -> None
    if sys.version_info < (3, 9):
        return
    try:
        lacking = _take_compiled()
        from _harnessfix_probe import boot

        boot.start()
        if lacking:
            from _harnessfix_probe import compiled

            compiled.keep(lacking)
    except Exception as error:  # the program must run as if the probe were not there
        _complain(error)


class _Compiled:
    """Finds the probe's modules in one file that an earlier process left (see `compiled.py`): name to code."""

    def __init__(self, modules, folder):
        # type: (dict[str, bytes], str) -> None
        self._modules, self._folder = modules, folder

    def find_spec(self, fullname, path=None, target=None):
        # type: (str, Any, Any) -> Any
        if fullname not in self._modules:
            return None
        from _frozen_importlib import ModuleSpec

        package, _, name = fullname.partition(".")
        folder = self._folder + "/" + package
        loader = self  # type: Any
        spec = ModuleSpec(fullname, loader, origin=folder + "/" + (name or "__init__") + ".py", is_package=not name)
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec

    def create_module(self, spec):
        # type: (Any) -> None
        return None

    def exec_module(self, module):
        # type: (Any) -> None
        import marshal

        exec(marshal.loads(self._modules[module.__name__]), module.__dict__)  # noqa: S102 (our own code)


def _take_compiled():
    # type: () -> str
    """Take the probe's modules from where they are kept; where they are not yet, that place, else nothing."""
    import os

    place = os.environ.get("HARNESSFIX_CODE")
    if not place:
        return ""
    place += "-%s-%x-%d" % (sys.implementation.cache_tag, sys.hexversion, sys.flags.optimize)
    try:
        import marshal

        with open(place, "rb") as file:
            modules = marshal.load(file)
    except (OSError, ValueError, EOFError, TypeError):
        return place
    if not isinstance(modules, dict):
        return place
    sys.meta_path.insert(0, _Compiled(modules, os.path.dirname(os.path.abspath(__file__))))
    return ""


def _complain(error):
    # type: (Exception) -> None
    """Leave word beside the plan; where that cannot be written either, the recorder sees that nothing came."""
    import os

    try:
        with open(os.environ["HARNESSFIX_PLAN"] + ".trouble", "a") as file:
            file.write("%s: %s\n" % (type(error).__name__, error))
    except Exception:
        pass


def _hand_over():
    # type: () -> None
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", ours)


_start()
_hand_over()
