"""read-back: what a class writes down of itself is handed to what makes it again."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.calls import add_keyword, has_unpacked
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import constant_text

from .base import EditExample, Refusal

_AGENT = """\
class Agent:
    def __init__(self, model, tools, max_steps, prompts=None, tone="calm"):
        self.model = model

    def to_dict(self):
        kept = {"model": self.model, "tools": self.tools, "max_steps": self.max_steps}
        return kept | {"prompts": self.prompts, "tone": self.tone}

    @classmethod
    def from_dict(cls, saved):
        # older files have no prompts
        return cls(saved["model"], saved["tools"], max_steps=saved["max_steps"])
"""
_STEP = """\
@dataclass
class Step:
    number: int
    text: str
    model: str
    cost: float = 0.0

    def to_dict(self):
        return {"number": self.number, "text": self.text, "model": self.model, "cost": self.cost}

    @classmethod
    def from_dict(cls, data):
        return cls(
            number=data["number"],
            text=data["text"],
            model=data["model"],
        )
"""


class ReadBack(PythonOperator):
    """Hands on the keys that were written and are read nowhere: `prompts=saved.get("prompts")`.

    What was saved before the key was written has none: then the parameter's own default is meant, so a parameter
    without a default is read as `saved["key"]`.

    Anchor: the method that reads, or a line of it. No parameters.
    """

    name = "read-back"
    summary = "Hand every key that is written to what makes the object again."
    fix_safety = (
        "The object that is read back now has the saved value: look whether it was written in the form that the "
        "constructor takes (`to_dict` may have made a text or a dict of it), and whether leaving it out was meant."
    )
    examples = (
        EditExample(
            _AGENT,
            _AGENT.replace(
                'max_steps=saved["max_steps"])',
                'max_steps=saved["max_steps"], prompts=saved.get("prompts", None), tone=saved.get("tone", "calm"))',
            ),
            qualname="Agent.from_dict",
            line=10,
        ),
        EditExample(
            _STEP,
            _STEP.replace('model=data["model"],\n', 'model=data["model"],\n            cost=data.get("cost", 0.0),\n'),
            qualname="Step.from_dict",
            line=12,
        ),
        EditExample(_AGENT.replace("prompts=None", "prompts=made()"), "", qualname="Agent.from_dict", line=10),
        EditExample(_AGENT.replace("return cls(", "return make("), "", qualname="Agent.from_dict", line=10),
        EditExample(_AGENT.replace("max_steps=saved", "**saved, max_steps=saved"), "", qualname="Agent.from_dict"),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Add the missing keywords to the call that makes the object."""
        reader = file.definition(anchor.qualname, anchor.start_line)
        owner = file.klass(reader)
        if not isinstance(reader, cst.FunctionDef) or owner is None:
            raise Refusal(f"{anchor.place} is in no method")
        makes = [c for c in file.within(reader, cst.Call) if file.code(c.func) in ("cls", owner.name.value)]
        if len(makes) != 1 or has_unpacked(makes[0]) or any(arg.star for arg in makes[0].args):
            raise Refusal(f"{anchor.place} makes the object in no single call with arguments that can be told")
        call, source = makes[0], _source(file, makes[0])
        read = {text for node in file.within(reader, cst.SimpleString) if (text := constant_text(node))}
        taken = _taken(file, owner)
        given = {arg.keyword.value for arg in call.args if arg.keyword is not None} | {*taken} - {
            *[*taken][sum(arg.keyword is None for arg in call.args) :]
        }
        made: cst.BaseExpression = call
        for name, default in taken.items():
            if name in _written(file, owner, reader) - read and name not in given:
                value = f'{source}["{name}"]' if default is None else f'{source}.get("{name}", {_plain(file, default)})'
                assert isinstance(made, cst.Call)
                made = add_keyword(name, file.expression(value))(made)
        if made is call:
            raise Refusal(f"{anchor.place} reads all that is written, as far as can be read")
        return file.rewrite({call: lambda _: made})


def _source(file: PythonFile, call: cst.Call) -> str:
    """The mapping that the other arguments are read from."""
    found = []
    for arg in call.args:
        value = arg.value
        if isinstance(value, cst.Subscript):
            found.append(file.code(value.value))
        elif isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute) and value.func.attr.value == "get":
            found.append(file.code(value.func.value))
    if len(set(found)) != 1 or not found[0].isidentifier():
        raise Refusal(f"{file.path}:{file.line(call)} takes its arguments from no single mapping")
    return found[0]


def _taken(file: PythonFile, owner: cst.ClassDef) -> dict[str, cst.BaseExpression | None]:
    """What the constructor takes, in order, each with its default."""
    for line in owner.body.body:
        if isinstance(line, cst.FunctionDef) and line.name.value == "__init__":
            return {one.name.value: one.default for one in [*line.params.params[1:], *line.params.kwonly_params]}
    fields: dict[str, cst.BaseExpression | None] = {}
    for line in owner.body.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.AnnAssign) and isinstance(part.target, cst.Name):
                fields[part.target.value] = part.value
    return fields


def _written(file: PythonFile, owner: cst.ClassDef, reader: cst.FunctionDef) -> set[str]:
    """Texts that are keys in the other methods of the class, where the value is the attribute of that name."""
    found = set()
    for element in file.within(owner, cst.DictElement):
        key = constant_text(element.key)
        if key and file.function(element) is not reader and f"self.{key}" in file.code(element.value):
            found.add(key)
    return found


def _plain(file: PythonFile, default: cst.BaseExpression) -> str:
    """The source of a default that means the same wherever it stands."""
    numbers = (cst.Integer, cst.Float, cst.SimpleString)
    if isinstance(default, numbers) or (isinstance(default, cst.Name) and default.value in ("None", "True", "False")):
        return file.code(default)
    raise Refusal(f"the default {file.code(default)[:40]!r} of a key that is not read back cannot be written twice")
