"""Processes that code starts and HTTP calls that it makes."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import (
    argument,
    assigned_value,
    called_name,
    callee,
    dotted,
    has_star_keywords,
    is_constant,
    is_true,
    keyword,
    last,
    names_in,
    tainted_names,
    text_of,
)
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope, targets_of
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node

_BLOCKING = frozenset(("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"))
_SHELL = frozenset(
    ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell")
)
STARTS = (
    _BLOCKING
    | _SHELL
    | {"subprocess.Popen", "asyncio.create_subprocess_exec", "anyio.run_process", "anyio.open_process", "pty.spawn"}
    | {"pexpect.spawn", "pexpect.run", "os.posix_spawn", "os.startfile"}
)
_CHECKING = frozenset(("subprocess.check_call", "subprocess.check_output"))
_MOST = 8
# Programs that run what they are given, or another program.
_THEN_RUNS = frozenset(("-c", "-e", "-exec", "-execdir", "--eval", "exec", "run"))
_RUNS_OTHERS = re.compile(
    r"(^|[/\\])((ba|z|da|fi|k|a|c|tc)?sh|cmd|powershell|pwsh|python[\d.]*w?|pypy\d*|node|deno|bun|perl|ruby|php|java|lua|Rscript|"
    r"osascript|env|sudo|su|doas|ssh|docker|podman|kubectl|singularity|apptainer|bwrap|firejail|sandbox-exec|setsid|stdbuf|chroot|unshare|gosu|setpriv|systemd-run|wsl|tmux|screen|timeout|"
    r"xargs|nohup|nice|time|uv|uvx|npx|npm|pnpm|yarn|poetry|pipx|conda|make|cargo|go|dotnet|pytest|tox|nox)(\.exe)?$"
)
_TEXT = ("text", "universal_newlines", "encoding")


class Subprocesses(Role):
    """One element per call that starts a process."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            around: _Around | None = None
            for call in scope.of(ast.Call):
                name = callee(call, scope)
                if name in STARTS:
                    around = around or _Around(scope, file)
                    yield _process(call, name, scope, file, around)


class _Around:
    """What the rest of a function does with the processes that it starts, looked up once."""

    def __init__(self, scope: Scope, file: FileContext) -> None:
        self.waited: dict[str, ast.expr | None] = {}
        self.kills = False
        self.read = {node.attr for node in scope.of(ast.Attribute) if isinstance(node.ctx, ast.Load)}
        self.timeout: ast.expr | None = None
        params = {p for p in scope.params if p not in ("self", "cls")}
        self.tainted = tainted_names(scope, params)
        for call in scope.of(ast.Call):
            self.kills = self.kills or callee(call, scope) == "os.killpg"
            self._wait(call, file)
        for item in scope.of(ast.AsyncWith):
            if any("timeout" in dotted(i.context_expr, scope) for i in item.items):
                self.timeout = self.timeout or item.items[0].context_expr

    def _wait(self, call: ast.Call, file: FileContext) -> None:
        """`p.wait(…)`, `p.communicate(…)` and `asyncio.wait_for(p.communicate(), …)`: the process and its limit."""
        func = call.func
        if not isinstance(func, ast.Attribute):
            return
        if func.attr == "wait_for" and call.args and isinstance(call.args[0], ast.Call):
            inner = call.args[0].func
            if isinstance(inner, ast.Attribute):
                holder, limit = file.segment(inner.value), argument(call, 1, "timeout")
                self.waited[holder] = self.waited.get(holder) or limit
        elif func.attr in ("wait", "communicate"):
            limit = keyword(call, "timeout") or (call.args[0] if func.attr == "wait" and call.args else None)
            holder = file.segment(func.value)
            self.waited[holder] = self.waited.get(holder) or limit


