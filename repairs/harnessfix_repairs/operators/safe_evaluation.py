"""safe-evaluation: text is read as data, never run."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.calls import argument
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_EVAL = '''\
def read_list(text):
    """Read a list of numbers as Python writes it."""
    return eval(text)  # [1, 2]
'''
_YAML = """\
import yaml


def read(text):
    return yaml.load(text, Loader=yaml.Loader)
"""


class SafeEvaluation(PythonOperator):
    """`eval(text)` becomes `ast.literal_eval(text)`; `yaml.load` becomes `yaml.safe_load`.

    `eval` with names to evaluate with, `exec`, `pickle` and ruamel's `YAML().load` are refused.

    Anchor: the call, or the function that holds it.

    Parameters:
        line: line of the call, when the function holds several.
    """

    name = "safe-evaluation"
    summary = "Read text as data instead of running it."
    fix_safety = (
        "`literal_eval` takes literals only: an expression that the tool was to work out (`2 + 2`, a call) raises "
        "ValueError or SyntaxError. `safe_load` builds plain values only, and refuses a document with Python tags."
    )
    examples = (
        EditExample(
            _EVAL,
            "import ast\n\n" + _EVAL.replace("eval(text)", "ast.literal_eval(text)"),
            qualname="read_list",
            line=3,
        ),
        EditExample(_YAML, _YAML.replace("load(text, Loader=yaml.Loader)", "safe_load(text)"), qualname="read", line=5),
        EditExample(_EVAL.replace("eval(text)", "eval(text, NAMES)"), "", qualname="read_list", line=3),
        EditExample("import pickle\n\n\ndef read(data):\n    return pickle.loads(data)\n", "", qualname="read", line=5),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Replace every evaluation at the anchor."""
        wanted = ("eval", "builtins.eval", "yaml.load", "yaml.full_load", "yaml.unsafe_load")
        calls = narrowed(file, file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in wanted), spec)
        if not calls:
            safe = ("ast.literal_eval", "yaml.safe_load")
            if file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in safe):
                return file.text
            raise Refusal(f"{anchor.place} evaluates nothing in a way that is understood")
        changes: dict[cst.CSTNode, Change] = {}
        imports: list[str] = []
        for call in calls:
            if file.dotted(call.func).startswith("yaml."):
                changes.update(_loaded(file, call))
            elif len(call.args) == 1 and not call.args[0].star:
                changes[call.func] = lambda _: file.expression("ast.literal_eval")
                imports = ["ast"]
            else:
                raise Refusal(f"{file.path}:{file.line(call)} evaluates with names, which a literal has not")
        return file.rewrite(changes, imports=imports)


def _loaded(file: PythonFile, call: cst.Call) -> dict[cst.CSTNode, Change]:
    loader = argument(call, "Loader", 1)
    if loader is not None and "Safe" in file.code(loader.value):
        return {}
    if not isinstance(call.func, cst.Attribute):
        raise Refusal(f"{file.path}:{file.line(call)} calls the loader under another name")
    first = call.args[0].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    func = call.func.with_changes(attr=cst.Name("safe_load"))
    return {call: lambda node: node.with_changes(func=func, args=[first])}
