"""hand-on: a call is given a parameter that the function around it has."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.parameters import dotted_source
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import parameters

from .base import EditExample, Refusal

_SPREAD = """\
class Agent:
    def run(self, task, **options):
        # as it was given
        return self.model.query(self._prepare(task))
"""
_NAMED = """\
async def run(agent, task, timeout=None):
    return await agent.start(
        task,
        retries=3,
    )
"""


class HandOn(PythonOperator):
    """Adds a keyword to a call, or what a function takes beside its parameters.

    Anchor: the call. Parameters: `calls`, what is called, as it is written; `parameter`, a parameter of the function
    around or an attribute of one (`self.user`); `keyword`, its name in the call, `**` for all that `parameter` holds.
    """

    name = "hand-on"
    summary = "Hand a parameter on to what is called."
    fix_safety = (
        "What is called now gets a value that it did not get before: look whether it takes it on this way as well, and "
        "whether callers that set the parameter relied on its having no effect."
    )
    examples = (
        EditExample(
            _SPREAD,
            _SPREAD.replace("_prepare(task)", "_prepare(task, **options)"),
            qualname="Agent.run",
            line=4,
            parameters={"calls": "self._prepare", "parameter": "options", "keyword": "**"},
        ),
        EditExample(
            _NAMED,
            _NAMED.replace("retries=3,\n", "retries=3, timeout=timeout,\n"),
            qualname="run",
            line=2,
            parameters={"calls": "agent.start", "parameter": "timeout", "keyword": "timeout"},
        ),
        EditExample(
            _SPREAD,
            "",
            qualname="Agent.run",
            line=4,
            parameters={"calls": "self._prepare", "parameter": "settings", "keyword": "**"},
        ),
        EditExample(
            _NAMED,
            "",
            qualname="run",
            line=2,
            parameters={"calls": "agent.start", "parameter": "timeout", "keyword": "retries"},
        ),
        EditExample(
            _SPREAD.replace("_prepare(task)", "_prepare()"),
            _SPREAD.replace("_prepare(task)", "_prepare(**options)"),
            qualname="Agent.run",
            line=4,
            parameters={"calls": "self._prepare", "parameter": "options", "keyword": "**"},
        ),
        EditExample(
            _SPREAD.replace("_prepare(task)", "_prepare(word for word in task)"),
            "",
            qualname="Agent.run",
            line=4,
            parameters={"calls": "self._prepare", "parameter": "options", "keyword": "**"},
        ),
        EditExample(
            _NAMED,
            _NAMED.replace("retries=3,\n", "retries=3, user=agent.user,\n"),
            qualname="run",
            line=2,
            parameters={"calls": "agent.start", "parameter": "agent.user", "keyword": "user"},
        ),
        EditExample(
            _NAMED,
            "",
            qualname="run",
            line=2,
            parameters={"calls": "agent.start", "parameter": "agent.user()", "keyword": "user"},
        ),
        EditExample(_NAMED, "", qualname="run", line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Add the keyword to the call at the anchor."""
        calls, keyword = (str(spec.parameters.get(name, "")) for name in ("calls", "keyword"))
        parameter = dotted_source(spec, "parameter")
        found = file.find(anchor, cst.Call, lambda call: bool(calls) and file.code(call.func) == calls)
        if len(found) != 1:
            raise Refusal(f"{anchor.place} does not call {calls or 'anything that is named'} exactly once")
        call = found[0]
        if any(isinstance(arg.value, cst.GeneratorExp) and not arg.value.lpar for arg in call.args):
            raise Refusal(f"{file.path}:{file.line(call)} gives a generator that may be the only argument")
        if any(keyword in (arg.star, arg.keyword.value if arg.keyword is not None else "") for arg in call.args):
            raise Refusal(f"{file.path}:{file.line(call)} gives `{keyword}` already")
        around = file.function(call)
        holder = parameter.partition(".")[0]
        if around is None or holder not in parameters(around):
            raise Refusal(f"{file.path}:{file.line(call)} stands in no function with a parameter `{holder}`")
        given = f"**{parameter}" if keyword == "**" else f"{keyword}={parameter}"
        made = file.expression(f"_({given})")
        assert isinstance(made, cst.Call)
        changes: dict[cst.CSTNode, Change] = {call: lambda old: _with(old, made.args[0])}
        return file.rewrite(changes)


def _with(call: cst.CSTNode, arg: cst.Arg) -> cst.CSTNode:
    """The call with one argument more, and the end of its last line as it was."""
    assert isinstance(call, cst.Call)
    if not call.args:
        return call.with_changes(args=[arg])
    *others, last = call.args
    between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return call.with_changes(args=[*others, last.with_changes(comma=between), arg.with_changes(comma=last.comma)])
