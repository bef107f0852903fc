"""O121: a logger's level is put back as what was in effect, and not as what it was set to."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_BAD = """\
import logging
from contextlib import contextmanager


@contextmanager
def quiet(name):
    logger = logging.getLogger(name)
    level = logger.getEffectiveLevel()
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
"""


class EffectiveRestored(HazardRule):
    code = "O121"
    name = "effective-restored"
    keeps = Property.ISOLATION
    severity = Severity.INFO
    summary = "A logger's level is put back as what was in effect, and not as what it was set to."
    why = (
        "A logger without a level of its own follows its parents. Given the level that was in effect, it stops to: "
        "from the first call on, whoever turns logging up or down for the program no longer reaches it."
    )
    fix = "Keep `logger.level`, which is `NOTSET` for a logger that follows its parents, and put that back."
    by_hand = "One line, in a place that tests seldom see; write it by hand and look at the level before and after."
    references = (
        "https://github.com/openai/openai-agents-python/pull/4494",
        "https://docs.python.org/3/library/logging.html#logging.Logger.getEffectiveLevel",
    )
    hazard = "effective-restored"
    confidence = 0.7
    reason = "sets a level that a parent had"
    bad = Example(files={"agent.py": _BAD})
    good = edited(bad, "agent.py", ("logger.getEffectiveLevel()", "logger.level"))

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('level')}` is the level that was in effect, a parent's maybe; here the logger gets it as "
            "its own and follows no parent from then on."
        )
