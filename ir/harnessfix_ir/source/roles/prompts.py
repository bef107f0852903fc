"""Prompt and observation templates in Python code."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, defaults_of, dotted, has_star_keywords, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.jinja import read_jinja
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.templates import Template, format_fields, looks_like_format, looks_like_jinja, template_of
from harnessfix_ir.source.words import PROMPT_NAME
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .handlers import is_log_call

LEAST = 40
_OBSERVATION = re.compile(r"observation|obs_|output|result|timeout|error|feedback|tool_response", re.IGNORECASE)
_OBSERVED = re.compile(
    r"^(output|outputs|observation|obs|result|stdout|stderr|returncode|error|exception|e|err|tool_result|exc)\b"
)
_CONTENT_KEYS = (
    "content",
    "text",
    "prompt",
    "system",
    "instructions",
    "system_prompt",
    "system_message",
    "user_prompt",
)
_BUILDER = re.compile(
    r"prompt|instruction|observation|persona|preamble|feedback|tool_(error|result|output)|(error|timeout)_message|system_message"
)
_NOT_PROMPT = re.compile(
    r"^(help|prompt_toolkit|system_name|template_(dir|folder|path|name|file)|\w*_(path|dir|folder|file|url|regex|name|id|key|class))$"
)


class Prompts(Role):
    """One element per template."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        taken: set[int] = set()
        docstrings = {id(d) for scope in file.scopes if (d := _docstring(scope)) is not None}
        for scope, node, name, anchor, qualname in (
            *_assigned(file),
            *_arguments(file),
            *_contents(file),
            *_built(file),
        ):
            if id(node) in taken or id(node) in docstrings:
                continue
            template = template_of(node, file, scope)
            if template is None or not _is_worth_it(template):
                continue
            taken.update(id(inner) for inner in walk(node))
            draft = at_node(ElementRole.PROMPT, scope, anchor, AnchorKind.PROMPT_TEMPLATE, name)
            draft.qualname = qualname
            yield describe(draft, name, template)


def _is_worth_it(template: Template) -> bool:
    """Whether a text is long enough to be a prompt, or words something round a value."""
    worded = bool(template.holes and template.skeleton.strip("{} "))
    return len(template.text.strip()) > LEAST or worded or looks_like_jinja(_without_holes(template))


def describe(draft: Draft, name: str, template: Template) -> Draft:
    """Facts of a template; the engine of a plain literal is told from its text."""
    draft.text = template.text
    holes, bounded, engine = template.holes, template.bounded, template.engine
    if engine in ("literal", "concat") and looks_like_jinja(_without_holes(template)):
        facts = read_jinja(template.text)
        holes, bounded, engine = facts.shown, facts.bounded, "jinja"
        draft.note("template-error", facts.error)
    elif engine == "literal" and looks_like_format(template.text):
        holes, engine = format_fields(template.text), "format"
    draft.add("engine", engine)
    draft.note("placeholders", [*dict.fromkeys(holes)])
    draft.note("bounded-placeholders", [*dict.fromkeys(bounded)])
    draft.note("name", name)
    observed = any(_OBSERVED.match(hole) or ".output" in hole for hole in holes)
    draft.note("is-observation", bool(observed or (holes and _OBSERVATION.search(name))))
    return draft


def _without_holes(template: Template) -> str:
    """The literal words of a template; holes would look like braces of Jinja."""
    text = template.text
    for hole in template.holes:
        text = text.replace("{" + hole + "}", "", 1)
    return text


Found = tuple[Scope, ast.expr, str, ast.expr | ast.stmt, str]


def _docstring(scope: Scope) -> ast.expr | None:
    body = scope.node.body
    if body and isinstance(body[0], ast.Expr) and text_of(body[0].value) is not None:
        return body[0].value
    return None


def _is_prompt_name(name: str) -> bool:
    return PROMPT_NAME.search(name) is not None and not _NOT_PROMPT.match(name.lower())


