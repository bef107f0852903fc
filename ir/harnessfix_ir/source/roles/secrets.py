"""Values that look like credentials, and where they go."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from harnessfix_ir.source.expressions import called_name, callee, dotted, last, reached_from, tainted_names, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import children, walk
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of
from harnessfix_ir.source.words import CONFIG_NAME, MESSAGES_NAME, PROMPT_NAME, SECRET_NAME, words
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .base import Role, at_node
from .handlers import is_log_call
from .processes import STARTS

_LITERAL = re.compile(
    r"^(sk-[A-Za-z0-9_-]{20,}|sk-ant-[\w-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|AKIA[0-9A-Z]{16}|"
    r"xox[baprs]-[\w-]{10,}|AIza[\w-]{30,}|hf_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]+)$"
)
_PLACE = re.compile(r"(url|uri|endpoint|file|path|dir)$", re.IGNORECASE)
_FEW = 8  # characters, which tell whose key it is and do not give it away
_TELL_ABOUT = ("len", "type", "bool", "isinstance")
# Calls whose result still shows what they were given, or called on; what a client or a server answers does not.
_SHOWS = words(
    """
    str repr ascii format format_map join strip lstrip rstrip removeprefix removesuffix replace lower upper title encode
    decode dumps dict list tuple set copy deepcopy urlencode quote b64encode render substitute safe_substitute get pop
    setdefault items values model_dump model_dump_json to_dict to_json to_yaml asdict dump pformat vars
    """
)
_ENVIRON = ("os.environ.get", "os.getenv", "os.environ.pop")


class Secrets(Role):
    """One element per credential that is read or written down, and per whole environment put into a template."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            sinks: list[_Sink] | None = None
            shown: dict[str, set[str]] = {}
            for node, name, source in _reads(scope):
                if sinks is None:
                    # The answer to a request that was made with a key does not show it.
                    sinks, shown = [*_sinks(scope)], scope.flows_by(partial(_shown, answers=False))
                draft = at_node(ElementRole.SECRET, scope, node, AnchorKind.CALL, name).add("source", source)
                for target, line in dict.fromkeys(_destinations(node, sinks, shown, scope, file)):
                    draft.add("goes-to", target, line, Evidence.DERIVED)
                yield draft
            yield from _whole_environment(scope, file)


def _reads(scope: Scope) -> Iterator[tuple[ast.expr, str, str]]:
    for call in scope.of(ast.Call):
        name = text_of(call.args[0]) if call.args else None
        if name and callee(call, scope) in _ENVIRON and _names_secret(name):
            yield call, name, "environ"
    for node in scope.of(ast.Subscript):
        name = text_of(node.slice)
        if name and isinstance(node.ctx, ast.Load) and _names_secret(name):
            holder = dotted(node.value, scope)
            if holder == "os.environ" or CONFIG_NAME.search(holder):
                yield node, name, "environ" if holder == "os.environ" else "config"
    for constant in scope.of(ast.Constant):
        if isinstance(constant.value, str) and 16 <= len(constant.value) <= 400 and _LITERAL.match(constant.value):
            # The value itself is never copied into the model.
            yield constant, constant.value[:4] + "…", "literal"


def _names_secret(name: str) -> bool:
    """Whether a name is that of a credential, and not of where one lies or is given out (`TOKEN_URL`)."""
    return SECRET_NAME.search(name) is not None and _PLACE.search(name) is None


@dataclass
class _Sink:
    """A call that puts what it is given where a credential should not be: what it is, its line, names and nodes."""

    kind: str
    line: int
    names: set[str]
    nodes: set[int]


def _sinks(scope: Scope) -> Iterator[_Sink]:
    for call in scope.of(ast.Call):
        name = callee(call, scope)
        values = [*call.args, *(k.value for k in call.keywords)]
        if is_log_call(call, scope):
            kind = "log"
        elif name in STARTS:
            kind, values = "child-environment", [k.value for k in call.keywords if k.arg == "env"]
        elif _to_prompt(name):
            kind = "prompt"
        else:
            continue
        nodes = [node for value in values for node in _shown(value, answers=kind != "log")]
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        yield _Sink(kind, call.lineno, names, {id(node) for node in nodes})


