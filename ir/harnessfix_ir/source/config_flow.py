"""What code does with configuration: which keys it reads by name, and where it passes sections on.

Rows of `FileFacts.uses`:

    ["config", key path, how, callee, argument, line, qualname]
    ["param", parameter, key path, how, callee, argument, line, qualname]   the same, below a parameter of a function
    ["mapping", dotted names]                                               classes that a module names in strings
    ["kwargs", how, callee, line, qualname, {keyword: value name}]          what becomes of a function's own `**kwargs`

`how` is `read` (a key by name), `spread` (`f(**section)`), `pass` (`f(section)`), or `open` (anything else: the section
may be read in ways that are not seen here).
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from .expressions import callee, dotted, last, text_of
from .scopes import FileContext, Scope, all_arguments, targets_of
from .words import CONFIG_NAME, words

_LOADS = words(
    """
    yaml.safe_load yaml.load yaml.full_load json.load json.loads tomllib.load tomllib.loads toml.load toml.loads
    tomli.load tomli.loads tomlkit.parse tomlkit.load omegaconf.OmegaConf.load ruamel.yaml.YAML().load
    """
)
_VALIDATES = words("model_validate parse_obj validate_python from_dict from_config structure create from_mapping")
_HARMLESS = words("print len bool isinstance str repr type dict list copy.deepcopy copy.copy logging.debug hasattr")
_OPENS = (ast.Starred, ast.For, ast.AsyncFor, ast.comprehension, ast.BinOp, ast.Return, ast.Yield)
_LOADER = re.compile(r"^_*(load|read|get|parse)_\w*(config|settings|options)")
_CLASS_PATH = re.compile(r"[a-z_]\w*(\.\w+)*\.[A-Z]\w*")
_MOST = 8
_WHOLE = ("items", "values", "keys", "copy", "update")
_READS = ("get", "pop", "setdefault", "__getitem__")
_MAPPING = frozenset(dir(dict))
_MAPPING_TYPES = words("Any Dict Mapping MutableMapping OrderedDict DictConfig Optional Union TypedDict")


def config_uses(scope: Scope, file: FileContext) -> Iterator[list[Any]]:
    """Rows of one scope."""
    known = _section_names(scope, file)
    params = set(scope.params)
    objects = _objects(scope, file)

    @cache
    def is_section(name: str) -> bool:
        base = scope.resolve(name)
        return base not in objects and _origin(base, known, params)[0] is not None

    for node in _chain_tops(scope, file, is_section):
        base, path = _chain(node, scope)
        if base in objects:
            continue
        prefix, param = _origin(base, known, params)
        if prefix is None and not path:
            continue
        row = _row(node, [*(prefix or []), *path], scope, file)
        if row is None:
            continue
        yield ["config", *row]
        if param:
            yield ["param", param, *_row_below(row, prefix or [], path)]
    yield from _own_keywords(scope, file)


def _objects(scope: Scope, file: FileContext) -> set[str]:
    """Names that hold an object and not a mapping: annotated with a class, or asked for attributes of their own."""
    found = set(file.attributes_of)
    for attribute in scope.of(ast.Attribute):
        if attribute.attr not in _MAPPING and isinstance(attribute.value, ast.Name):
            found.add(attribute.value.id)
    for argument in all_arguments(scope.function.args) if scope.is_function else ():
        name = last(dotted(argument.annotation, scope)) if argument.annotation is not None else ""
        if name[:1].isupper() and name not in _MAPPING_TYPES:
            found.add(argument.arg)
    return found


def class_mappings(file: FileContext) -> Iterator[list[Any]]:
    """Module-level dictionaries whose values are dotted names of classes, as in `{"local": "pkg.env.LocalEnv"}`."""
    for node in file.root.assignments:
        if isinstance(node.value, ast.Dict) and node.value.values:
            texts = [text_of(value) or "" for value in node.value.values]
            if all(_CLASS_PATH.fullmatch(text) for text in texts):
                yield ["mapping", texts]


def _row_below(row: list[Any], prefix: list[str], path: list[str]) -> list[Any]:
    return [path, *row[1:]]


def _origin(base: str, known: dict[str, tuple[list[str], str]], params: set[str]) -> tuple[list[str] | None, str]:
    """The section that a name stands for (None when it is not known to be one) and the parameter behind it."""
    if base in known:
        return known[base]
    if base in params and CONFIG_NAME.search(base):
        return [], base
    if "." in base and CONFIG_NAME.search(base):
        return [], ""
    return (None, base if base in params else "")


def _section_names(scope: Scope, file: FileContext) -> dict[str, tuple[list[str], str]]:
    """Local names bound to a loaded file or to a section: key path and parameter behind it."""
    found: dict[str, tuple[list[str], str]] = {}
    params = set(scope.params)
    for node in scope.assignments:
        targets = targets_of(node)
        if node.value is None or not isinstance(targets[0], ast.Name):
            continue
        value = _inside_default(node.value)
        if isinstance(value, ast.Call) and not _is_step(value):
            loads = callee(value, scope) in _LOADS
            if CONFIG_NAME.search(targets[0].id) or (loads and not callee(value, scope).startswith("json.")):
                found[targets[0].id] = ([], "")
                continue
        base, path = _chain(value, scope)
        if path and base:
            prefix, param = _origin(base, found, params)
            found[targets[0].id] = ([*(prefix or []), *path], param)
    return found


def _inside_default(node: ast.expr) -> ast.expr:
    """`x` of `x or {}`, `copy.deepcopy(x)`, `dict(x)` and the walrus."""
    while True:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            node = node.values[0]
        elif isinstance(node, ast.NamedExpr):
            node = node.value
        elif isinstance(node, ast.Call) and len(node.args) == 1 and _is_copy(node):
            node = node.args[0]
        else:
            return node


def _is_copy(call: ast.Call) -> bool:
    func = call.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return name in ("deepcopy", "copy", "dict")


def _is_step(node: ast.AST) -> bool:
    """Whether a node reads one constant key: `x["k"]`, `x.get("k")`."""
    if isinstance(node, ast.Subscript):
        return text_of(node.slice) is not None
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _READS
        and bool(node.args)
        and text_of(node.args[0]) is not None
    )


def _chain(node: ast.expr, scope: Scope) -> tuple[str, list[str]]:
    """Base and keys of `base["a"].get("b")`."""
    path: list[str] = []
    while True:
        node = _inside_default(node)
        if isinstance(node, ast.Subscript) and (key := text_of(node.slice)) is not None:
            path.append(key)
            node = node.value
        elif isinstance(node, ast.Call) and _is_step(node) and isinstance(node.func, ast.Attribute):
            path.append(text_of(node.args[0]) or "")
            node = node.func.value
        else:
            break
    base = dotted(node, scope) if isinstance(node, (ast.Name, ast.Attribute)) else ""
    return base, path[::-1]


def _chain_tops(scope: Scope, file: FileContext, is_section: Callable[[str], bool]) -> Iterator[ast.expr]:
    """Longest chains of constant keys, and plain uses of names that are sections or look like configuration."""
    for node in (*scope.of(ast.Subscript), *scope.of(ast.Call)):
        if _is_step(node) and not _is_step_of(file.parents.get(node), node, file):
            yield node
    for name in scope.of(ast.Name):
        if not is_section(name.id):
            continue
        parent = file.parents.get(name)
        if isinstance(parent, ast.Attribute) and parent.attr not in _WHOLE:
            continue
        if isinstance(name.ctx, ast.Load) and not _is_step_of(parent, name, file):
            yield name
    for attribute in scope.of(ast.Attribute):
        parent = file.parents.get(attribute)
        if isinstance(parent, ast.Attribute) and parent.attr not in _WHOLE:
            continue
        loaded = isinstance(attribute.ctx, ast.Load) and CONFIG_NAME.search(attribute.attr) is not None
        if loaded and not _is_step_of(parent, attribute, file):
            yield attribute


def _is_step_of(parent: ast.AST | None, node: ast.AST, file: FileContext) -> bool:
    if isinstance(parent, ast.Subscript):
        return parent.value is node and text_of(parent.slice) is not None
    if isinstance(parent, ast.Attribute) and parent.attr in _READS:
        return _is_step(file.parents.get(parent) or parent)
    return isinstance(parent, (ast.BoolOp,)) and parent.values[0] is node and _continues(parent, file)


def _continues(node: ast.AST, file: FileContext) -> bool:
    parent = file.parents.get(node)
    return parent is not None and _is_step_of(parent, node, file)


def _row(node: ast.expr, path: list[str], scope: Scope, file: FileContext) -> list[Any] | None:
    """`[key path, how, callee, argument, line, qualname]` of one use; None for writes and plain rebinding."""
    inner: ast.AST = node
    parent = file.parents.get(node)
    while isinstance(parent, (ast.BoolOp, ast.IfExp, ast.Await, ast.NamedExpr)) or (
        isinstance(parent, ast.Call) and _is_copy(parent) and inner in parent.args
    ):
        inner, parent = parent, file.parents.get(parent)
    how, name, which = "read", "", ""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return None
    if isinstance(parent, ast.keyword):
        call = file.parents.get(parent)
        if isinstance(call, ast.Call):
            name = _called(call, scope)
            how, which = ("spread", "") if parent.arg is None else ("pass", parent.arg)
    elif isinstance(parent, ast.Call) and inner in parent.args:
        name, how, which = callee(parent, scope), "pass", str(parent.args.index(inner))
    elif isinstance(parent, ast.Return) and not path and _LOADER.search(scope.name):
        how = "read"
    elif isinstance(parent, _OPENS) or (isinstance(parent, ast.Dict) and inner in parent.values):
        how = "open"
    elif (filtered := _filtered_into(parent, file)) is not None:
        how, name = "spread", _called(filtered, scope)
    elif isinstance(parent, ast.Attribute):
        how = "open" if parent.attr in _WHOLE else "read"
    elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
        target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
        how = "read" if isinstance(target, ast.Name) else "open"
    elif isinstance(parent, ast.Subscript) and parent.value is inner:
        how = "open"
    if how == "pass":
        if last(name) in _VALIDATES and "." in name:
            how, name = "spread", name.rpartition(".")[0]
        elif name in _HARMLESS:
            how = "read"
    return [path, how, name, which, node.lineno, scope.qualname]


def _filtered_into(parent: ast.AST | None, file: FileContext) -> ast.Call | None:
    """The call in `f(**{k: v for k, v in section.items() if …})`: unknown keys are dropped on the way."""
    if not (isinstance(parent, ast.Attribute) and parent.attr == "items"):
        return None
    items = file.parents.get(parent)
    generator = file.parents.get(items) if items is not None else None
    made = file.parents.get(generator) if isinstance(generator, ast.comprehension) else None
    given = file.parents.get(made) if isinstance(made, ast.DictComp) else None
    call = file.parents.get(given) if isinstance(given, ast.keyword) and given.arg is None else None
    return call if isinstance(call, ast.Call) else None


def _called(call: ast.Call, scope: Scope) -> str:
    """Dotted name of what is called; for a local name, what it is bound to: `A|B` for classes, `f()` for a result."""
    if not isinstance(call.func, ast.Name):
        return callee(call, scope)
    name = call.func.id
    found: list[str] = []
    for bound in scope.bindings.get(name, [])[:_MOST]:
        values = [bound.body, bound.orelse] if isinstance(bound, ast.IfExp) else [bound]
        found += [dotted(value, scope) or "?" for value in values]
    return "|".join(found) if found else callee(call, scope)


def _own_keywords(scope: Scope, file: FileContext) -> Iterator[list[Any]]:
    """What a function does with the keywords it does not name."""
    if not scope.is_function or scope.function.args.kwarg is None:
        return
    own = scope.function.args.kwarg.arg
    for name in scope.of(ast.Name):
        if name.id != own or not isinstance(name.ctx, ast.Load):
            continue
        parent = file.parents.get(name)
        call = file.parents.get(parent) if isinstance(parent, ast.keyword) else None
        if isinstance(parent, ast.keyword) and parent.arg is None and isinstance(call, ast.Call):
            given = {k.arg: v for k in call.keywords if k.arg and (v := dotted(k.value, scope))}
            yield ["kwargs", "spread", _called(call, scope), name.lineno, scope.qualname, given]
        elif _is_step_of(parent, name, file):
            top = file.parents.get(parent) if isinstance(parent, ast.Attribute) else parent
            key = _chain(top, scope)[1] if isinstance(top, ast.expr) else []
            yield ["kwargs", "read", key[0] if key else "", name.lineno, scope.qualname, {}]
        elif not (
            isinstance(parent, ast.Compare) or (isinstance(parent, ast.Call) and callee(parent, scope) in _HARMLESS)
        ):
            yield ["kwargs", "open", "", name.lineno, scope.qualname, {}]
