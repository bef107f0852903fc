"""O114: work goes to a thread without the context variables of the task that gave it."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import hazards
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import contextvars
import threading

current_run = contextvars.ContextVar("current_run", default=None)


class Agent:
    def __init__(self, tool):
        self.tool = tool

    def act(self, call):
        work = threading.Thread(target=self.tool, args=(call,))
        work.start()
        work.join()
"""


class ContextLeftBehind(HazardRule):
    code = "O114"
    name = "context-left-behind"
    keeps = Property.CONSERVATION
    severity = Severity.INFO
    summary = "Work goes to a thread without the context variables of the task that gave it."
    why = (
        "The run, its settings and its span live in context variables. What the thread does has none of them: its "
        "spans begin a trace of their own, its usage is counted nowhere, its settings are the defaults."
    )
    fix = "Hand over `contextvars.copy_context().run`, or use `asyncio.to_thread`."
    by_hand = "Context that is handed over can also be what must not go along: a span that has ended, a transaction."
    references = ("https://docs.python.org/3/library/contextvars.html#contextvars.copy_context",)
    hazard = "context-left-behind"
    confidence = 0.5
    reason = "starts without the context"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            "Thread(target=self.tool, args=(call,))",
            "Thread(target=contextvars.copy_context().run, args=(self.tool, call))",
        ),
    )

    def concerns(self, element: Element, model: HarnessModel) -> bool:
        """Only of programs that keep something in context variables."""
        return any(True for _ in hazards(model, "context-variable"))

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('work')}` is handed to a thread by `{element.value('by')}` without the context of the "
            "task: what this program keeps in context variables is not there."
        )
