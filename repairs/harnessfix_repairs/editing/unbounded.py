"""Finding, in Python code, the expression through which a text enters the prompt whole, and bounding it."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.operators.base import Refusal

from .python import Change, PythonFile
from .reporting import constant_text, is_textual, message_calls
from .shortening import HEAD_AND_TAIL, Shortener, is_observation_name, is_text, shown

Changes = dict[cst.CSTNode, Change]


def bound_in_code(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> str:
    """The text of the file with what is unbounded at the anchor bounded.

    Args:
        file: the file.
        anchor: the place.
        wanted: source of the expression or name of the placeholder; empty to look for one.
        spec: for its scope.
        shortener: how to bound.
    """
    ways = [_head_only, _called_cutter, _format_value, _named, _f_string, _message, _returned]
    for way in ways:
        found = way(file, anchor, wanted, spec, shortener)
        if found is not None:
            return file.rewrite(found, helpers=shortener.helpers)
    if any(shortener.is_bounded(call) for call in file.find(anchor, cst.Call)):
        return file.text
    raise Refusal(f"{anchor.place} puts nothing into a message that is known to be a text and is not cut")


def _head_only(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> Changes | None:
    def is_head(node: cst.Subscript) -> bool:
        cut = node.slice[0].slice if len(node.slice) == 1 else None
        if not isinstance(cut, cst.Slice) or cut.lower is not None or cut.step is not None or cut.upper is None:
            return False
        known = file.code(node.value) == spec.parameters.get("of") or is_text(file, node.value)
        return known and not isinstance(cut.upper, cst.UnaryOperation)

    if anchor.end_line - anchor.start_line > 3 and spec.parameters.get("unit") != "characters":
        return None
    changes: Changes = {}
    for node in file.find(anchor, cst.Subscript, is_head):
        if wanted and file.code(node.value) != wanted:
            continue
        if _joined_with_tail(file, node):
            continue
        cut = node.slice[0].slice
        assert isinstance(cut, cst.Slice)
        assert cut.upper is not None
        limit, inner = file.code(cut.upper), file.code(node.value)
        changes[node] = shortener.wrap(node, limit=limit, inner=inner)
    added = file.find(anchor, cst.Call, lambda call: file.code(call.func) == HEAD_AND_TAIL.name)
    return changes or ({} if added else None)


def _called_cutter(
    file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener
) -> Changes | None:
    """The slice in a function of the file through which a message at the anchor is cut to its head."""
    changes: Changes = {}
    for function in head_cutters(file, anchor):
        start, end = file.lines(function)
        for line in range(start, end + 1):
            place = anchor.model_copy(
                update={"qualname": file.qualname(function), "start_line": line, "end_line": line}
            )
            changes.update(_head_only(file, place, "", spec, shortener) or {})
    return changes or None


def head_cutters(file: PythonFile, anchor: Anchor) -> list[cst.FunctionDef]:
    """Functions of the file that the content of a message at the anchor goes through and that keep its head only."""
    calls = set(file.find(anchor, cst.Call))
    names = {
        file.code(content.func).rsplit(".", 1)[-1]
        for call, content, _ in message_calls(file, file.module)
        if call in calls and isinstance(content, cst.Call)
    }
    found = [node for node in file.within(file.module, cst.FunctionDef) if node.name.value in names]
    return [node for node in found if len(_cuts(file, node)) == 1]


def _cuts(file: PythonFile, function: cst.FunctionDef) -> list[cst.Subscript]:
    cuts = [
        node
        for node in file.within(function.body, cst.Subscript)
        if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Slice)
    ]
    return cuts if all(isinstance(c.slice[0].slice, cst.Slice) and c.slice[0].slice.lower is None for c in cuts) else []


def _joined_with_tail(file: PythonFile, node: cst.Subscript) -> bool:
    """Whether the same statement also keeps the tail of the text."""
    pattern = re.escape(file.code(node.value)) + r"\[[^\]:]+:\s*\]"
    return re.search(pattern, file.code(file.statement(node))) is not None


def _format_value(
    file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener
) -> Changes | None:
    """Values that `.format` puts into the template at the anchor, or at a `.format` call at the anchor."""
    names = _template_names(file, anchor)
    calls = [
        call
        for call in file.within(file.module, cst.Call)
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "format" and not _has_star(call)
    ]
    here = set(file.find(anchor, cst.Call))
    chosen = [c for c in calls if c in here or file.code(c.func)[: -len(".format")].rsplit(".", 1)[-1] in names]
    scoped = [c for c in chosen if f"{file.path}:{file.qualname(c)}" in spec.allowed.symbols]
    changes: Changes = {}
    seen = False
    for call in scoped or chosen:
        for arg in call.args:
            name = arg.keyword.value if arg.keyword else ""
            fits = wanted in (name, file.code(arg.value)) if wanted else is_observation_name(name)
            if wanted and not name and len(call.args) == 1:
                fits = True
            seen = seen or fits
            if fits and not shortener.is_bounded(arg.value) and constant_text(arg.value) is None:
                changes[arg.value] = shortener.wrap(arg.value)
    return changes if seen else None


def _template_names(file: PythonFile, anchor: Anchor) -> set[str]:
    names: set[str] = set()
    for node in (*file.find(anchor, cst.SimpleString), *file.find(anchor, cst.ConcatenatedString)):
        for above in file.parents(node):
            if isinstance(above, cst.Assign):
                names.update(t.target.value for t in above.targets if isinstance(t.target, cst.Name))
            elif isinstance(above, cst.AnnAssign) and isinstance(above.target, cst.Name):
                names.add(above.target.value)
    return names


def _has_star(call: cst.Call) -> bool:
    return any(arg.star for arg in call.args)


def _named(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> Changes | None:
    """The named expression, wherever at the anchor its value goes on as text."""
    if not wanted:
        return None

    def fits(node: cst.BaseExpression) -> bool:
        return file.code(node).strip() == wanted and shown(file, node)

    changes: Changes = {}
    found = file.find(anchor, cst.BaseExpression, fits)
    for node in found:
        if any(isinstance(a, cst.BaseExpression) and shortener.is_bounded(a) for a in file.parents(node)):
            continue
        piece = next(file.parents(node))
        if isinstance(piece, cst.FormattedStringExpression):
            changes.update(_piece(file, piece, shortener))
        else:
            changes[node] = shortener.wrap(node)
    return changes if found else None


def _piece(file: PythonFile, piece: cst.FormattedStringExpression, shortener: Shortener) -> Changes:
    """One `{…}` of an f-string, its conversion done before it is bounded."""
    if piece.format_spec is not None or piece.equal is not None:
        raise Refusal(f"{file.path}:{file.line(piece)} formats the value in a way of its own")
    source = file.code(piece.expression)
    call = {"r": "repr", "a": "ascii", "s": "str", None: "str"}.get(piece.conversion, "str")
    inner = source if piece.conversion is None and is_textual(file, piece.expression) else f"{call}({source})"
    wrapped = shortener.wrap(piece.expression, inner=inner)
    quotes = {'"', "'"} & set(source)
    if quotes & set(_quote_around(file, piece)):
        raise Refusal(f"{file.path}:{file.line(piece)} nests quotes of one sort")
    return {piece: lambda node: node.with_changes(expression=wrapped(node.expression), conversion=None)}


def _quote_around(file: PythonFile, piece: cst.CSTNode) -> str:
    above = next(file.parents(piece))
    return above.end if isinstance(above, cst.FormattedString) else ""


def _f_string(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> Changes | None:
    if wanted:
        return None

    def fits(node: cst.FormattedStringExpression) -> bool:
        above = list(file.parents(node))
        spoken = any(isinstance(a, cst.Raise) or (isinstance(a, cst.Call) and _is_log(file, a)) for a in above)
        return is_observation_name(file.code(node.expression)) and shown(file, node) and not spoken

    found = file.find(anchor, cst.FormattedStringExpression, fits)
    changes: Changes = {}
    for node in found:
        if not shortener.is_bounded(node.expression):
            changes.update(_piece(file, node, shortener))
    return changes if found else None


def _is_log(file: PythonFile, call: cst.Call) -> bool:
    """Whether a call writes for people and not for a model."""
    name = file.code(call.func)
    return re.search(r"(?i)(^|\.)(log|logger|logging|console|warnings|parser|sys\.std\w+)\.|^print$", name) is not None


def _message(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> Changes | None:
    calls = set(file.find(anchor, cst.Call))
    changes: Changes = {}
    seen = False
    for call, content, role in message_calls(file, file.module):
        if call not in calls or role in ("assistant", "system") or constant_text(content) is not None:
            continue
        if isinstance(content, (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.BinaryOperation)):
            seen = True
            if not shortener.is_bounded(content):
                changes[content] = shortener.wrap(content)
    return changes if seen else None


def _returned(file: PythonFile, anchor: Anchor, wanted: str, spec: RepairSpec, shortener: Shortener) -> Changes | None:
    changes: Changes = {}
    seen = False
    for node in file.find(anchor, cst.Return):
        value = node.value
        if value is None or constant_text(value) is not None or not is_text(file, value):
            continue
        if isinstance(value, cst.FormattedString):
            continue  # what it shows has been looked at
        seen = True
        if not shortener.is_bounded(value):
            changes[value] = shortener.wrap(value)
    return changes if seen else None
