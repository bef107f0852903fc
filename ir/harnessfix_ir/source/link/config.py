"""From configuration files to the classes and lines that read their keys.

A key is called dead only where its whole section is seen to end in known places: classes that refuse or drop what they
do not declare, or reads by name. One use that is not understood keeps every key of the section alive.
"""

import difflib
from dataclasses import dataclass, field

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.source.words import words
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .program import Key, Program

_KNOWN_BASES = words("BaseModel BaseSettings object ABC Protocol Generic TypedDict NamedTuple")
_DEPTH = 8
_NEAR = 0.75
_MOST_NEAR = 50


@dataclass
class Reach:
    """Where a section ends up.

    Attributes:
        declared: field or parameter name to `path:Class.field`.
        classes: config classes that take the section whole.
        closed: whether every place is known and would not use an undeclared key.
    """

    declared: dict[str, str] = field(default_factory=dict)
    classes: dict[Key, None] = field(default_factory=dict)
    closed: bool = True

    def add(self, other: "Reach") -> None:
        """Take over what another place knows."""
        self.declared |= other.declared
        self.classes |= other.classes
        self.closed = self.closed and other.closed


@dataclass
class _Use:
    path: tuple[str, ...]
    how: str
    callee: str
    argument: str
    line: int
    qualname: str
    file: str


