"""L121: a cancellation or Ctrl-C is answered like a failure of the work, and the run goes on."""

import re
from collections.abc import Iterable

from harnessfix.rules._errors import handlings, short_type
from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import as_anchor, element_at, names, one_of_each, quote
from harnessfix.rules.base import Example, Finding
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

# How harnesses call the exceptions by which a tool or a model's code ends the run.
_OWN_SIGNAL = re.compile(
    r"^_*(Final|Answer|Submi|Finish|Complet|Done|Stop|Exit|Quit|Interrupt|Hand_?[Oo]ff|Terminat|Abort|Return|Pause|Suspend)"
    r"(?!.*Error$)"
)

_CLERK = """\
class Clerk:
    def __init__(self, post):
        self.post = post

    async def fetch(self, letter):
        try:
            return await self.post.collect(letter)
        except BaseException as error:
            return f"the letter did not come: {error}"
"""


class SwallowedSignal(HazardRule):
    code = "L121"
    name = "swallowed-signal"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = (
        "A clause around awaited work takes cancellation and Ctrl-C for failures, and answers instead of stopping."
    )
    why = (
        "A cancelled task has to stop. Where `CancelledError` becomes an answer, time-outs and task groups wait for "
        "a task that goes on, the next turn is paid for, and the history says that the work failed."
    )
    fix = "Catch `Exception`, or raise again what is none after putting things away."
    references = ("https://docs.python.org/3/library/asyncio-task.html#task-cancellation",)
    operator = "let-signals-pass"
    hazard = "swallowed-signal"
    confidence = 0.6
    reason = "answers a cancellation"
    bad = Example(files={"clerk.py": _CLERK})
    good = edited(bad, "clerk.py", ("except BaseException", "except Exception"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Signals of the harness's own that a broad clause took, though a clause that names them waits elsewhere."""
        taken = [
            (raised, caught, clause)
            for raised, caught in handlings(run)
            if _OWN_SIGNAL.match(short_type(raised.error)) and caught.anchors
            if (clause := element_at(model, caught.anchors[0], ElementRole.HANDLER)) is not None
        ]
        arrived = {raised.id for raised, _, clause in taken if _names(clause, short_type(raised.error))}
        spoken: set[str] = set()
        for raised, caught, clause in taken:
            name = short_type(raised.error)
            if name in spoken or raised.id in arrived or clause.fact("broad") is None:
                continue
            own = next((c for c in model.of_role(ElementRole.CLASS) if c.name == name), None)
            waiting = next((h for h in model.of_role(ElementRole.HANDLER) if _names(h, name)), None)
            if own is None or waiting is None or "Exception" not in names(own.value("bases")):
                continue
            spoken.add(name)
            yield Finding(
                f"{name} ({raised.id}) was to reach the clause at {waiting.anchor.place}; the one at "
                f"{clause.anchor.place} takes every Exception, and took it ({caught.id}).",
                one_of_each([as_anchor(own, "is an Exception like any other"), as_anchor(clause, "takes it")]),
                responsible_step=caught.id,
                symptom_step=caught.id,
                path=[raised.id, caught.id],
                confidence=0.8,
                quotes=[(f"{raised.id} error", quote(raised.error.message if raised.error is not None else ""))],
                operator="",
                key=name,
            )

    def words(self, element: Element) -> str:
        return (
            f"The clause at {element.anchor.place} takes cancellation and Ctrl-C, too, and {element.anchor.qualname} "
            "answers and goes on as if the work had failed."
        )


def _names(handler: Element, name: str) -> bool:
    """Whether a clause is for that exception."""
    return any(caught.rpartition(".")[2] == name for caught in names(handler.value("catches")))