def _process(call: ast.Call, name: str, scope: Scope, file: FileContext, around: _Around) -> Draft:
    draft = at_node(ElementRole.SUBPROCESS, scope, call, AnchorKind.CALL, name)
    draft.add("call", name)
    draft.note("shell", name in _SHELL or is_true(keyword(call, "shell")))
    holder = _result_name(call, file)
    _time(draft, call, name, holder, file, around)
    session = keyword(call, "start_new_session")
    setsid = keyword(call, "preexec_fn")
    draft.note(
        "new-session",
        (session is not None and not (isinstance(session, ast.Constant) and not session.value))
        or (setsid is not None and "setsid" in file.segment(setsid))
        or keyword(call, "process_group") is not None
        or keyword(call, "creationflags") is not None,
    )
    draft.note("kills-group", around.kills)
    _result(draft, call, name, around.read)
    _environment(draft, call, scope, file)
    text = any(keyword(call, k) is not None for k in _TEXT) or name in ("os.popen", "subprocess.getoutput")
    draft.note("text-without-errors", text and keyword(call, "errors") is None and not has_star_keywords(call))
    draft.add("command-from", _command_source(call, around.tainted))
    return draft


def _result_name(call: ast.Call, file: FileContext) -> str:
    """Source of what the call's result is bound to, empty when it is not kept."""
    node: ast.AST = call
    parent = file.parents.get(node)
    while isinstance(parent, (ast.Await, ast.NamedExpr, ast.IfExp)):
        node, parent = parent, file.parents.get(parent)
    if isinstance(parent, ast.Assign):
        return file.segment(parent.targets[0])
    if isinstance(parent, ast.AnnAssign):
        return file.segment(parent.target)
    if isinstance(parent, ast.withitem) and parent.optional_vars is not None:
        return file.segment(parent.optional_vars)
    return ""


def _time(draft: Draft, call: ast.Call, name: str, holder: str, file: FileContext, around: _Around) -> None:
    waits = name in _BLOCKING or name in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
    waits = waits or (bool(holder) and holder in around.waited)
    timeout = keyword(call, "timeout") or around.waited.get(holder) or around.timeout
    if timeout is not None and not (isinstance(timeout, ast.Constant) and timeout.value is None):
        draft.add("timeout", file.segment(timeout), timeout.lineno)
    else:
        draft.note("no-timeout", not has_star_keywords(call) or name in _SHELL)
    draft.note("waits", waits)


