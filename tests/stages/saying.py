"""Rules for tests: they find something in every run, count how often they are asked, or fail."""

from collections.abc import Iterable

from harnessfix.rules import Example, Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Property

PLACE = Anchor(path="agent.py", qualname="loop", start_line=6, end_line=11)


class First(Rule):
    """Finds the last model call of every run, surer of it in some runs than in others."""

    code = "L191"
    name = "first-rule"
    keeps = Property.ORDER
    summary = why = "for tests"
    bad = good = Example(files={})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """One finding."""
        self.asked.append(run.run.id)
        last = run.steps[-1].id
        yield Finding(f"run {run.run.id[-4:]} went on", [PLACE], responsible_step=last, confidence=0.5)


class Second(First):
    """Another one."""

    code = "L192"
    name = "second-rule"


class Failing(First):
    """Fails at a run, unless it is told not to."""

    code = "L193"
    name = "failing-rule"
    fails = True

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Nothing, or an error."""
        self.asked.append(run.run.id)
        if self.fails and run.run.id.endswith("3"):
            raise ValueError("a mistake of the rule")
        return ()


class Deadly(First):
    """Ends the process at one run, as a segmentation fault would."""

    code = "L194"
    name = "deadly-rule"

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Nothing that comes back."""
        if run.run.id.endswith("7"):
            import os
            import signal

            os.kill(os.getpid(), signal.SIGKILL)
        return super().check_run(run, model)
