"""Functions that turn model output into something."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, is_stub, last, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import PARSER_NAME, PARSER_OF_MODEL
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .base import Role, at_function
from .handlers import is_caught

_JSON = frozenset(("json.loads", "orjson.loads", "ujson.loads", "simplejson.loads", "json5.loads", "yaml.safe_load"))
_EVALUATES = frozenset(("eval", "builtins.eval", "ast.literal_eval"))
_MODEL_WORD = re.compile(
    r"^(response|reply|completion|content|llm_output|model_output|tool_call|tool_calls|arguments|raw_arguments|"
    r"function_call|choices|llm_response|assistant_message|generation|raw_output|answer|action_str|code_output)$"
)
_REGEX = frozenset(("re.findall", "re.search", "re.match", "re.fullmatch", "re.finditer", "re.split"))
_DECODE_ERRORS = frozenset(("JSONDecodeError", "ValueError", "Exception", "BaseException"))
_CODEC = re.compile(
    r"(config|settings|yaml|toml|argv|cli|version|header|url|date|time|csv|docstring|signature|path|env)"
)


class Parsers(Role):
    """One element per parser."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if is_stub(scope.function):
                continue
            loads = [call for call in scope.of(ast.Call) if callee(call, scope) in _JSON and call.args]
            model_loads = [call for call in loads if _of_model(call.args[0])]
            evaluated = any(
                callee(call, scope) in _EVALUATES and call.args and _of_tool_call(call.args[0])
                for call in scope.of(ast.Call)
            )
            patterns = [*_regex_calls(scope)]
            named = PARSER_NAME.match(scope.name) is not None and not _CODEC.search(scope.name)
            of_model = bool(model_loads) or evaluated or any(_of_model(subject) for _, _, subject in patterns)
            params = [p for p in scope.params if p not in ("self", "cls")]
            takes_model = any(_MODEL_WORD.match(p) or p in ("text", "message", "output") for p in params)
            of_name = PARSER_OF_MODEL.match(scope.name) is not None and takes_model
            if not (of_model or (named and (loads or patterns)) or of_name):
                continue
            draft = at_function(ElementRole.PARSER, scope)
            if not ((named and of_model) or evaluated or any(_of_tool_call(call.args[0]) for call in loads)):
                draft.add("recognised-by", "name" if named else "what it reads", 0, Evidence.HEURISTIC)
            _describe(draft, loads, patterns, scope, file)
            yield draft


def _of_model(node: ast.expr) -> bool:
    return any(_MODEL_WORD.match(word) for word in words_in(node)) or any(
        isinstance(n, ast.Subscript) and _MODEL_WORD.match(text_of(n.slice) or "") for n in walk(node)
    )


def _of_tool_call(node: ast.expr) -> bool:
    """Whether an expression is the arguments of a tool call, which only a model writes."""
    words = {*words_in(node), *(t for n in walk(node) if isinstance(n, ast.Subscript) and (t := text_of(n.slice)))}
    return bool(words & {"arguments", "raw_arguments", "tool_call", "tool_calls", "function_call"})


def _regex_calls(scope: Scope) -> Iterator[tuple[ast.Call, ast.expr, ast.expr]]:
    """Calls of the `re` module or of a compiled pattern: call, pattern, subject."""
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if name in _REGEX and len(call.args) > 1:
            yield call, call.args[0], call.args[1]
        elif (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("findall", "search", "match", "fullmatch", "finditer")
            and call.args
            and re.search(r"(regex|pattern|_re|_RE|PATTERN|REGEX|^re_)$|re\.compile", dotted(call.func.value, scope))
        ):
            yield call, call.func.value, call.args[0]


def _written(pattern: ast.expr, scope: Scope, file: FileContext) -> str:
    """A pattern as it is written, also where a name that is given one text alone stands for it, or what compiles it."""
    if isinstance(pattern, ast.Name):
        values = scope.bindings.get(pattern.id) or file.root.bindings.get(pattern.id) or ()
        made = values[0] if len(values) == 1 else None
        if isinstance(made, ast.Call) and callee(made, scope) == "re.compile" and made.args:
            made = made.args[0]
        return text_of(made) or pattern.id
    return text_of(pattern) or file.segment(pattern)


def _describe(
    draft: Draft,
    loads: list[ast.Call],
    patterns: list[tuple[ast.Call, ast.expr, ast.expr]],
    scope: Scope,
    file: FileContext,
) -> None:
    draft.note("json-loads", [call.lineno for call in loads])
    draft.note(
        "unguarded-json-loads", [call.lineno for call in loads if not is_caught(call, _DECODE_ERRORS, scope, file)]
    )
    draft.note("checks-type", _checks_type(scope))
    draft.note("regex", [_written(pattern, scope, file) for _, pattern, _ in patterns])
    draft.note("regex-lines", [call.lineno for call, _, _ in patterns])
    first = [call for call, _, _ in patterns if _takes_first(call, file)]
    draft.note("first-match", bool(first), first[0].lineno if first else 0)


def _checks_type(scope: Scope) -> bool:
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        if name in ("isinstance", "issubclass") or last(name) in (
            "model_validate",
            "validate_python",
            "validate",
            "parse_obj",
        ):
            return True
    return bool(scope.of(ast.Match))


def _takes_first(call: ast.Call, file: FileContext) -> bool:
    """Whether the first of possibly several matches is taken: `search`/`match`, or `findall(...)[0]`."""
    func = call.func
    verb = func.attr if isinstance(func, ast.Attribute) else ""
    if verb == "search":
        return True
    parent = file.parents.get(call)
    if verb == "findall" and isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
        return parent.slice.value == 0
    return False