def _assigned(file: FileContext) -> Iterator[Found]:
    """Variables, attributes and class fields that are named like prompts."""
    for scope in file.scopes:
        for node in (*scope.assignments, *scope.of(ast.AugAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = (
                target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
            )
            if isinstance(target, ast.Subscript):
                name = text_of(target.slice) or ""
            if node.value is None or not _is_prompt_name(name):
                continue
            value = _default_in_field(node.value)
            plain = isinstance(target, ast.Name) and not scope.is_function
            qualname = name if scope.parent is None else f"{scope.qualname}.{name}"
            yield scope, value, name, node, qualname if plain else scope.qualname


def _default_in_field(value: ast.expr) -> ast.expr:
    """The text in `field(default="…")`, `Field("…")` and `dedent("…")`."""
    if isinstance(value, ast.Call):
        for given in value.keywords:
            if given.arg == "default":
                return given.value
        name = (
            value.func.attr
            if isinstance(value.func, ast.Attribute)
            else value.func.id
            if isinstance(value.func, ast.Name)
            else ""
        )
        if name in ("Field", "dedent", "cleandoc", "Template", "PromptTemplate", "from_string") and value.args:
            return value.args[0]
    return value


def _arguments(file: FileContext) -> Iterator[Found]:
    """Defaults of parameters and keyword arguments named like prompts, and literals given to template engines."""
    for scope in file.functions:
        for name, default in defaults_of(scope.function):
            if _is_prompt_name(name):
                yield scope, default, name, default, scope.qualname
    for scope, call in file.all(ast.Call):
        name = last(callee(call, scope))
        for given in call.keywords:
            if given.arg and _is_prompt_name(given.arg) and name not in ("input", "Option", "Argument", "prompt"):
                yield scope, given.value, given.arg, given.value, scope.qualname
        if name in ("Template", "from_string", "PromptTemplate", "from_template") and call.args:
            yield scope, call.args[0], scope.name, call.args[0], scope.qualname


def _contents(file: FileContext) -> Iterator[Found]:
    """Texts that become the content of a message."""
    for scope, node in file.all(ast.Dict):
        keys = {text_of(k): v for k, v in zip(node.keys, node.values) if k is not None}
        for key in _CONTENT_KEYS:
            if key in keys and (key != "text" or "type" in keys) and ("role" in keys or key not in ("content",)):
                yield scope, keys[key], _role_name(keys, key), keys[key], scope.qualname
            elif key == "content" and key in keys and "type" in keys:
                yield scope, keys[key], key, keys[key], scope.qualname
    for scope, call in file.all(ast.Call):
        name = last(callee(call, scope))
        if is_log_call(call, scope):
            continue
        if name.endswith(("add_message", "append_message", "add_user_message")) and call.args:
            value = call.args[-1]
            role = text_of(call.args[0]) if len(call.args) > 1 else ""
            yield scope, value, role or "message", value, scope.qualname
        elif re.search(r"(System|User|Human|Assistant|AI|Tool|Chat)Message(Param)?$", name):
            values = [*call.args[:1], *(k.value for k in call.keywords if k.arg in ("content", "text"))]
            for value in values:
                yield scope, value, name, value, scope.qualname


def _role_name(keys: dict[str | None, ast.expr], key: str) -> str:
    return (text_of(keys.get("role")) or key) if key == "content" else key


def _built(file: FileContext) -> Iterator[Found]:
    """Texts that functions named like prompt builders return."""
    for scope in file.functions:
        if not _BUILDER.search(scope.name):
            continue
        for node in scope.of(ast.Return):
            if isinstance(node.value, (ast.JoinedStr, ast.Constant, ast.BinOp, ast.Call)):
                yield scope, node.value, scope.name, node.value, scope.qualname


def supplied_names(call: ast.Call) -> list[str] | None:
    """Keyword names that a render call supplies; None when it also passes `**something`."""
    if has_star_keywords(call) or any(not isinstance(a, ast.Constant) for a in call.args):
        return None
    return [k.arg for k in call.keywords if k.arg]


def rendered_names(scope: Scope) -> Iterator[tuple[str, int, list[str] | None]]:
    """Names of templates that a scope renders: last part of the name, line, and the names supplied."""
    for call in scope.of(ast.Call):
        func = call.func
        if not isinstance(func, ast.Attribute):
            continue
        if func.attr == "format":
            name = last(dotted(func.value, scope))
            if name and PROMPT_NAME.search(name):
                yield name, call.lineno, supplied_names(call)
        elif func.attr in ("render", "render_async", "substitute", "safe_substitute"):
            subject = func.value
            if isinstance(subject, ast.Call) and subject.args:
                subject = subject.args[0]
            name = text_of(subject) or last(dotted(subject, scope))
            if name:
                yield name, call.lineno, supplied_names(call)
        elif re.search(r"(^|_)render", func.attr) and call.args:
            name = text_of(call.args[0]) or last(dotted(call.args[0], scope))
            if name:
                yield name, call.lineno, None
