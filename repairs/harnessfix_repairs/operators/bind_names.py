"""bind-names: a variable that only some paths set has a value on all of them."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import bound_at

from .base import EditExample, Refusal

_NUMBER = re.compile(r"(?i)tokens?|count|total|number|cost|usage|seconds|attempts?|steps?$|^n_|_n$")

_USAGE = """\
def plan(model, messages):
    reply = model.generate(messages)
    if reply.usage:  # not every provider counts
        input_tokens, output_tokens = reply.usage.input_tokens, reply.usage.output_tokens
    return Plan(reply.content, Usage(input_tokens, output_tokens))
"""
_COUNTED = """\
def plan(model, messages):
    reply = model.generate(messages)
    input_tokens, output_tokens = (reply.usage.sent, reply.usage.got) if reply.usage else (None, None)
    return Plan(reply.content, input_tokens + output_tokens)
"""


class BindNames(PythonOperator):
    """Gives the names that a branch sets a value before the branch, for the paths on which it is not taken.

    Names that count something begin at 0, others at None. With `none`, what counts something and is None where nothing
    is known (`n = usage.n if usage else None`) is 0 there.

    Anchor: the function, or the statement that found the name without a value.

    Parameters:
        name: the variable that had no value.
        line: where it was read.
        none: true where None was counted with.
    """

    name = "bind-names"
    summary = "Give a variable a value on every path."
    fix_safety = (
        "What crashed now goes on with 0 or None: look whether that is true of a run in which nothing was set, and "
        "whether what follows takes None."
    )
    examples = (
        EditExample(
            _USAGE,
            _USAGE.replace("    if reply.usage:", "    input_tokens = output_tokens = 0\n    if reply.usage:"),
            qualname="plan",
            line=1,
            end_line=5,
            parameters={"name": "input_tokens", "line": 5},
        ),
        EditExample(
            _USAGE.replace("input_tokens, output_tokens = reply.usage.input_tokens, reply.usage", "last = reply"),
            _USAGE.replace(
                "    if reply.usage:  # not every provider counts\n"
                "        input_tokens, output_tokens = reply.usage.input_tokens, reply.usage",
                "    last = None\n    if reply.usage:  # not every provider counts\n        last = reply",
            ),
            qualname="plan",
            line=1,
            end_line=5,
            parameters={"name": "last", "line": 5},
        ),
        EditExample(
            _COUNTED,
            _COUNTED.replace("else (None, None)", "else (0, 0)"),
            qualname="plan",
            line=1,
            end_line=4,
            parameters={"none": True},
        ),
        EditExample(
            _COUNTED.replace("input_tokens, output_tokens = (reply.usage.sent, reply.usage.got)", "text = reply.text"),
            "",
            qualname="plan",
            line=1,
            end_line=4,
            parameters={"none": True},
        ),
        EditExample(_USAGE, "", qualname="plan", line=1, end_line=5),
        EditExample(_USAGE, "", qualname="plan", line=1, end_line=5, parameters={"name": "reply", "line": 5}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Bind the name before the branch that sets it."""
        if spec.parameters.get("none") is True:
            return file.rewrite(_counted(file, anchor))
        name = parameters.text(spec, "name")
        line = parameters.whole(spec, "line", 1) or anchor.end_line
        if not name.isidentifier():
            raise Refusal(f"{anchor.place}: no variable is named that had no value")
        scope = file.definition(anchor.qualname, anchor.start_line)
        branches = [
            node
            for node in file.within(scope, cst.If)
            if node.orelse is None and file.line(node) < line and name in _sets(file, node)
        ]
        branches = [node for node in branches if not isinstance(next(file.parents(node)), cst.If)]
        if not branches:
            raise Refusal(f"{anchor.place} sets {name} in no branch that may be left out")
        branch = branches[-1]
        names = _sets(file, branch)
        start = "0" if all(_NUMBER.search(one) for one in names) else "None"
        source = f"{' = '.join(names)} = {start}\n"
        if _is_bound(file, branch, source):
            return file.text
        return file.rewrite({branch: before(file.statements(source))})


def _counted(file: PythonFile, anchor: Anchor) -> dict[cst.CSTNode, Change]:
    """Changes of None to 0 in what counts are given where nothing is known; those that get no value there get 0 too."""
    changes: dict[cst.CSTNode, Change] = {}
    for node in file.find(anchor, cst.Assign):
        names = [name.value for target in node.targets for name in file.within(target, cst.Name)]
        if isinstance(node.value, cst.IfExp) and names and all(_NUMBER.search(name) for name in names):
            for part in file.within(node.value.orelse, cst.Name):
                if part.value == "None":
                    changes[part] = lambda _: cst.Integer("0")
    for branch in file.find(anchor, cst.If, lambda one: one.orelse is None):
        names = _sets(file, branch)
        unbound = names and not set(names) <= bound_at(file, branch)
        if unbound and all(_NUMBER.search(name) for name in names) and changes:
            changes[branch] = before(file.statements(f"{' = '.join(names)} = 0\n"))
    if not changes:
        raise Refusal(f"{anchor.place} gives no count None where nothing is known")
    return changes


def _sets(file: PythonFile, branch: cst.If) -> list[str]:
    """Names that the branch's own lines set, in order."""
    names: dict[str, None] = {}
    for line in branch.body.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            for target in part.targets if isinstance(part, cst.Assign) else ():
                for node in file.within(target, cst.Name):
                    if not isinstance(next(file.parents(node)), (cst.Attribute, cst.Index)):
                        names[node.value] = None
    return list(names)


def _is_bound(file: PythonFile, branch: cst.If, source: str) -> bool:
    block = next(file.parents(branch))
    body = list(block.body) if isinstance(block, (cst.IndentedBlock, cst.Module)) else []
    place = body.index(branch) if branch in body else 0
    return place > 0 and file.code(body[place - 1]).strip() == source.strip()
