"""stabilise-prefix: what changes at the head of every prompt is taken once and kept."""

import builtins

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile, python_file
from harnessfix_repairs.editing.scope import names_in
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, Refusal

_AGENT = """\
import uuid


class Agent:
    def __init__(self, model):
        self.model = model

    def prompt(self, rules):
        # so that the log can be joined
        return f"Request {uuid.uuid4()}. You are careful.\\n{rules}"
"""
_CLOCK = """\
from datetime import datetime


class Agent:
    def __init__(self):
        self.messages = []  # none yet

    def system(self):
        return f"Now it is {datetime.now():%H:%M:%S}. Answer briefly."
"""


class StabilisePrefix(PythonOperator):
    """Evaluates a placeholder that differs each time (a clock, a random id) once, where the object is made.

    Anchor: the f-string of the prompt, or the method that holds it. Parameter: `placeholder`, the expression in it (the
    only call in the f-string that takes nothing of the function, when it is missing).
    """

    name = "stabilise-prefix"
    summary = "Take what changes once per agent, so that requests begin alike."
    fix_safety = (
        "The value is now that of the moment when the object was made. An id stays the same for all requests of the "
        "agent; a clock stands still, so an agent that lives for days tells an old date: where the time itself "
        "matters, move it behind the stable part of the prompt instead."
    )
    examples = (
        EditExample(
            _AGENT,
            _AGENT.replace("= model\n", "= model\n        self.fixed_uuid4 = uuid.uuid4()\n").replace(
                "{uuid.uuid4()}", "{self.fixed_uuid4}"
            ),
            qualname="Agent.prompt",
            line=10,
            parameters={"placeholder": "uuid.uuid4()"},
        ),
        EditExample(
            _CLOCK,
            _CLOCK.replace("# none yet\n", "# none yet\n        self.fixed_now = datetime.now()\n").replace(
                "{datetime.now():", "{self.fixed_now:"
            ),
            qualname="Agent.system",
            line=9,
        ),
        EditExample(_AGENT.replace("{uuid.uuid4()}", "{made(rules)}"), "", qualname="Agent.prompt", line=10),
        EditExample(
            _AGENT.replace("__init__(self, model)", "start(self, model)"), "", qualname="Agent.prompt", line=10
        ),
        EditExample('def prompt():\n    return f"{uuid.uuid4()} x"\n', "", qualname="prompt", line=2),
    )

    def symbols(self, files: object, anchor: Anchor, parameters: object) -> list[str]:
        """The constructor of the class around the anchor gets the value."""
        assert isinstance(files, dict)
        try:
            file = python_file(anchor.path, files[anchor.path])
            klass = file.klass(file.definition(anchor.qualname, anchor.start_line))
        except (Refusal, KeyError):
            return []
        return [f"{anchor.path}:{file.qualname(klass)}.__init__"] if klass is not None else []

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Keep the value of the placeholder."""
        wanted = parameters.text(spec, "placeholder").strip().strip("{}").strip()
        holes = file.find(anchor, cst.FormattedStringExpression, lambda one: _changes(file, one))
        holes = [one for one in holes if not wanted or file.code(one.expression) == wanted.partition(":")[0]] or holes
        if len(holes) != 1:
            raise Refusal(f"{anchor.place} has {len(holes) or 'no'} placeholders that take nothing but a call's value")
        hole = holes[0]
        function, klass = file.function(hole), file.klass(hole)
        if function is None or klass is None or parameters_of(function)[:1] != ["self"]:
            raise Refusal(f"{anchor.place} is in no method: there is no object that could keep the value")
        start = next((one for one in klass.body.body if _is_constructor(one)), None)
        if not isinstance(start, cst.FunctionDef) or not isinstance(start.body, cst.IndentedBlock):
            raise Refusal(f"{file.qualname(klass)} has no `__init__` of its own")
        last = start.body.body[-1]
        if not isinstance(last, cst.SimpleStatementLine) or isinstance(last.body[-1], (cst.Return, cst.Raise)):
            raise Refusal(f"{file.qualname(start)} does not end in a plain statement")
        name = file.fresh(klass, f"fixed_{_called(hole.expression)}", f"fixed_{_called(hole.expression)}_value")
        (kept,) = file.statements(f"self.{name} = {file.code(hole.expression)}\n")
        read = file.expression(f"self.{name}")
        return file.rewrite(
            {
                hole.expression: lambda _: read,
                start.body: lambda block: block.with_changes(body=[*block.body, kept]),
            }
        )


def _changes(file: PythonFile, hole: cst.FormattedStringExpression) -> bool:
    """Whether a placeholder is a call that takes nothing of the function or the object around it."""
    known = {*file.imported, *dir(builtins)}
    return (
        isinstance(hole.expression, cst.Call)
        and names_in(file, hole.expression) <= known
        and (names_in(file, hole.expression) & set(file.imported) != set())
    )


def _is_constructor(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FunctionDef) and node.name.value == "__init__"


def _called(node: cst.BaseExpression) -> str:
    """The name of the innermost call: `now` of `datetime.now().isoformat()`."""
    found = "value"
    while isinstance(node, (cst.Call, cst.Attribute)):
        if isinstance(node, cst.Call):
            found = node.func.attr.value if isinstance(node.func, cst.Attribute) else found
            node = node.func
        else:
            node = node.value
    return found
