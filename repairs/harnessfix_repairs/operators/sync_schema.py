"""sync-schema: what the model is told of a tool is what the code takes."""

from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters as given
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, python_file

from .base import EditExample, Refusal

_TOOLS = """\
def search(text):
    return text


TOOLS = {"search": search}
SCHEMAS = [
    {"name": "search", "parameters": {"properties": {"query": {"type": "string"}}, "required": ["query"]}},
    {"name": "delete", "parameters": {"properties": {}}},
]
"""
_LINE = '    {"name": "delete", "parameters": {"properties": {}}},\n'


class SyncSchema(PythonOperator):
    """Makes a schema that is written out agree with the function.

    A schema of a tool by whose name no function of the file goes is taken out of its list. A property that the function
    does not take is renamed to the one parameter that the schema does not mention; with several of either it cannot be
    known which is which, and nothing is changed.

    Anchor: the list of schemas, or the function of the tool.

    Parameters:
        name: the tool that is offered and missing.
        unknown, undeclared: one property that the function does not take, and one parameter that the schema lacks.
    """

    name = "sync-schema"
    summary = "Describe tools as their functions are."
    fix_safety = (
        "The model is told something else from now on: look whether the function was meant to follow the schema "
        "instead, and whether prompts or examples speak of the old name. A tool that is no longer offered may be one "
        "that somebody was about to write."
    )
    examples = (
        EditExample(_TOOLS, _TOOLS.replace(_LINE, ""), qualname="SCHEMAS", line=6, parameters={"name": "delete"}),
        EditExample(
            _TOOLS,
            _TOOLS.replace('"query"', '"text"'),
            qualname="search",
            line=1,
            parameters={"unknown": ["query"], "undeclared": ["text"]},
        ),
        # Which is which?
        EditExample(
            _TOOLS.replace("search(text)", "search(text, limit)"),
            "",
            qualname="search",
            line=1,
            parameters={"unknown": ["query"], "undeclared": ["text", "limit"]},
        ),
        # There is a function of that name, so it was forgotten elsewhere.
        EditExample(
            _TOOLS + "\n\ndef delete():\n    pass\n", "", qualname="SCHEMAS", line=6, parameters={"name": "delete"}
        ),
        EditExample(
            _TOOLS.replace(_LINE, _LINE.replace("\n", "  # soon\n")),
            "",
            qualname="SCHEMAS",
            line=6,
            parameters={"name": "delete"},
        ),
        EditExample("def search(text):\n    return text\n", "", qualname="search", line=1),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> Sequence[str]:
        """The assignments that hold schemas of the function at the anchor."""
        if anchor.path not in files or not anchor.path.endswith(".py"):
            return ()
        file = python_file(anchor.path, files[anchor.path])
        owners = [_owner(file, schema) for schema in _schemas(file, anchor.qualname.rpartition(".")[2])]
        return [f"{anchor.path}:{owner}" for owner in dict.fromkeys(owners) if owner]

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Take out the schema that is named, or rename its property."""
        missing = given.text(spec, "name")
        if missing:
            return _without(file, missing)
        unknown, undeclared = (_only(spec, one) for one in ("unknown", "undeclared"))
        if not unknown or not undeclared:
            raise Refusal(f"{anchor.place}: it cannot be known which property stands for which parameter")
        return _renamed(file, anchor, unknown, undeclared)


def _only(spec: RepairSpec, name: str) -> str:
    found = spec.parameters.get(name)
    return str(found[0]) if isinstance(found, (list, tuple)) and len(found) == 1 else ""


def _renamed(file: PythonFile, anchor: Anchor, old: str, new: str) -> str:
    tool = anchor.qualname.rpartition(".")[2]
    schemas = list(_schemas(file, tool))
    if len(schemas) != 1:
        raise Refusal(f"{file.path} holds {len(schemas)} schemas that are written out for {tool}")
    keys = [
        key
        for properties in _values(file, schemas[0], "properties")
        if isinstance(properties, cst.Dict)
        for key in (one.key for one in properties.elements if isinstance(one, cst.DictElement))
        if _said(key) == old
    ]
    required = [
        one.value
        for names in _values(file, schemas[0], "required")
        if isinstance(names, (cst.List, cst.Tuple))
        for one in names.elements
        if _said(one.value) == old
    ]
    if len(keys) != 1:
        raise Refusal(f"{file.path} holds no schema of {tool} with one property {old!r}")
    changes: dict[cst.CSTNode, Change] = {}
    for node in (*keys, *required):
        assert isinstance(node, cst.SimpleString)
        changes[node] = lambda text: text.with_changes(value=f"{text.prefix}{text.quote}{new}{text.quote}")
    return file.rewrite(changes)


def _without(file: PythonFile, tool: str) -> str:
    functions = {one.name.value for one in file.within(file.module, cst.FunctionDef)}
    if tool in functions | {one.name.value for one in file.within(file.module, cst.ClassDef)}:
        raise Refusal(f"{file.path} has a {tool}, so it is not the schema that is wrong")
    found = list(_schemas(file, tool))
    places = [(schema, *_place(file, schema)) for schema in found]
    if len(places) != 1 or len(places[0][1].elements) < 2:
        raise Refusal(f"{file.path} holds no list of several schemas with one of {tool}")
    schema, whole, at = places[0]
    if _commented(file, whole, at):
        raise Refusal(f"{file.path}:{file.line(schema)} has a comment that would be lost")

    def change(node: cst.List | cst.Tuple) -> cst.List | cst.Tuple:
        kept = [*node.elements[:at], *node.elements[at + 1 :]]
        if at == len(kept):  # what stood before the last one now ends the list
            kept[-1] = kept[-1].with_changes(comma=node.elements[at].comma)
        return node.with_changes(elements=kept)

    return file.rewrite({whole: change})


def _commented(file: PythonFile, whole: cst.List | cst.Tuple, at: int) -> bool:
    """Whether a comment stands in an element, behind it, or on lines of its own above it."""
    near: list[cst.CSTNode] = [whole.elements[at]]
    if at == len(whole.elements) - 1 and isinstance(whole, cst.List):
        near.append(whole.rbracket)
    before = whole.elements[at - 1].comma if at else whole.lbracket if isinstance(whole, cst.List) else None
    if isinstance(before, cst.CSTNode):
        near += [line for gap in file.within(before, cst.ParenthesizedWhitespace) for line in gap.empty_lines]
    return any(file.within(node, cst.Comment) for node in near)


def _place(file: PythonFile, schema: cst.Dict) -> tuple[cst.List | cst.Tuple, int]:
    """The list that a schema is an element of, itself or as `{"type": "function", "function": …}`, and its number."""
    node: cst.CSTNode = schema
    for above in file.parents(schema):
        if isinstance(above, (cst.List, cst.Tuple)):
            return above, next(n for n, one in enumerate(above.elements) if one is node)
        if isinstance(above, cst.Dict) and not any(_said(one) == "function" for one in _keys(above)):
            break
        node = above
    raise Refusal(f"{file.path}:{file.line(schema)} is no element of a list")


def _schemas(file: PythonFile, tool: str) -> Iterator[cst.Dict]:
    """Schemas of a tool that are written out: a name, and parameters, beside each other."""
    for node in file.within(file.module, cst.Dict):
        keys = {_said(key) for key in _keys(node)}
        if "name" in keys and keys & {"parameters", "input_schema", "description"}:
            named = [
                one.value for one in node.elements if isinstance(one, cst.DictElement) and _said(one.key) == "name"
            ]
            if [_said(value) for value in named] == [tool]:
                yield node


def _keys(node: cst.Dict) -> list[cst.BaseExpression]:
    return [one.key for one in node.elements if isinstance(one, cst.DictElement)]


def _values(file: PythonFile, schema: cst.Dict, name: str) -> Iterator[cst.BaseExpression]:
    """What stands under a key of the schema's own object, not of a nested property."""
    for outer in ("parameters", "input_schema"):
        for one in schema.elements:
            if isinstance(one, cst.DictElement) and _said(one.key) == outer and isinstance(one.value, cst.Dict):
                for inner in one.value.elements:
                    if isinstance(inner, cst.DictElement) and _said(inner.key) == name:
                        yield inner.value


def _said(node: cst.CSTNode) -> str:
    return str(node.evaluated_value) if isinstance(node, cst.SimpleString) else ""


def _owner(file: PythonFile, node: cst.CSTNode) -> str:
    """Name of the module-level assignment around a node."""
    for above in file.parents(node):
        if isinstance(above, cst.Assign) and len(above.targets) == 1 and not file.qualname(above):
            return file.code(above.targets[0].target)
        if isinstance(above, cst.AnnAssign) and not file.qualname(above):
            return file.code(above.target)
    return ""