def _result(draft: Draft, call: ast.Call, name: str, read: set[str]) -> None:
    checks = name in _CHECKING or is_true(keyword(call, "check")) or bool({"returncode", "check_returncode"} & read)
    draft.note("checks-returncode", checks or name in ("subprocess.getstatusoutput",))
    captured = is_true(keyword(call, "capture_output")) or keyword(call, "stdout") is not None
    used = bool({"stdout", "stderr", "output", "communicate", "read"} & read)
    reads = name in ("subprocess.check_output", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
    draft.note("output-used", reads or ((captured or name == "subprocess.Popen") and used))


def _environment(draft: Draft, call: ast.Call, scope: Scope, file: FileContext) -> None:
    env = keyword(call, "env")
    if env is None:
        draft.note("inherits-environ", not has_star_keywords(call))
        return
    for source in [env, *_bound_to(env, scope, file)[:_MOST]]:
        for node in walk(source):
            if isinstance(node, ast.Attribute) and dotted(node, scope) == "os.environ" and _whole(node, file):
                draft.add("full-environ", True, source.lineno)
                return


def _bound_to(env: ast.expr, scope: Scope, file: FileContext) -> list[ast.expr]:
    """What a name is bound to in its function or handed by callers in the file; an attribute, in its class."""
    if isinstance(env, ast.Name):
        return scope.bindings.get(env.id, []) or _handed(env.id, scope, file)
    owner = scope.owner
    if owner is None or not isinstance(env, ast.Attribute):
        return []
    written = file.segment(env)
    return [
        node.value
        for method in owner.children
        for node in method.assignments
        if node.value is not None
        for target in targets_of(node)
        if isinstance(target, ast.Attribute) and file.segment(target) == written
    ]


def _handed(name: str, scope: Scope, file: FileContext) -> list[ast.expr]:
    """What calls in the same file hand to a parameter of a function."""
    if name not in scope.params:
        return []
    place = scope.params.index(name) - (scope.owner is not None)
    calls = (call for around, call in file.all(ast.Call) if last(callee(call, around)) == scope.name)
    return [given for call in calls if (given := argument(call, place, name)) is not None]


def _whole(node: ast.Attribute, file: FileContext) -> bool:
    """Whether `os.environ` is used as a mapping, and not for one of its keys or by a function that may choose of it."""
    parent = file.parents.get(node)
    if isinstance(parent, ast.Call) and node in parent.args:
        return called_name(parent) in ("dict", "copy", "deepcopy", "ChainMap", "update", "run", "Popen")
    if isinstance(parent, ast.Subscript):
        return False
    return not (isinstance(parent, ast.Attribute) and parent.attr in ("get", "pop", "setdefault"))


def _names_program(command: ast.expr) -> bool:
    """Whether a command begins with a program of the harness's choice, and of one that runs no other."""
    if not isinstance(command, (ast.List, ast.Tuple)) or any(isinstance(e, ast.Starred) for e in command.elts):
        return False
    texts = [text_of(part) for part in command.elts]
    if not texts or texts[0] is None:
        return False
    return not any(text and (_RUNS_OTHERS.search(text) or text in _THEN_RUNS) for text in texts)


def _command_source(call: ast.Call, tainted: set[str]) -> str:
    arguments = call.args or [k.value for k in call.keywords if k.arg in ("args", "cmd", "command")]
    if not arguments:
        return "expression"
    names = {name for a in arguments for name in names_in(a)}
    if names & tainted:
        return "argument" if _names_program(arguments[0]) else "parameter"
    return "constant" if all(is_constant(a) for a in arguments) else "expression"


_REQUEST_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")
_NEVER_ENDS = ("requests", "urllib.request", "urllib3", "aiohttp")
_CLIENTS = {
    "requests.Session": _REQUEST_VERBS,
    "httpx.Client": _REQUEST_VERBS,
    "httpx.AsyncClient": _REQUEST_VERBS,
    "aiohttp.ClientSession": _REQUEST_VERBS,
    "urllib3.PoolManager": ("request", "urlopen"),
    "urllib.request.build_opener": ("open",),
    "http.client.HTTPConnection": ("request",),
    "http.client.HTTPSConnection": ("request",),
}
_HELD = frozenset(verb for verbs in _CLIENTS.values() for verb in verbs)


class Requests(Role):
    """One element per HTTP call of a known client."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            name = callee(call, scope)
            module, _, verb = name.rpartition(".")
            if name != "urllib.request.urlopen" and not (
                verb in _REQUEST_VERBS
                and (module in ("requests", "httpx") or module.startswith(("requests.", "httpx.", "aiohttp.")))
            ):
                held = _of_held_client(call, scope)
                if held:  # how long it waits may be said where the client is made
                    yield at_node(ElementRole.REQUEST, scope, call, AnchorKind.CALL, held).add("call", held)
                continue
            draft = at_node(ElementRole.REQUEST, scope, call, AnchorKind.CALL, name)
            draft.add("call", name)
            timeout = keyword(call, "timeout")
            none = isinstance(timeout, ast.Constant) and timeout.value is None
            # httpx ends a request after five seconds unless told otherwise.
            forever = none or (timeout is None and name.startswith(_NEVER_ENDS) and not has_star_keywords(call))
            draft.note("no-timeout", forever and not (name == "urllib.request.urlopen" and len(call.args) > 2))
            yield draft


def _of_held_client(call: ast.Call, scope: Scope) -> str:
    """Dotted name of a request through a client that a local name holds, empty for other calls."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in _HELD or not isinstance(func.value, ast.Name):
        return ""
    name = func.value.id
    opened = [item for node in scope.of(ast.With) for item in node.items]
    opened += [item for node in scope.of(ast.AsyncWith) for item in node.items]
    named = (item for item in opened if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name)
    made = [item.context_expr for item in named]
    for value in (assigned_value(name, scope, call.lineno), *made):
        kind = callee(value, scope) if isinstance(value, ast.Call) else ""
        if func.attr in _CLIENTS.get(kind, ()):
            return f"{kind}().{func.attr}"
    return ""
