"""Functions that are offered to the model, as far as one file shows; linking joins schemas, lists and functions."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, is_stub, keyword, last, tainted_names, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import DESTRUCTIVE_CALLS, DESTRUCTIVE_NAME
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .base import Role, at_function
from .processes import STARTS

_DECORATOR = re.compile(
    r"(^|[._])(tool|tools|function_tool|tool_plain|register_tool|register_function|as_tool|beta_tool|kernel_function|"
    r"register_for_llm|toolcall|agent_tool|mcp_tool|action|registry\.action|tool_decorator)(\.register)?(\(\))?$"
)
_TOOL_CLASS = re.compile(r"(Tool|BaseTool|StructuredTool|Action|Skill)$")
_RUN_METHODS = ("forward", "_run", "run", "execute", "__call__", "_arun", "arun", "call", "invoke", "use")
_ENVIRONMENT = re.compile(
    r"(Env|Environment|Sandbox|Runtime|Executor|Shell|Terminal|Container|Workspace|Computer|Session|Box)\w*$"
)
_EXECUTES = re.compile(
    r"^(a?exec(ute)?|run|run_command|execute_command|execute_bash|bash|run_bash|run_shell|shell|execute_code|run_code)$"
)


class Tools(Role):
    """One element per function that this file alone shows to be a tool."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if is_stub(scope.function):
                continue
            draft = _by_decorator(scope) or _by_class(scope) or _by_environment(scope)
            if draft is not None:
                yield describe(draft, _made_function(scope) or scope if draft.qualname != scope.qualname else scope)


def describe(draft: Draft, scope: Scope) -> Draft:
    """Facts of any function that is a tool."""
    draft.add("params", [p for p in scope.params if p not in ("self", "cls")])
    draft.note("destructive", destructive(draft.name, scope))
    return draft


def destructive(name: str, scope: Scope) -> str:
    """Why a tool may do harm, empty when nothing says so."""
    tainted: set[str] | None = None
    for call in scope.of(ast.Call):
        dotted_name = callee(call, scope)
        if dotted_name in STARTS:
            if tainted is None:
                tainted = tainted_names(scope, {p for p in scope.params if p not in ("self", "cls")})
            if any(tainted & {n.id for n in walk(a) if isinstance(n, ast.Name)} for a in call.args):
                return f"runs a command made from its arguments ({dotted_name})"
        elif dotted_name in DESTRUCTIVE_CALLS:
            return f"calls {dotted_name}"
    match = DESTRUCTIVE_NAME.search(name) or DESTRUCTIVE_NAME.search(scope.name)
    return f"is named {name}" if match else ""


def _made_function(scope: Scope) -> Scope | None:
    """The nested function that a tool factory returns, None for a plain tool."""
    returned = {node.value.id for node in scope.of(ast.Return) if isinstance(node.value, ast.Name)}
    return next((c for c in scope.children if c.is_function and c.name in returned), None)


def _by_decorator(scope: Scope) -> Draft | None:
    around = scope.parent or scope
    for decorator in scope.function.decorator_list:
        name = dotted(decorator, around)
        if not _DECORATOR.search(name) or name.startswith(("typer.", "click.")):
            continue
        call = decorator if isinstance(decorator, ast.Call) else None
        given = (text_of(keyword(call, "name")) or text_of(keyword(call, "name_override"))) if call else None
        if call is not None and given is None and call.args:
            given = text_of(call.args[0])
        made = _made_function(scope)
        draft = at_function(ElementRole.TOOL, made or scope, given or scope.name)
        return (
            draft.add("tool-name", given or scope.name)
            .add("registered-by", "decorator")
            .add("registered-at", decorator.lineno)
        )
    return None


def _by_class(scope: Scope) -> Draft | None:
    owner = scope.owner
    if owner is None or scope.name not in _RUN_METHODS:
        return None
    assert isinstance(owner.node, ast.ClassDef)
    fields = class_texts(owner)
    named_base = any(
        _TOOL_CLASS.search(last(dotted(b, owner.parent or owner).removesuffix("[]"))) for b in owner.node.bases
    )
    # An agent has a name and a description, too; what a model is offered says one of them here, or its parameters.
    worded = any(fields.get(key) for key in ("name", "description"))
    takes = "inputs" in fields or "parameters" in fields
    described = "name" in fields and (takes or ("description" in fields and worded))
    decorated = any(_DECORATOR.search(dotted(d, owner.parent or owner)) for d in owner.node.decorator_list)
    if not (described or (named_base and ("name" in fields or decorated))):
        return None
    siblings = {method.name for method in owner.methods}
    first = next(m for m in _RUN_METHODS if m in siblings)
    if scope.name not in (first, "_arun", "arun") or scope.name == "_arun":
        return None
    name = fields.get("name") or owner.name
    draft = at_function(ElementRole.TOOL, scope, name).add("tool-name", name)
    draft.add("registered-by", "class").add("registered-at", owner.node.lineno)
    properties = _declared_inputs(owner)
    if properties is not None:
        draft.add("described-params", [*properties])
    return draft


def class_texts(owner: Scope) -> dict[str, str]:
    """Class attributes and their literal text (empty text for anything else)."""
    found: dict[str, str] = {}
    for assign in owner.of(ast.Assign):
        for target in assign.targets:
            if isinstance(target, ast.Name):
                found[target.id] = text_of(assign.value) or ""
    for annotated in owner.of(ast.AnnAssign):
        if isinstance(annotated.target, ast.Name) and annotated.value is not None:
            found[annotated.target.id] = text_of(annotated.value) or ""
    for child in owner.children:
        if child.is_function and child.name in ("name", "description", "parameters") and child.of(ast.Return):
            found.setdefault(child.name, text_of(child.of(ast.Return)[0].value) or "")
    return found


def _declared_inputs(owner: Scope) -> list[str] | None:
    for assign in owner.of(ast.Assign):
        for target in assign.targets:
            if (
                isinstance(target, ast.Name)
                and target.id in ("inputs", "parameters")
                and isinstance(assign.value, ast.Dict)
            ):
                return schema_properties(assign.value) or [k for key in assign.value.keys if (k := text_of(key))]
    return None


def schema_properties(node: ast.Dict) -> list[str]:
    """Property names of a JSON schema literal, empty when there are none."""
    for key, value in zip(node.keys, node.values):
        if text_of(key) == "properties" and isinstance(value, ast.Dict):
            return [k for inner in value.keys if (k := text_of(inner))]
    return []


def _by_environment(scope: Scope) -> Draft | None:
    """`execute(command)` of an environment: the one tool of a harness that has no registry."""
    owner = scope.owner
    params = [p for p in scope.params if p not in ("self", "cls")]
    if not _EXECUTES.match(scope.name) or not params:
        return None
    named = owner is not None and _ENVIRONMENT.search(owner.name) is not None
    commands = {"command", "cmd", "code", "action", "script", "bash_command"} & set(params)
    runs = runs_parameter(scope)
    if not ((named and commands) or (runs and commands)):
        return None
    draft = at_function(ElementRole.TOOL, scope).add("tool-name", scope.name)
    draft.add("registered-by", "environment", 0, Evidence.HEURISTIC)
    return draft


def runs_parameter(scope: Scope) -> bool:
    """Whether a function starts a process on something made from its parameters."""
    params = {p for p in scope.params if p not in ("self", "cls")}
    calls = [call for call in scope.of(ast.Call) if callee(call, scope) in STARTS]
    if not calls:
        return False
    tainted = tainted_names(scope, params)
    return any(tainted & {n.id for a in call.args for n in walk(a) if isinstance(n, ast.Name)} for call in calls)
