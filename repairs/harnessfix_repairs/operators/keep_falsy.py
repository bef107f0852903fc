"""keep-falsy: an answer of 0, False or nothing at all is an answer."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import instead, own_line
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, GuardExample, Refusal

# Where a conditional expression needs no parentheses of its own.
_OPEN = (cst.Assign, cst.AnnAssign, cst.Return, cst.Arg, cst.DictElement, cst.Element)

_NAMED = """\
def run_tool(tools, name, arguments):
    result = tools[name](**arguments)
    return result or "no output"  # the model wants text
"""
_DIRECT = """\
async def run_tool(tool, arguments):
    # an empty mapping stands for nothing
    return await tool(**arguments) or {}
"""
_KEPT = _NAMED.replace('(**arguments)\n    return result or "no output"', '(**arguments) or "no output"').replace(
    "model wants text", "model wants text\n    return result"
)


class KeepFalsy(PythonOperator):
    """Replaces a tool's answer only where it is None.

    `answer or default` becomes `default if answer is None else answer`, on two lines where the answer has no name.

    Anchor: the `or`, or the function that holds it. No parameters.
    """

    name = "keep-falsy"
    summary = "Replace an answer only when there is none."
    fix_safety = (
        "An answer of 0, False, an empty text or an empty list now reaches the code behind, and the model, as it is: "
        "look whether that code can take it, and whether the model is better told 'no output' than an empty text."
    )
    examples = (
        EditExample(
            _NAMED,
            _NAMED.replace('result or "no output"', '"no output" if result is None else result'),
            qualname="run_tool",
            line=3,
        ),
        EditExample(
            _DIRECT,
            _DIRECT.replace(
                "return await tool(**arguments) or {}",
                "result = await tool(**arguments)\n    return {} if result is None else result",
            ),
            qualname="run_tool",
            line=3,
        ),
        EditExample(
            _KEPT,
            _KEPT.replace(' or "no output"', "").replace(
                "    return result", '    if result is None:\n        result = "no output"\n    return result'
            ),
            qualname="run_tool",
            line=2,
        ),
        EditExample(_NAMED.replace('"no output"', "load(name)"), "", qualname="run_tool", line=3),
        EditExample(_NAMED.replace("**arguments", "arguments"), "", qualname="run_tool", line=3),
        EditExample(_DIRECT.replace("return await", "return 1 + await"), "", qualname="run_tool", line=3),
        EditExample("def show(name):\n    return name or 'nobody'\n", "", qualname="show", line=2),
    )
    guards = (
        GuardExample(
            _NAMED,
            passes=("run_tool({'t': lambda: 'x'}, 't', {}) == 'x'", "run_tool({'t': lambda: 0}, 't', {}) == 0"),
            stops=("run_tool({'t': lambda: None}, 't', {}) == 'no output'",),
            qualname="run_tool",
            line=3,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Ask for None at every such place of the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, cst.BooleanOperation, lambda one: isinstance(one.operator, cst.Or)):
            if not _is_fixed(node.right) or "#" in file.code(node):
                continue
            if isinstance(node.left, cst.Name) and _is_answer(file, node.left):
                changes[node] = _in_place(file, node)
            elif _calls_with_arguments(node.left) and isinstance(above := next(file.parents(node)), _WHOLE):
                changes[own_line(file, node)] = _in_two(file, node, above)
        if not changes:
            raise Refusal(f"{anchor.place} replaces no answer of a tool by a fixed value")
        return file.rewrite(changes)


_WHOLE = (cst.Return, cst.Assign)


def _is_fixed(node: cst.BaseExpression) -> bool:
    """Whether a default may be written where it is not always needed: a literal or an empty container."""
    if isinstance(node, (cst.List, cst.Tuple, cst.Dict)):
        return not node.elements
    plain = isinstance(node, (cst.SimpleString, cst.Integer, cst.Float))
    return plain or (isinstance(node, cst.Name) and node.value in ("True", "False"))


def _calls_with_arguments(node: cst.BaseExpression) -> bool:
    """Whether an expression is a call that hands on a mapping of arguments, perhaps awaited."""
    call = node.expression if isinstance(node, cst.Await) else node
    return isinstance(call, cst.Call) and any(arg.star == "**" for arg in call.args)


def _is_answer(file: PythonFile, name: cst.Name) -> bool:
    """Whether a name stands for what such a call answered, and for nothing else."""
    function = file.function(name)
    if function is None:
        return False
    values = [
        node.value
        for node in file.within(function, cst.Assign)
        for target in node.targets
        if isinstance(target.target, cst.Name) and target.target.value == name.value
    ]
    return len(values) == 1 and _calls_with_arguments(values[0])


def _in_place(file: PythonFile, node: cst.BooleanOperation) -> Change:
    value, default = file.code(node.left), file.code(node.right)
    bare = isinstance(next(file.parents(node)), _OPEN) or bool(node.lpar)
    source = f"{default} if {value} is None else {value}"
    made = file.expression(source if bare else f"({source})")
    return lambda old: made.with_changes(lpar=old.lpar, rpar=old.rpar) if old.lpar else made


def _in_two(file: PythonFile, node: cst.BooleanOperation, above: cst.CSTNode) -> Change:
    function = file.function(node)
    default = file.code(node.right)
    if isinstance(above, cst.Return):
        name = file.fresh(function or file.module, "result", "answer", "value")
        then = f"return {default} if {name} is None else {name}\n"
    else:
        assert isinstance(above, cst.Assign)
        name = file.code(above.targets[0].target)
        if len(above.targets) != 1 or not isinstance(above.targets[0].target, cst.Name):
            raise Refusal(f"{file.path}:{file.line(node)} gives the answer to more than one plain name")
        then = f"if {name} is None:\n    {name} = {default}\n"
    first, *rest = file.statements(f"{name} = 0\n{then}")
    first = first.with_changes(body=[first.body[0].with_changes(value=node.left)])
    return instead([first, *rest])
