"""Two records of counts are added up, and a count that their class or the empty record has is not."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of

from .base import hazard

_ADDS = re.compile(r"^(__i?add__|_?(add|incr|increment|merge|accumulate|combine|update)(_\w+)?)$")
_NUMBERS = frozenset(("int", "float", "Decimal"))
MOST = 20  # counts in one record
FEWEST = 2  # counts that are added before one that is not stands out


class SumLeavesOut(Role):
    """`self.input += other.input`, or `total["input"] += usage["input"]`, for some counts and not for all of them."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        yield from self._of_mappings(file)
        for method in file.functions:
            other = method.params[1] if len(method.params) > 1 else ""
            if method.owner is None or not _ADDS.match(method.name) or _handed_on(method, {"self", other}):
                continue
            fields = _numbers(method.owner)
            sums = {name: node for node in _sums(method) for name in _added(node, other)}
            summed = [name for name in fields if name in sums]
            left = [name for name in fields if name not in _stored(method)]
            if len(summed) >= FEWEST and len(left) == 1:
                last = sums[summed[-1]]
                yield (
                    hazard("sum-leaves-out", method, last)
                    .add("field", left[0])
                    .add("sums", [*summed])
                    .add("beside", summed[-1])
                )

    def _of_mappings(self, file: FileContext) -> Iterator[Draft]:
        empty = {keys for _, node in file.all(ast.Dict) if FEWEST < len(keys := _counts(node)) <= MOST}
        lacking = {keys - {key}: key for keys in sorted(empty, key=sorted) for key in sorted(keys)}
        stored = (
            {_item(node)[1] for _, node in file.all(ast.Subscript) if isinstance(node.ctx, ast.Store)} if empty else ()
        )
        for scope in file.functions if empty else ():
            summed = _summed(scope)
            used = _used(scope) if summed else frozenset()
            for total, sums in summed.items():
                left = lacking.get(frozenset(sums))
                if left is None or left in stored or total in used:
                    continue
                *_, (beside, line) = sums.items()
                draft = hazard("sum-leaves-out", scope, line).add("field", left).add("sums", [*sums])
                yield draft.add("beside", beside)


def _counts(node: ast.Dict) -> frozenset[str]:
    """Keys of a mapping all of whose values are nothing; none of any other."""
    zero = all(isinstance(value, ast.Constant) and type(value.value) in (int, float) for value in node.values)
    if not zero or any(value.value for value in node.values if isinstance(value, ast.Constant)):
        return frozenset()
    keys = [name for key in node.keys if (name := text_of(key)) is not None and name.isidentifier()]
    return frozenset(keys) if len(keys) == len(node.keys) else frozenset()


def _summed(scope: Scope) -> dict[str, dict[str, ast.AugAssign]]:
    """Mappings with the keys that a function adds something of the same name to, in order."""
    found: dict[str, dict[str, ast.AugAssign]] = {}
    for node in scope.of(ast.AugAssign):
        total, key = _item(node.target)
        if key and isinstance(node.op, ast.Add) and any(_says(part, key) for part in walk(node.value)):
            found.setdefault(total, {})[key] = node
    return found


def _item(node: ast.AST) -> tuple[str, str]:
    """The plain name and the key of `total["input"]`; two empty texts for anything else."""
    key = text_of(node.slice) if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else None
    return ("", "") if key is None else (node.value.id, key)  # type: ignore[attr-defined]


def _says(node: ast.AST, key: str) -> bool:
    return (isinstance(node, ast.Constant) and node.value == key) or (
        isinstance(node, ast.Attribute) and node.attr == key
    )


def _used(scope: Scope) -> frozenset[str]:
    """Mappings that are made here, handed on, told to do something, or gone through by key: they may get the rest."""
    found = {
        name for name, values in scope.bindings.items() if any(isinstance(v, (ast.Dict, ast.Call)) for v in values)
    }
    for call in scope.of(ast.Call):
        given = [*call.args, *(word.value for word in call.keywords)]
        given += [call.func.value] if isinstance(call.func, ast.Attribute) else []
        found.update(value.id for value in given if isinstance(value, ast.Name))
    for item in scope.of(ast.Subscript):
        if isinstance(item.ctx, ast.Store) and isinstance(item.value, ast.Name) and not _item(item)[1]:
            found.add(item.value.id)
    return frozenset(found)


def _numbers(owner: Scope) -> list[str]:
    """Fields of a class that are declared to be numbers and begin at nothing."""
    return [
        node.target.id
        for node in owner.of(ast.AnnAssign)
        if isinstance(node.target, ast.Name)
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id in _NUMBERS
        and isinstance(node.value, ast.Constant)
        and node.value.value == 0
    ]


def _sums(method: Scope) -> Iterator[ast.AugAssign | ast.Assign]:
    yield from (node for node in method.of(ast.AugAssign) if isinstance(node.op, ast.Add))
    yield from (
        node
        for node in method.of(ast.Assign)
        if isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add)
    )


def _added(node: ast.AugAssign | ast.Assign, other: str) -> Iterator[str]:
    """The field of its own to which a statement adds the other's field of that name."""
    target = node.target if isinstance(node, ast.AugAssign) else targets_of(node)[0]
    if isinstance(target, ast.Attribute) and any(_is_field(each, other, target.attr) for each in walk(node.value)):
        yield target.attr


def _is_field(node: ast.AST, of: str, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == of
    )


def _stored(method: Scope) -> set[str]:
    """Fields that the method gives a value, in an object that it has or in one of its class that it makes."""
    stored = {node.attr for node in method.of(ast.Attribute) if isinstance(node.ctx, ast.Store)}
    makes = ("replace", "cls", "type", method.owner.name if method.owner is not None else "")
    for call in method.of(ast.Call):
        made = call.func.func if isinstance(call.func, ast.Call) else call.func  # `type(self)(…)`
        if (made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")) in makes:
            stored.update(given.arg for given in call.keywords if given.arg)
    return stored


def _handed_on(method: Scope, names: set[str]) -> bool:
    """Whether a helper gets one of them whole, and may add the rest, or fields are gone through by name."""
    for call in method.of(ast.Call):
        given = [*call.args, *(k.value for k in call.keywords)]
        if any(isinstance(value, ast.Name) and value.id in names for value in given):
            return True
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
            return True  # `super().add(other)` and the like
    return any(isinstance(node, ast.Attribute) and node.attr == "__dict__" for node in method.of(ast.Attribute))
