"""The plan: which functions, handlers, loops, slices and fallbacks of a harness are instrumented.

Made in this process from the harness model and handed to the recorded program as data. Only what has a role becomes a
span: one span per call of every function would double the time of pure harness code.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole as Role

from .sites import sites_of

SCHEMA = "harnessfix.plan/2"
RUNTIME = Path(__file__).parent / "runtime"
# Most telling first: a function with several roles is recorded as the first of them.
SPAN_ROLES = (
    Role.AGENT_LOOP,
    Role.MODEL_CALL,
    Role.TOOL,
    Role.VERIFIER,
    Role.APPROVAL,
    Role.SUBMISSION,
    Role.PARSER,
    Role.MEMORY,
    Role.CONTEXT_BUILDER,
    Role.RETRY,
    Role.SUBPROCESS,
    Role.REQUEST,
)


# Methods by which a framework runs any tool; its tools are functions of somebody else's.
RUNNER = re.compile(
    r"(^|\.)_?\w*Tool\.(a?run|_a?run|run_json|a?call|a?execute|a?invoke|_a?invoke|__call__|on_invoke|on_invoke_tool|forward)$"
    r"|(^|\.)_{0,2}(execute|perform|dispatch)_(action|command|tool|tool_call|function_call)s?$"
    r"|(^|\.)_{0,2}(run|call|invoke)_(tool|tool_call|function_call)s?$"
)


def make_plan(
    model: HarnessModel,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    redact: bool = True,
    cache: Path | None = None,
    replies: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> dict[str, Any]:
    """The plan for a harness.

    Args:
        model: the harness.
        include: glob patterns of `path` or `path:qualname`; functions that match are recorded though they have no role.
        exclude: likewise; what matches is left alone.
        redact: whether secrets are replaced before they are written.
        cache: folder where the program keeps instrumented code between runs.
        replies: `path:qualname` to what that function returned in a recording, call by call; it is not called then.

    Returns:
        A JSON object: `files` by absolute path, `elements` by number, as `docs/events.md` describes them.
    """
    return _Planner(model, include, exclude, replies or {}).plan(redact, cache)


@lru_cache(maxsize=1)
def _rewriter() -> str:
    """Digest of the code that instruments: code that an older one instrumented is not used again."""
    package = RUNTIME / "_harnessfix_probe"
    code = b"".join((package / name).read_bytes() for name in ("follow.py", "marks.py", "nodes.py", "rewrite.py"))
    return hashlib.sha256(code).hexdigest()[:16]


class _Planner:
    def __init__(
        self,
        model: HarnessModel,
        include: Sequence[str],
        exclude: Sequence[str],
        replies: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> None:
        self.model, self.include, self.exclude, self.replies = model, include, exclude, replies
        self.played: dict[int, list[dict[str, Any]]] = {}
        self.elements: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, Any]] = {}

    def plan(self, redact: bool, cache: Path | None) -> dict[str, Any]:
        roles = self._roles()
        for file in self.model.files:
            if file.language == "python" and not file.error:
                path = str((Path(file.base or self.model.root) / file.path).resolve())
                self.files[path] = {"path": file.path, "sha256": file.sha256}
        by_path = {part["path"]: part for part in self.files.values()}
        spanned = self._functions(roles, by_path)
        self._inner(by_path, spanned)
        self._sites(by_path)
        return {
            "schema": SCHEMA,
            "root": self.model.root,
            "redact": redact,
            "cache": None if cache is None else str(cache),
            "rewriter": _rewriter(),
            "files": self.files,
            "elements": self.elements,
            "replies": self.played,
            "others": {f.path: f.sha256 for f in self.model.files if f.language != "python" and not f.error},
        }

    def _roles(self) -> dict[tuple[str, str], set[Role]]:
        found: dict[tuple[str, str], set[Role]] = {}
        for element in self.model.of_role(*SPAN_ROLES):
            place = (element.anchor.path, element.anchor.qualname)
            found.setdefault(place, set()).add(element.role)
            decorated = element.value("decorates")
            if isinstance(decorated, str):
                found.setdefault((element.anchor.path, decorated), set()).add(element.role)
        return found

    def _functions(
        self, roles: dict[tuple[str, str], set[Role]], by_path: dict[str, dict[str, Any]]
    ) -> set[tuple[str, str]]:
        spanned = set()
        for function in self.model.of_role(Role.FUNCTION):
            place = (function.anchor.path, function.anchor.qualname)
            name = ":".join(place)
            own = roles.get(place, set())
            runner = not own and RUNNER.search(place[1]) is not None
            wanted = own or runner or _matches(name, self.include)
            if not wanted or self._excluded(name) or place[0] not in by_path:
                continue
            spanned.add(place)
            role = next((role for role in SPAN_ROLES if role in own), Role.TOOL if runner else Role.FUNCTION)
            number = self._element(function, role.value, sorted(role.value for role in own), self._named(place, role))
            if runner:
                self.elements[number]["runner"] = "tool" if place[1].rpartition(".")[0].endswith("Tool") else "tools"
            part: dict[str, Any] = {"e": number, "fn": place[1], "line": function.anchor.start_line}
            if name in self.replies:
                part["played"] = True
                self.played[number] = [dict(reply) for reply in self.replies[name]]
            by_path[place[0]].setdefault("functions", []).append(part)
        return spanned

    def _named(self, place: tuple[str, str], role: Role) -> str:
        tools = (e for e in self.model.in_function(*place, role) if e.anchor.qualname == place[1])
        return next((str(e.value("tool-name")) for e in tools if e.value("tool-name")), "")

    def _inner(self, by_path: dict[str, dict[str, Any]], spanned: set[tuple[str, str]]) -> None:
        for key, elements in (
            ("handlers", self.model.of_role(Role.HANDLER)),
            ("loops", self._loops(spanned)),
            ("cuts", self.model.of_role(Role.TRUNCATION)),
            ("fallbacks", self.model.of_role(Role.FALLBACK)),
        ):
            for element in elements:
                anchor = element.anchor
                if anchor.path not in by_path or self._excluded(anchor.symbol):
                    continue
                part: dict[str, Any] = {"line": anchor.start_line}
                if key == "fallbacks":
                    part["column"] = element.value("column")
                part["e"] = self._element(element, element.role.value, [element.role.value], element.name)
                by_path[anchor.path].setdefault(key, []).append(part)

    def _sites(self, by_path: dict[str, dict[str, Any]]) -> None:
        for site in sites_of(self.model):
            if site.path not in by_path or self._excluded(f"{site.path}:{site.qualname}"):
                continue
            part = {"e": len(self.elements), "line": site.line, "name": site.callee.rpartition(".")[2]}
            self.elements.append(
                {
                    "id": site.element,
                    "role": site.role.value,
                    "roles": [site.role.value],
                    "path": site.path,
                    "fn": site.qualname,
                    "name": site.callee,
                    "line": site.line,
                    "end": site.line,
                    "hash": "",
                    "site": True,
                    "guess": site.guess,
                }
            )
            by_path[site.path].setdefault("sites", []).append(part)

    def _loops(self, spanned: set[tuple[str, str]]) -> Iterable[Element]:
        for loop in self.model.of_role(Role.AGENT_LOOP, Role.RETRY):
            is_loop = loop.role is Role.AGENT_LOOP or loop.value("library") == "loop"
            if is_loop and (loop.anchor.path, loop.anchor.qualname) in spanned:
                yield loop

    def _element(self, element: Element, role: str, roles: list[str], name: str) -> int:
        anchor = element.anchor
        self.elements.append(
            {
                "id": element.id,
                "role": role,
                "roles": roles,
                "path": anchor.path,
                "fn": anchor.qualname,
                "name": name,
                "line": anchor.start_line,
                "end": anchor.end_line,
                "hash": anchor.content_hash,
            }
        )
        return len(self.elements) - 1

    def _excluded(self, name: str) -> bool:
        return _matches(name, self.exclude)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a `path:qualname` is meant by one of these: patterns of the like, or of the path alone."""
    path = name.partition(":")[0]
    return any(fnmatch(name if ":" in pattern else path, pattern) for pattern in patterns)
