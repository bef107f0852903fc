"""defaults-first: what was given explicitly is laid over the defaults."""

from collections.abc import Iterator

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes

from .base import EditExample, GuardExample, Refusal

_SPREAD = """\
class Agent:
    def ask(self, messages, settings):
        # one request
        return self.model.query(messages, **{**settings, **self.default_settings})
"""
_JOINED = "def request(options, defaults):\n    return options | defaults\n"
_UPDATED = "def request(options, defaults):\n    options.update(defaults)\n    return options\n"


class DefaultsFirst(PythonOperator):
    """Changes the order of a merge: `{**given, **defaults}` to `{**defaults, **given}`, and alike for `|` and `update`.

    What is given is a parameter of the function; the defaults have `default` in their name.

    Anchor: the merge, or the function that holds it. No parameters.
    """

    name = "defaults-first"
    summary = "Let what was given win over the defaults."
    fix_safety = (
        "Callers that gave a value and got the default now get theirs: look whether one gives None to say 'as usual', "
        "and whether the defaults are limits that nobody may override. Keys come in another order."
    )
    examples = (
        EditExample(
            _SPREAD,
            _SPREAD.replace("**settings, **self.default_settings", "**self.default_settings, **settings"),
            qualname="Agent.ask",
            line=4,
        ),
        EditExample(_JOINED, _JOINED.replace("options | defaults", "defaults | options"), qualname="request", line=2),
        EditExample(
            _UPDATED,
            _UPDATED.replace("update(defaults)", "update({**defaults, **options})"),
            qualname="request",
            line=2,
        ),
        EditExample(_JOINED.replace("options | defaults", "defaults | options"), "", qualname="request", line=2),
        EditExample(_SPREAD.replace("**settings, ", '**settings, "n": 1, '), "", qualname="Agent.ask", line=4),
        EditExample(_JOINED.replace("options | defaults", "load(options) | defaults"), "", qualname="request", line=2),
        EditExample(_UPDATED.replace("update(defaults)", "update(extras)"), "", qualname="request", line=2),
    )
    guards = (
        GuardExample(
            _UPDATED,
            passes=("request({'a': 1}, {'a': 2})['a'] == 1", "request({'a': None}, {'a': 2})['a'] is None"),
            stops=("request({}, {'a': 2})['a'] == 2", "request({'b': 1}, {'a': 2}) == {'b': 1, 'a': 2}"),
            qualname="request",
            line=2,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Turn round every such merge at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        for node in file.find(anchor, (cst.Dict, cst.BinaryOperation, cst.Call)):
            if "#" not in file.code(node):
                changes |= _turned(file, node)
        if not changes:
            raise Refusal(f"{anchor.place} lays no defaults right over what the function was given")
        return file.rewrite(changes)


def _turned(file: PythonFile, node: cst.CSTNode) -> dict[cst.CSTNode, Change]:
    for given, defaults in _laid_over(node):
        if not _is_wrong(file, given, defaults):
            continue
        if not isinstance(node, cst.Call):
            return _swapped(given, defaults)
        made = file.expression(f"{{**{file.code(defaults)}, **{file.code(given)}}}")
        return {defaults: becomes(made)}
    return {}


def _laid_over(node: cst.CSTNode) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """Mappings that a merge takes, each with the one that is laid right over it."""
    if isinstance(node, cst.Dict):
        for first, second in zip(node.elements, node.elements[1:], strict=False):
            if isinstance(first, cst.StarredDictElement) and isinstance(second, cst.StarredDictElement):
                yield first.value, second.value
    elif isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr):
        yield node.left, node.right
    elif isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and len(node.args) == 1:
        (arg,) = node.args
        if node.func.attr.value == "update" and arg.keyword is None and not arg.star:
            yield node.func.value, arg.value


def _swapped(left: cst.BaseExpression, right: cst.BaseExpression) -> dict[cst.CSTNode, Change]:
    return {left: lambda _: right, right: lambda _: left}


def _is_wrong(file: PythonFile, given: cst.BaseExpression, defaults: cst.BaseExpression) -> bool:
    """Whether a parameter stands first and defaults second."""
    function = file.function(given)
    if not isinstance(given, cst.Name) or function is None or not isinstance(defaults, (cst.Name, cst.Attribute)):
        return False
    own = {param.name.value for param in file.within(function.params, cst.Param)}
    if given.value not in own or "default" in given.value.lower() or not file.dotted(defaults):
        return False
    return "default" in file.code(defaults).rsplit(".", 1)[-1].lower()
