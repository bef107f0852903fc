"""O109: what was only meant to show the run ended it."""

from collections.abc import Iterable

from harnessfix.rules._errors import escaped_to, raised, short_type
from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_anchors
from harnessfix.rules._query import ancestors, as_anchor, one_of_each, quote
from harnessfix.rules._shows import showing_function, shown_by_library
from harnessfix.rules._signals import is_signal
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity

_AGENT = '''\
class RunLogger:
    """Shows what happens, with the colours of a small markup."""

    def log_step(self, number, text):
        print(self.render(f"[{number}] {text}"))

    def render(self, text):
        if "{" in text:
            return text.format(bold="", plain="")
        return text


class Agent:
    def __init__(self, model):
        self.model = model
        self.logger = RunLogger()

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for number in range(4):
            reply = self.model.query(messages)
            self.logger.log_step(number, reply["content"])
            if reply["content"].startswith("DONE"):
                return reply["content"]
            messages += [reply, {"role": "user", "content": "Go on."}]
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say('The file holds {"port": 80}.'), say("DONE"))).run("What does it hold?"))
"""


class LoggingEndsRun(Rule):
    code = "O109"
    name = "logging-ends-run"
    keeps = Property.INERTNESS
    severity = Severity.ERROR
    summary = "Showing, logging or recording what happens raised an exception that ended the run."
    why = (
        "Text of models, tools and users holds braces, square brackets and percent signs. Put through "
        "`str.format`, Rich markup or `%` it is read as instructions, and the logger, of all things, ends the "
        "run. So does a full disk or a closed connection where every event is written down."
    )
    fix = (
        "Pass such text as data: `Text(value)` or `markup=False` for Rich, arguments instead of interpolation for "
        "logging, `str.replace` for one known placeholder. Let no error of a logger leave it."
    )
    references = (
        "https://github.com/huggingface/smolagents/pull/1894",
        "https://rich.readthedocs.io/en/stable/markup.html#escaping",
    )
    operator = "show-as-data"
    bad = harness(_AGENT, _MAIN, exit_code=1)
    good = edited(
        bad,
        "agent.py",
        (
            '        if "{" in text:\n            return text.format(bold="", plain="")\n        return text\n',
            '        return text.replace("{bold}", "").replace("{plain}", "")\n',
        ),
        exit_code=0,
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Exceptions raised in code that shows, logs or records, that nothing contained before a run was over."""
        for origin in raised(run):
            ended = escaped_to(run, origin)
            if ended is None or is_signal(origin.error) or origin.error is None:
                continue
            shower = showing_function(run, model, origin)
            if shower is None:
                continue
            kind = short_type(origin.error)
            yield Finding(
                f"{kind} was raised in {_where(shower, origin)}, which only shows or records what happens, "
                f"and it {'left the harness' if ended is origin else f'ended {ended.name} ({ended.id})'}.",
                one_of_each([as_anchor(shower, "shows or records what happens"), *own_anchors(origin)]),
                responsible_step=origin.id,
                symptom_step=ended.id,
                path=list(dict.fromkeys([origin.id, *(s.id for s in ancestors(run, origin))])),
                confidence=0.9 if shown_by_library(origin) else 0.8,
                quotes=[(f"{origin.id} error", quote(f"{kind}: {origin.error.message}"))],
                parameters={"line": origin.anchors[0].start_line, "error": kind},
                key="shows",
            )
            return  # it ended the run


def _where(shower: Element, origin: TraceStep) -> str:
    """The function that shows or records, and the one below it that raised the exception if that is another."""
    place, name = origin.anchors[0], shower.anchor.qualname
    if (place.path, place.qualname) == (shower.anchor.path, name):
        return f"{name} ({origin.id})"
    return f"{place.qualname} ({origin.id}) on behalf of {name}"
