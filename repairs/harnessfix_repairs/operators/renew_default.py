"""renew-default: a default that should be new each time is worked out each time."""

import builtins

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import after_docstring, before
from harnessfix_repairs.editing.calls import argument
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.scope import is_rebound, names_in

from .base import EditExample, GuardExample, Refusal

_CHANGES = (
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "random.random",
    "random.randint",
    "random.choice",
    "secrets.token_hex",
    "secrets.token_urlsafe",
    "os.getcwd",
    "pathlib.Path.cwd",
    "tempfile.mkdtemp",
)

_REPLY = """\
import time
import uuid
from dataclasses import dataclass


@dataclass
class Reply:
    text: str
    created: float = time.time()  # seconds
    id: str = str(uuid.uuid4())
"""
_LOG = '''\
from datetime import datetime


def log(text, at: datetime = datetime.now(), *, end="") -> str:
    """One line of the log."""
    return f"{at}: {text}{end}"
'''


class RenewDefault(PythonOperator):
    """Makes a dataclass field's default a factory, and a parameter's default None with the value in the body.

    Anchor: the default, or the class or function that it belongs to. No parameters.
    """

    name = "renew-default"
    summary = "Work a default out each time it is needed."
    fix_safety = (
        "Objects and calls that shared one value now have one each: look whether something compares them, as an id of "
        "the process would be. A function that was handed None on purpose takes the default instead, and its signature "
        "shows None."
    )
    changes_signatures = True
    examples = (
        EditExample(
            _REPLY,
            _REPLY.replace("import dataclass\n", "import dataclass, field\n").replace(
                "= time.time()", "= field(default_factory=time.time)"
            ),
            qualname="Reply",
            line=9,
        ),
        EditExample(
            _REPLY,
            _REPLY.replace("import dataclass\n", "import dataclass, field\n").replace(
                "= str(uuid.uuid4())", "= field(default_factory=lambda: str(uuid.uuid4()))"
            ),
            qualname="Reply",
            line=10,
        ),
        EditExample(
            _LOG,
            _LOG.replace("datetime = datetime.now()", "datetime | None = None").replace(
                "    return", "    if at is None:\n        at = datetime.now()\n    return"
            ),
            qualname="log",
            line=4,
        ),
        EditExample(_REPLY.replace("@dataclass\n", ""), "", qualname="Reply", line=8),
        EditExample(_LOG.replace("datetime.now()", "datetime.fromtimestamp(0)"), "", qualname="log", line=4),
        EditExample(_LOG.replace("datetime.now()", "datetime.now(ZONE)"), "", qualname="log", line=4),
        EditExample("import time\n\n\ndef at(now=time.time()): return now\n", "", qualname="at", line=4),
    )
    guards = (
        GuardExample(
            "import uuid\n\n\ndef name(prefix, id=uuid.uuid4()):\n    return f'{prefix}-{id}'\n",
            passes=("name('run', 7) == 'run-7'", "name('run', 0) == 'run-0'"),
            stops=("name('run') != name('run')",),
            qualname="name",
            line=4,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Renew every such default at the anchor."""
        changes: dict[cst.CSTNode, Change] = {}
        imports: list[str] = []
        for call in file.find(anchor, cst.Call, lambda one: _is_of_interest(file, one)):
            holder = _holder(file, call) if file.dotted(call.func) in _CHANGES else None
            if isinstance(holder, cst.AnnAssign) and holder.value is not None and holder.value not in changes:
                factory, imports = _factory(file, holder)
                changes[holder.value] = becomes(factory)
            elif isinstance(holder, cst.Param) and holder not in changes:
                function = file.function(holder)
                assert function is not None
                first, body = _worked_out(file, function, holder)
                changes[holder] = _without_default(file, holder)
                earlier = changes.get(first)
                made = file.statements(body)
                changes[first] = before(made) if earlier is None else _both(earlier, made)
        if not changes:
            raise Refusal(f"{anchor.place} gives no dataclass field or parameter a default that changes with time")
        return file.rewrite(changes, imports=imports)


def _is_of_interest(file: PythonFile, call: cst.Call) -> bool:
    """Whether a call is one that changes with time, or says how a field is made and so stands for one that did."""
    return file.dotted(call.func) in _CHANGES or argument(call, "default_factory") is not None


def _holder(file: PythonFile, call: cst.Call) -> cst.AnnAssign | cst.Param | None:
    """The field or parameter whose default a call is part of."""
    child: cst.CSTNode = call
    for above in file.parents(call):
        if isinstance(above, cst.Param):
            owner = next(one for one in file.parents(above) if isinstance(one, (cst.FunctionDef, cst.Lambda)))
            return above if above.default is child and isinstance(owner, cst.FunctionDef) else None
        if isinstance(above, cst.AnnAssign):
            around = next((one for one in file.parents(above) if isinstance(one, cst.BaseCompoundStatement)), None)
            return above if above.value is child and isinstance(around, cst.ClassDef) else None
        if isinstance(above, (cst.Lambda, cst.BaseComp, cst.BaseSmallStatement, cst.BaseCompoundStatement)):
            return None
        child = above
    return None


def _check_names(file: PythonFile, value: cst.BaseExpression) -> None:
    """Raise `Refusal` unless a value means the same wherever it is worked out."""
    unsure = names_in(file, value) - set(file.imported) - set(dir(builtins))
    rebound = [name for name in names_in(file, value) & set(dir(builtins)) if is_rebound(file, name)]
    if unsure or rebound or "#" in file.code(value):
        found = ", ".join(sorted({*unsure, *rebound})) or "a comment"
        raise Refusal(
            f"{file.path}:{file.line(value)} works the default out from {found}, which may not be at hand later"
        )


def _factory(file: PythonFile, field: cst.AnnAssign) -> tuple[cst.BaseExpression, list[str]]:
    owner = file.klass(field)
    assert owner is not None
    assert field.value is not None
    marks = [one.decorator.func if isinstance(one.decorator, cst.Call) else one.decorator for one in owner.decorators]
    if "dataclasses.dataclass" not in [file.dotted(mark) for mark in marks]:
        raise Refusal(f"{file.path}:{file.line(field)} is no field of a dataclass")
    value = field.value
    if isinstance(value, cst.Call) and file.dotted(value.func).rsplit(".", 1)[-1].lower() == "field":
        raise Refusal(
            f"{file.path}:{file.line(field)} already says with `{file.code(value.func)}` how the default is made"
        )
    _check_names(file, value)
    bare = isinstance(value, cst.Call) and not value.args
    made = file.code(value.func) if isinstance(value, cst.Call) and bare else f"lambda: {file.code(value)}"
    how, imports = "field", ["dataclasses:field"]
    if file.imported.get("dataclasses") == "dataclasses":
        how, imports = "dataclasses.field", []
    elif file.imported.get("field") != "dataclasses.field" and ("field" in file.imported or is_rebound(file, "field")):
        raise Refusal(f"{file.path} gives `field` a meaning of its own")
    return file.expression(f"{how}(default_factory={made})"), imports


def _worked_out(file: PythonFile, function: cst.FunctionDef, param: cst.Param) -> tuple[cst.CSTNode, str]:
    """The first statement of the body, and what shall stand before it."""
    assert param.default is not None
    place = f"{file.path}:{file.line(function)}"
    if not isinstance(function.body, cst.IndentedBlock) or len(function.body.body) <= after_docstring(function):
        raise Refusal(f"{place} has no body of its own lines")
    _check_names(file, param.default)
    own = {one.name.value for one in file.within(function.params, cst.Param)}
    own |= {one.target.value for one in file.within(function, cst.AssignTarget) if isinstance(one.target, cst.Name)}
    if names_in(file, param.default) & own:
        raise Refusal(f"{place} uses a name of the default for something else")
    name = param.name.value
    value = file.code(param.default)
    return function.body.body[after_docstring(function)], f"if {name} is None:\n    {name} = {value}\n"


def _without_default(file: PythonFile, param: cst.Param) -> Change:
    noted = param.annotation
    if noted is not None:
        if not isinstance(noted.annotation, (cst.Name, cst.Attribute, cst.Subscript, cst.BinaryOperation)):
            raise Refusal(f"{file.path}:{file.line(param)} has an annotation that None cannot be added to")
        source = file.code(noted.annotation)
        if "None" not in source and "Optional" not in source and source.rsplit(".", 1)[-1] != "Any":
            noted = noted.with_changes(annotation=file.expression(f"{source} | None"))
    return lambda old: old.with_changes(default=cst.Name("None"), annotation=noted)


def _both(earlier: Change, made: list[cst.BaseStatement]) -> Change:
    """Another statement behind those that stand before a node already."""

    def change(node: cst.BaseStatement) -> cst.FlattenSentinel[cst.BaseStatement]:
        *lines, last = earlier(node)
        return cst.FlattenSentinel([*lines, *made, last])

    return change
