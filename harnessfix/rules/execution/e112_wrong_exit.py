"""E112: what is exited is not what was entered."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_SANDBOX = """\
class Sandboxes:
    def __init__(self, factory):
        self.factory = factory
        self.open = []

    def start(self):
        manager = self.factory()
        sandbox = manager.__enter__()
        self.open.append(manager)
        return sandbox

    def run(self, command):
        manager = self.factory()
        sandbox = manager.__enter__()
        try:
            return sandbox.run(command)
        finally:
            sandbox.__exit__(None, None, None)
"""


class WrongExit(HazardRule):
    code = "E112"
    name = "wrong-exit"
    keeps = Property.CLEANUP
    severity = Severity.ERROR
    summary = "A context manager is entered by hand, and the value it gave is asked to exit in its place."
    why = (
        "`__enter__` may return anything: the manager, a connection, nothing. Asking that value to exit releases the "
        "wrong thing or raises, and what the manager holds stays held."
    )
    fix = "Keep the manager beside the value and exit the manager; better, use `with` or `contextlib.ExitStack`."
    references = (
        "https://github.com/huggingface/smolagents/pull/2029",
        "https://docs.python.org/3/library/contextlib.html#contextlib.ExitStack",
    )
    operator = "exit-manager"
    hazard = "wrong-exit"
    confidence = 0.85
    reason = "exits the entered value"
    bad = Example(files={"sandbox.py": _SANDBOX})
    good = edited(bad, "sandbox.py", ("            sandbox.__exit__", "            manager.__exit__"))

    def words(self, element: Element) -> str:
        receiver = element.value("receiver")
        return (
            f"`{receiver}` at {element.anchor.place} is what `__enter__` returned, and it is asked to exit; the "
            "manager that was entered never is."
        )

    def told_apart(self, element: Element, number: int) -> str:
        return ""
