"""isolate-run: what one run gathers does not reach the next."""

from collections.abc import Mapping

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after_docstring
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain

from .base import EditExample, Refusal

_MUTABLE = (cst.List, cst.Dict, cst.Set)
_FACTORIES = {"list", "dict", "set", "collections.defaultdict", "collections.deque", "collections.OrderedDict"}

_CLASS = '''\
class Agent:
    """Asks until it has an answer."""

    # what was said
    messages = []
    name = "agent"

    def __init__(self, model):
        """Takes a model."""
        self.model = model
'''
_DEFAULT = """\
def run(model, task, messages: list[dict] = [], *, limit=5):
    messages.append(task)
    return model.query(messages)
"""


class IsolateRun(PythonOperator):
    """Makes a list, dict or set that all runs share one of each run's own.

    A class attribute is set in `__init__` instead; a mutable default of a parameter becomes None, and is made in the
    function. Dataclasses and pydantic models, which copy their defaults or refuse them, are refused, as is a class
    without `__init__` that has bases.

    Anchor: the class or its attribute, or the function with the default.

    Parameters:
        attribute: name of the attribute or parameter; by default every one at the anchor.
    """

    name = "isolate-run"
    summary = "Give each run its own list, dict or set."
    changes_signatures = True
    fix_safety = (
        "State that was shared is no longer: code that used it to pass something from one instance to another, such "
        "as a cache or a registry, stops working. Look whether anything reads the attribute through the class."
    )
    examples = (
        EditExample(
            _CLASS,
            _CLASS.replace("    # what was said\n    messages = []\n", "").replace(
                '        """Takes a model."""\n',
                '        """Takes a model."""\n        # what was said\n        self.messages = []\n',
            ),
            qualname="Agent",
            line=1,
            end_line=10,
            parameters={"attribute": "messages"},
        ),
        EditExample(
            _CLASS.partition("\n    def")[0],
            _CLASS.partition("\n    def")[0].replace("    # what was said\n    messages = []\n", "")
            + "\n    def __init__(self):\n        # what was said\n        self.messages = []\n",
            qualname="Agent",
            line=5,
        ),
        EditExample(
            _DEFAULT,
            _DEFAULT.replace("list[dict] = []", "list[dict] | None = None").replace(
                "    messages.append", "    if messages is None:\n        messages = []\n    messages.append"
            ),
            qualname="run",
            line=1,
            end_line=3,
        ),
        EditExample("@dataclass\n" + _CLASS, "", qualname="Agent", line=2, end_line=11),
        EditExample("class Agent(Base):\n    messages = []\n", "", qualname="Agent", line=1, end_line=2),
        EditExample(_CLASS, "", qualname="Agent", line=1, end_line=10, parameters={"attribute": "name"}),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> list[str]:
        """The class's `__init__`, and the attribute that moves there."""
        outer, _, last = anchor.qualname.rpartition(".")
        owners = {anchor.qualname, outer} - {""}
        names = {last, "__init__"} | {name for name in [parameters.get("attribute")] if isinstance(name, str)}
        return [f"{anchor.path}:{owner}.{name}" for owner in sorted(owners) for name in sorted(names)]

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Isolate the shared state at the anchor."""
        wanted = parameters.text(spec, "attribute")
        scope = file.definition(anchor.qualname, anchor.start_line)
        klass = scope if isinstance(scope, cst.ClassDef) else None
        if klass is None and not isinstance(scope, cst.FunctionDef):
            klass = file.klass(scope)
        if klass is not None:
            return _instance(file, klass, _shared(file, klass, wanted))
        if isinstance(scope, cst.FunctionDef):
            return _defaults(file, scope, wanted)
        raise Refusal(f"{anchor.place} is neither a class nor a function")


def _is_mutable(file: PythonFile, node: cst.BaseExpression | None) -> bool:
    return isinstance(node, _MUTABLE) or (isinstance(node, cst.Call) and file.dotted(node.func) in _FACTORIES)


def _shared(
    file: PythonFile, klass: cst.ClassDef, wanted: str
) -> list[tuple[str, cst.SimpleStatementLine, cst.BaseExpression]]:
    """Name, line and value of the class's mutable attributes."""
    found = []
    for line in klass.body.body:
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        small = line.body[0]
        if isinstance(small, cst.Assign) and len(small.targets) == 1:
            target, value = small.targets[0].target, small.value
        elif isinstance(small, cst.AnnAssign) and small.value is not None:
            target, value = small.target, small.value
        else:
            continue
        name = file.code(target)
        if "ClassVar" not in file.code(line) and _is_mutable(file, value) and name in (wanted or name,):
            found.append((name, line, value))
    return found


def _instance(
    file: PythonFile, klass: cst.ClassDef, shared: list[tuple[str, cst.SimpleStatementLine, cst.BaseExpression]]
) -> str:
    place = f"{file.path}:{file.line(klass)}"
    bases = [file.code(base.value) for base in klass.bases if base.keyword is None]
    if any("dataclass" in file.code(d) or "define" in file.code(d) for d in klass.decorators) or any(
        base.rsplit(".", 1)[-1] in ("BaseModel", "TypedDict", "NamedTuple", "Protocol") for base in bases
    ):
        raise Refusal(f"{place} is a class whose attributes are declarations")
    makers = [n for n in klass.body.body if isinstance(n, cst.FunctionDef) and n.name.value == "__init__"]
    if not shared:
        if makers and "self." in file.code(makers[0]):
            return _nothing_left(file, klass, place)
        raise Refusal(f"{place} has no list, dict or set that its instances share")
    used = [
        node.attr.value for node in file.within(file.module, cst.Attribute) if file.code(node.value) == klass.name.value
    ]
    if any(name in used for name, _, _ in shared):
        raise Refusal(f"{place}: {klass.name.value}.{shared[0][0]} is read through the class")
    lines = []
    for name, line, value in shared:
        (made,) = file.statements(f"self.{name} = {file.code(value)}\n")
        comments = [each for each in line.leading_lines if each.comment is not None]
        lines.append(made.with_changes(leading_lines=comments, trailing_whitespace=line.trailing_whitespace))
    changes: dict[cst.CSTNode, Change] = {line: lambda _: cst.RemoveFromParent() for _, line, _ in shared}
    body = list(klass.body.body)
    for _, line, _ in shared:
        follower = next((node for node in body[body.index(line) + 1 :] if node not in changes), None)
        blank = [each for each in line.leading_lines if each.comment is None]
        if follower is not None and blank and not getattr(follower, "leading_lines", ()):
            changes[follower] = lambda node, blank=blank: node.with_changes(leading_lines=blank)  # type: ignore[misc]
    if makers:
        if not isinstance(makers[0].body, cst.IndentedBlock):
            raise Refusal(f"{place} has its __init__ on one line")
        at = after_docstring(makers[0])
        changes[makers[0].body] = lambda body: body.with_changes(body=[*body.body[:at], *lines, *body.body[at:]])
        return file.rewrite(changes)
    if bases:
        raise Refusal(f"{place} has no __init__, and bases whose own is not seen here")
    (maker,) = file.statements("def __init__(self):\n    pass\n")
    gap = [cst.EmptyLine(indent=False)] if len(body) > len(shared) else []
    maker = maker.with_changes(body=maker.body.with_changes(body=lines), leading_lines=gap)

    def with_maker(body: cst.IndentedBlock) -> cst.IndentedBlock:
        kept = list(body.body)
        place_of = next((n for n, node in enumerate(kept) if isinstance(node, cst.FunctionDef)), len(kept))
        return body.with_changes(body=[*kept[:place_of], maker, *kept[place_of:]])

    changes[klass.body] = with_maker
    return file.rewrite(changes)


def _nothing_left(file: PythonFile, klass: cst.ClassDef, place: str) -> str:
    made = [n for n in file.within(klass, cst.Assign) if file.code(n.targets[0].target).startswith("self.")]
    if any(_is_mutable(file, node.value) for node in made):
        return file.text
    raise Refusal(f"{place} has no list, dict or set that its instances share")


def _defaults(file: PythonFile, function: cst.FunctionDef, wanted: str) -> str:
    place = f"{file.path}:{file.line(function)}"
    given = (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params)
    shared = [p for p in given if _is_mutable(file, p.default) and p.name.value in (wanted or p.name.value,)]
    if not isinstance(function.body, cst.IndentedBlock):
        raise Refusal(f"{place} has its body on one line")
    if not shared:
        if any(f"if {p.name.value} is None:" in file.code(function) for p in given):
            return file.text
        raise Refusal(f"{place} has no list, dict or set as a default")
    changes: dict[cst.CSTNode, Change] = {}
    lines = []
    for param in shared:
        assert param.default is not None
        name, value = param.name.value, file.code(param.default)
        lines += file.statements(f"if {name} is None:\n    {name} = {value}\n")
        changes[param.default] = lambda _: cst.Name("None")
        if param.annotation is not None and "None" not in file.code(param.annotation.annotation):
            changes[param.annotation.annotation] = _optional(file)
    at = after_docstring(function)
    inner: Change = lambda body: body.with_changes(body=[*body.body[:at], *lines, *body.body[at:]])  # noqa: E731
    changes[function.body] = chain(inner)
    return file.rewrite(changes)


def _optional(file: PythonFile) -> Change:
    def change(node: cst.BaseExpression) -> cst.BaseExpression:
        if isinstance(node, cst.SimpleString):
            return node.with_changes(value=f"{node.value[:-1]} | None{node.value[-1]}")
        return file.expression(f"{file.code(node)} | None")

    return change