class ConfigLinks:
    """Uses of configuration in a harness, by key path."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.uses: dict[tuple[str, ...], list[_Use]] = {}
        self.params: dict[tuple[str, str, str], list[_Use]] = {}
        self.below: dict[tuple[str, ...], dict[str, str]] = {}
        self.mappings: dict[str, list[str]] = {}
        self.kwargs: dict[Key, list[list[object]]] = {}
        for facts in program.files.values():
            for row in facts.uses:
                if row[0] == "config":
                    use = _Use(tuple(row[1]), row[2], row[3], row[4], row[5], row[6], facts.path)
                    self.uses.setdefault(use.path, []).append(use)
                    if use.path:
                        place = f"{facts.path}:{use.line}"
                        self.below.setdefault(use.path[:-1], {}).setdefault(use.path[-1], place)
                elif row[0] == "param":
                    use = _Use(tuple(row[2]), row[3], row[4], row[5], row[6], row[7], facts.path)
                    self.params.setdefault((facts.path, use.qualname, row[1]), []).append(use)
                elif row[0] == "mapping":
                    self.mappings.setdefault(facts.path, []).extend(row[1])
                elif row[0] == "kwargs":
                    self.kwargs.setdefault((facts.path, row[4]), []).append(row)

    def section(self, path: tuple[str, ...]) -> Reach:
        """Where the section under a key path goes; not closed when nobody is seen to take it."""
        found = Reach()
        uses = self.uses.get(path, [])
        for use in uses:
            found.add(self._of_use(use, _DEPTH))
        below = self.below.get(path, {})
        found.declared = {**below, **found.declared}
        if not any(use.how in ("spread", "pass") for use in uses):
            # Only keys by name: then nothing else may get hold of the whole file either.
            found.closed = found.closed and bool(below) and bool(path) and self._file_is_closed()
        return found

    def _file_is_closed(self) -> bool:
        """Whether nobody takes a whole settings file in a way that is not understood."""
        uses = self.uses.get((), [])
        return all(self._of_use(use, _DEPTH).closed for use in uses)

    def _of_use(self, use: _Use, depth: int) -> Reach:
        if use.how == "read":
            return Reach()
        if use.how == "spread":
            return self._taken_by(use.callee, use.file, use.qualname, {}, depth)
        if use.how == "pass" and depth:
            return self._passed(use, depth)
        return Reach(closed=False)

    def _passed(self, use: _Use, depth: int) -> Reach:
        """A section handed to a function as one argument: what that function does with the parameter."""
        key = self.program.find(use.callee, use.file)
        if key is None or key not in self.program.functions:
            return Reach(closed=False)
        params = [p for p in self.program.functions[key].params if p not in ("self", "cls")]
        name = params[int(use.argument)] if use.argument.isdigit() and int(use.argument) < len(params) else use.argument
        inner = self.params.get((key[0], key[1], name))
        if not inner:
            return Reach(closed=False)
        found = Reach()
        for row in inner:
            if row.path:
                found.declared.setdefault(row.path[0], f"{key[0]}:{row.line}")
            else:
                found.add(self._of_use(row, depth - 1))
        return found

    def _taken_by(self, callee: str, path: str, qualname: str, bound: dict[str, Key], depth: int) -> Reach:
        """What `callee(**section)` declares; `bound` says which class a parameter like `config_class` holds."""
        if not depth or "?" in callee:
            return Reach(closed=False)
        if "|" in callee or callee.endswith("()"):
            return self._taken_by_any(callee, path, qualname, bound, depth)
        key = bound.get(callee) or self._class_of(callee, path, qualname)
        if key is None:
            return Reach(closed=False)
        if key in self.program.functions:
            return self._through_function(key, bound, depth)
        return self._through_class(key, bound, depth)

    def _taken_by_any(self, callee: str, path: str, qualname: str, bound: dict[str, Key], depth: int) -> Reach:
        """Several classes of which one is chosen: each must be known, and what any of them declares is declared."""
        found = Reach()
        for name in callee.split("|"):
            if not name.endswith("()"):
                found.add(self._taken_by(name, path, qualname, bound, depth - 1))
                continue
            maker = self.program.find(name.removesuffix("()"), path)
            names = self.mappings.get(maker[0], []) if maker else []
            if not names:
                found.closed = False
            for one in names:
                found.add(self._taken_by(one, path, qualname, {}, depth - 1))
        return found

    def _class_of(self, callee: str, path: str, qualname: str) -> Key | None:
        if callee.startswith("super()"):
            owner = self.program.owner_of(path, qualname)
            bases = self.program.ancestors(owner)[1:] if owner else []
            return bases[0] if bases else None
        if callee.startswith(("self.", "cls.")):
            owner = self.program.owner_of(path, qualname)
            return self.program.method(owner, callee.partition(".")[2]) if owner else None
        return self.program.find(callee, path)

    def _through_class(self, key: Key, bound: dict[str, Key], depth: int) -> Reach:
        init = self.program.method(key, "__init__")
        if init is not None:
            return self._through_function(init, bound, depth)
        found = Reach(classes={key: None})
        for ancestor in self.program.ancestors(key):
            cls = self.program.classes[ancestor]
            for name in cls.fields:
                found.declared.setdefault(name, f"{ancestor[0]}:{ancestor[1]}.{name}")
            outside = [b for b in cls.bases if self.program.find(b, ancestor[0]) is None and not _known_base(b)]
            if cls.extra == "allow" or outside:
                found.closed = False
        extras = [self.program.classes[a].extra for a in self.program.ancestors(key)]
        if not any(extra in ("error", "ignore", "forbid") for extra in extras):
            found.closed = False
        return found

    def _through_function(self, key: Key, bound: dict[str, Key], depth: int) -> Reach:
        function = self.program.functions[key]
        found = Reach()
        star = self.kwargs.get(key, [])
        bound = {**self._defaults(key), **bound}
        for name in function.params:
            if name not in ("self", "cls"):
                found.declared.setdefault(name, f"{key[0]}:{key[1]}({name})")
        if not star and function.star_keywords:
            found.closed = False  # taken and dropped, or used in a way that is not seen
        for row in star:
            if row[1] == "open":
                found.closed = False
            elif row[1] == "read":
                found.declared.setdefault(str(row[2]), f"{key[0]}:{row[3]}")
            else:
                given = row[5] if isinstance(row[5], dict) else {}
                inner = {name: bound[value] for name, value in given.items() if value in bound}
                further = {**inner, **{n: k for n, k in bound.items() if str(row[2]) == n}}
                found.add(self._taken_by(str(row[2]), key[0], key[1], further, depth - 1))
        return found

    def _defaults(self, key: Key) -> dict[str, Key]:
        """Parameters whose default is a class of the harness."""
        found: dict[str, Key] = {}
        for name, value in self.program.functions[key].defaults.items():
            target = self.program.find(value, key[0])
            if target in self.program.classes and target is not None:
                found[name] = target
        return found


def _known_base(name: str) -> bool:
    return name.rpartition(".")[2] in _KNOWN_BASES


def link_config(program: Program) -> None:
    """Facts of `config_key` and `config_class` elements."""
    links = ConfigLinks(program)
    named = {use[1].rpartition("/")[2] for facts in program.files.values() for use in facts.uses if use[0] == "file"}
    names_settings = any(facts.path.rpartition("/")[2] in named for facts in program.files.values() if _settings(facts))
    reaches: dict[tuple[str, ...], Reach] = {}
    loaded: dict[Key, set[str]] = {}
    for facts in program.files.values():
        sections: dict[tuple[str, ...], list[Draft]] = {}
        for draft in facts.drafts:
            if draft.role is ElementRole.CONFIG_KEY:
                path = tuple(draft.qualname.split("."))
                sections.setdefault(path[:-1], []).append(draft)
                reads = [f"{use.file}:{use.line}" for use in links.uses.get(path, ())]
                draft.note("read-at", [*dict.fromkeys(reads)], 0, Evidence.DERIVED)
        tops = [(draft.name,) for draft in sections.get((), ())]
        is_data = 2 * sum(top in links.uses or any(path[:1] == top for path in links.below) for top in tops) < len(tops)
        for section, keys in sections.items():
            if section and is_data:
                continue  # most of its sections are asked for by nobody by name: records, not settings
            if section not in reaches:
                reaches[section] = links.section(section)
            stranger = names_settings and facts.path.rpartition("/")[2] not in named
            if stranger and (not section or not _mostly_declared(keys, reaches[section])):
                continue
            if _judge(keys, reaches[section]):
                for key in reaches[section].classes:
                    loaded.setdefault(key, set()).add(facts.path)
    _describe_classes(program, loaded)


def _settings(facts: FileFacts) -> bool:
    return facts.language in ("yaml", "toml", "json")


def _mostly_declared(keys: list[Draft], reach: Reach) -> bool:
    """Whether a section of a file that no code names fits the place that takes a section of its name."""
    return 2 * sum(draft.name in reach.declared for draft in keys) >= len(keys)


def _judge(keys: list[Draft], reach: Reach) -> bool:
    """Say of each key of one section in one file whether it is declared, read or dead; returns whether the file fits.

    A section of another file may bear the same name: nothing is said unless some key is known or nearly known.
    """
    near: dict[str, str] = {}
    known = False
    for draft in keys:
        declared = reach.declared.get(draft.name)
        if declared is not None:
            known = True
            if not draft.get("read-at"):
                draft.add("declared", declared, 0, Evidence.DERIVED)
        elif not draft.get("read-at") and reach.closed and len(near) < _MOST_NEAR:
            near[draft.name] = _near(draft.name, [*reach.declared])
    if not reach.closed or not (known or any(near.values())):
        return known
    for draft in keys:
        if draft.name in near and not draft.name.isdigit():
            draft.add("dead", True, 0, Evidence.DERIVED)
            if near[draft.name]:
                draft.add("near", near[draft.name], 0, Evidence.DERIVED)
                draft.add("near-declared", reach.declared[near[draft.name]], 0, Evidence.DERIVED)
    return True


def _near(name: str, declared: list[str]) -> str:
    """The declared name that a key was probably meant to be, empty when none is close."""
    found = difflib.get_close_matches(name, declared, 1, _NEAR)
    if found:
        return found[0]
    longer = [d for d in declared if min(len(d), len(name)) > 3]
    inside = [d for d in longer if name.endswith("_" + d) or d.endswith("_" + name)]
    return inside[0] if len(inside) == 1 else ""


def _describe_classes(program: Program, loaded: dict[Key, set[str]]) -> None:
    known: dict[Key, Draft] = {}
    for facts, draft in program.drafts(ElementRole.CONFIG_CLASS):
        known[(facts.path, draft.qualname)] = draft
    for key in loaded:
        if key not in known and key in program.classes:
            made = _class_draft(program, program.files[key[0]], key)
            if made is not None:
                known[key] = made
    for key, draft in known.items():
        inherited = [n for a in program.ancestors(key)[1:] for n in program.classes[a].fields]
        if inherited:
            own = draft.get("fields")
            draft.replace("fields", [*dict.fromkeys([*(own if isinstance(own, list) else []), *inherited])])
            if draft.get("extra") is None:
                draft.note("extra", next((e for a in program.ancestors(key) if (e := program.classes[a].extra)), ""))
        draft.note("loaded-from", [*sorted(loaded.get(key, ()))], 0, Evidence.DERIVED)


def _class_draft(program: Program, facts: FileFacts, key: Key) -> Draft | None:
    base = next((d for d in facts.drafts if d.role is ElementRole.CLASS and d.qualname == key[1]), None)
    if base is None:
        return None
    cls = program.classes[key]
    draft = Draft(ElementRole.CONFIG_CLASS, base.name, key[1], base.start, base.end, AnchorKind.CLASS)
    draft.add("fields", [*cls.fields])
    draft.note("extra", cls.extra)
    facts.drafts.append(draft)
    return draft
