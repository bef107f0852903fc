"""T122: arguments that a model wrote are used as an object without a look at whether they are one."""

import re
from bisect import bisect_left
from collections.abc import Iterable

from harnessfix.rules._calls import Asked, malformed
from harnessfix.rules._errors import handlings, short_type
from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules._query import as_anchor, function_of, one_of_each, quote, requests
from harnessfix.rules._signals import error_of
from harnessfix.rules.base import Example, Finding
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import Evidence, Property, Severity

# What Python says of a value that is used as an object, and its type in what is said of the arguments.
_NO_OBJECT = re.compile(
    r"^'(?P<type>list|str|int|float|bool|NoneType)' object (has no attribute|is not (a mapping|subscriptable|iterable))"
    r"|must be a mapping, not (?P<given>list|str|int|float|bool|NoneType)"
    r"|(?P<holder>list|string) indices must be integers"
)
_TYPES = {
    "list": "an array",
    "str": "a string",
    "string": "a string",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "NoneType": "JSON null",
}

_BAD = """\
import json


class Agent:
    def __init__(self, tools):
        self.tools = tools

    def run_tool(self, call):
        try:
            arguments = json.loads(call.function.arguments)
        except ValueError as error:
            return f"The arguments are not JSON: {error}"
        return self.tools[call.function.name](**arguments)
"""


class UncheckedObject(HazardRule):
    code = "T122"
    name = "unchecked-object"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "Arguments that a model wrote are used as an object without a look at whether they are one."
    why = (
        'A list, a number or a bare text is valid JSON, and models send it now and then. `"command" in args` or '
        "`tool(**args)` then raises TypeError in the harness, outside the clause that was to answer malformed "
        "arguments, and the run ends."
    )
    fix = "Ask `isinstance(args, dict)` where the text is parsed, and tell the model what was expected."
    by_hand = "What the model is told, and how, when its arguments are no object differs from harness to harness."
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/pull/760",
        "https://github.com/openai/openai-agents-python/pull/3166",
    )
    hazard = "unchecked-object"
    confidence = 0.6
    reason = "parses an object, or something else"
    bad = Example(files={"agent.py": _BAD})
    good = edited(
        bad,
        "agent.py",
        (
            '            return f"The arguments are not JSON: {error}"\n',
            '            return f"The arguments are not JSON: {error}"\n'
            "        if not isinstance(arguments, dict):\n"
            '            return "The arguments are not an object."\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Arguments that are no object, and what their use as one raised, which a clause took for something else."""
        odd = [(call, flaw) for call, flaw in malformed(run) if flaw.endswith("not an object")]
        places = [run.place(step.id) for step in requests(run)] if odd else []
        of_reply: dict[int, list[tuple[Asked, str]]] = {}
        for each, flaw in odd:
            of_reply.setdefault(run.place(each.step.id), []).append((each, flaw))
        spoken: set[str] = set()
        for origin, entered in handlings(run) if odd else ():
            error = error_of(run, entered) or origin.error
            used = _NO_OBJECT.search(error.message) if error is not None else None
            if error is None or used is None or short_type(error) not in ("AttributeError", "TypeError"):
                continue
            at = bisect_left(places, run.place(origin.id))
            kind = _TYPES[used["type"] or used["given"] or used["holder"]]
            asked = of_reply.get(places[at - 1], ()) if at else ()
            call = next((each for each, flaw in asked if flaw.startswith(kind)), None)
            function = function_of(model, origin.anchors[0]) if origin.anchors else None
            if call is None or function is None or function.id in spoken:
                continue
            spoken.add(function.id)
            yield Finding(
                f"{call.step.id} called {quote(call.name, 40)} with {quote(call.arguments, 40)}, which is no object; "
                f"{function.anchor.qualname} used it as one, and the {short_type(error)} of that ({origin.id}) was "
                f"taken for something else in {entered.id}.",
                one_of_each([as_anchor(function, self.reason), *entered.anchors[:1]]),
                responsible_step=origin.parent or origin.id,
                symptom_step=entered.id,
                path=tuple(dict.fromkeys((call.step.id, origin.id, entered.id))),
                confidence=0.8,
                evidence=Evidence.DERIVED,
                quotes=((f"{origin.id} error", quote(f"{short_type(error)}: {error.message}")),),
                key="run",
            )

    def words(self, element: Element) -> str:
        return (
            f"`{element.value('name')}` is what a model wrote, and nothing asks whether it is an object "
            f"before line {element.value('used-at')} uses it as one."
        )
