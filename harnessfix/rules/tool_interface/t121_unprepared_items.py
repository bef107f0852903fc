"""T121: of two ways to the same work, one makes the items ready and the other hands them on as they came."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_ROUTES = """\
class Router:
    def __init__(self, session):
        self.session = session

    def with_session(self, call):
        return {**call, "arguments": {**call["arguments"], "session": self.session}}

    def after_reply(self, reply):
        calls = [self.with_session(call) for call in reply["tool_calls"]]
        return [self.dispatch(call) for call in calls]

    def after_check(self, reply, refused):
        calls = [call for call in reply["tool_calls"] if call["id"] not in refused]
        return [self.dispatch(call) for call in calls]

    def dispatch(self, call):
        return "tools", call
"""


class UnpreparedItems(HazardRule):
    code = "T121"
    name = "unprepared-items"
    keeps = Property.ORDER
    severity = Severity.WARNING
    summary = "Two functions hand items on in the same way; only one makes each of them ready first."
    why = (
        "What is added on the usual way, arguments that a model must not choose, an identity, a check, is missing on "
        "the other one, which a hook, a retry or a resumed run takes. The call fails there for want of what no model "
        "could have given, or runs without what it needs."
    )
    fix = "Make the items ready in the one place that hands them on."
    by_hand = "What makes an item ready may have effects, which the other way avoids on purpose."
    references = (
        "https://doi.org/10.1109/ICSE.2009.5070547",
        "https://github.com/langchain-ai/langgraph/pull/4842",
    )
    hazard = "unprepared-items"
    confidence = 0.6
    reason = "hands items on as they came"
    bad = Example(files={"routes.py": _ROUTES})
    good = edited(
        bad,
        "routes.py",
        (
            'calls = [call for call in reply["tool_calls"] if call["id"] not in refused]',
            'calls = [self.with_session(call) for call in reply["tool_calls"] if call["id"] not in refused]',
        ),
    )

    def words(self, element: Element) -> str:
        return (
            f"{element.anchor.qualname} hands its items on at {element.anchor.place} as they came; "
            f"{element.value('twin')} does the same with each after `{element.value('lacks')}` (line "
            f"{element.value('has-at')})."
        )