def _shown(value: ast.AST, answers: bool = True) -> Iterator[ast.AST]:
    """What may be read in a value: not what is only counted, compared or asked for its type (`len(key)`).

    Args:
        value: any expression.
        answers: whether what any function answers counts as made from what it was given.
    """
    if isinstance(value, ast.Compare):
        return
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _TELL_ABOUT:
        return
    if isinstance(value, ast.Subscript) and _takes_few(value.slice):
        return  # as where all but its end is starred out
    yield value
    if isinstance(value, ast.Call) and not answers and called_name(value) not in _SHOWS:
        return
    for child in children(value):
        if not (isinstance(value, ast.IfExp) and child is value.test):
            yield from _shown(child, answers)


def _takes_few(part: ast.expr) -> bool:
    """Whether a slice takes a few characters of the beginning or the end: `[-4:]`, `[:6]`."""
    if not isinstance(part, ast.Slice) or part.step is not None:
        return False
    bound = part.lower if part.upper is None else part.upper if part.lower is None else None
    count = bound.operand if isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub) else bound
    from_end = count is not bound
    few = isinstance(count, ast.Constant) and isinstance(count.value, int) and count.value <= _FEW
    return few and from_end == (part.upper is None)


def _destinations(
    node: ast.expr, sinks: list[_Sink], shown: dict[str, set[str]], scope: Scope, file: FileContext
) -> Iterator[tuple[str, int]]:
    """Where a credential goes inside its function: into a message, a log line, or a child's environment."""
    statement = file.statement(node)
    seeds: set[str] = set()
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        seeds = {n.id for t in targets_of(statement) for n in walk(t) if isinstance(n, ast.Name)} - {"self"}
    tainted = tainted_names(scope, seeds) if seeds else set()
    readable = reached_from(seeds, shown)
    for sink in sinks:
        holders = readable if sink.kind == "log" else tainted
        if id(node) in sink.nodes or (holders & sink.names and _may_follow(sink.line, node, scope)):
            yield sink.kind, sink.line


def _may_follow(line: int, node: ast.expr, scope: Scope) -> bool:
    """Whether a line may run after a credential was read: it stands below, or a loop goes round through both."""
    rounds = ((loop.lineno, loop.end_lineno or loop.lineno) for loop in scope.loops)
    return line >= node.lineno or any(first <= line and node.lineno <= last_line for first, last_line in rounds)


def _to_prompt(name: str) -> bool:
    """Whether a call of that name puts its arguments before the model."""
    receiver, _, method = name.rpartition(".")
    if method in ("append", "add_message"):
        return MESSAGES_NAME.search(receiver) is not None
    return method in ("render", "format") and PROMPT_NAME.search(name) is not None


def _whole_environment(scope: Scope, file: FileContext) -> Iterator[Draft]:
    """`os.environ` handed whole to a template, where one word of a prompt shows any key."""
    for node in scope.of(ast.Attribute):
        if node.attr != "environ" or dotted(node, scope) != "os.environ":
            continue
        parent = file.parents.get(node)
        if isinstance(parent, (ast.Subscript, ast.Attribute)):
            continue
        for_templates = scope.is_function and re.search(r"template_var|template_context|render|prompt", scope.name)
        calls = (around for around in file.ancestors(node) if isinstance(around, ast.Call))
        rendered = any(re.search(r"render|format", last(callee(call, scope))) for call in calls)
        if for_templates or rendered:
            draft = at_node(ElementRole.SECRET, scope, node, AnchorKind.CALL, "os.environ").add("source", "environ")
            yield draft.add("whole").add("goes-to", "prompt", node.lineno, Evidence.HEURISTIC)
