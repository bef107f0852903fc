"""From configuration files to the classes and lines that read their keys.

A key is called dead only where its whole section is seen to end in known places: classes that refuse or drop what they
do not declare, or reads by name. One use that is not understood keeps every key of the section alive.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from harnessfix_ir.source.facts import Draft, FileFacts
from harnessfix_ir.source.places import PLACE, PLACES, USES, Place
from harnessfix_ir.source.words import words
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .exchange import Told
from .exports import key_path, parameter
from .program import Key, Program, Signature, written
from .tables import (
    BELOW,
    FILE,
    KEY_FACTS,
    KEY_USE,
    KEYWORDS,
    LOADED,
    MAPPING,
    OPENED,
    PARAMETER,
    SECTION_USE,
    SETTINGS_FILE,
)

_KNOWN_BASES = words("BaseModel BaseSettings object ABC Protocol Generic TypedDict NamedTuple")
_DEPTH = 8
_NEAR = 0.75
_MOST_NEAR = 50


@dataclass
class Reach:
    """Where a section ends up.

    Attributes:
        declared: field or parameter name to `path:Class.field`, or to the place where it is read.
        classes: config classes that take the section whole.
        closed: whether every place is known and would not use an undeclared key.
    """

    declared: dict[str, str | Place] = field(default_factory=dict)
    classes: dict[Key, None] = field(default_factory=dict)
    closed: bool = True

    def add(self, other: "Reach") -> None:
        """Take over what another place knows."""
        self.declared |= other.declared
        self.classes |= other.classes
        self.closed = self.closed and other.closed


class _Use(NamedTuple):
    file: str
    path: list[str]
    how: str
    callee: str
    argument: str
    number: int
    qualname: str

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.file, USES, self.number)


class ConfigLinks:
    """Uses of configuration in a harness, by key path."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._ask = program.exchange

    def uses(self, path: tuple[str, ...]) -> list[_Use]:
        """Where a key or section is used."""
        answers = self._ask.everywhere(KEY_USE, key_path(path))
        return [_Use(file, *row) for file, rows in answers for row in rows]

    def _below(self, path: tuple[str, ...]) -> dict[str, Place]:
        """Keys of a section that are read by name, and where first."""
        found: dict[str, Place] = {}
        for file, numbers in self._ask.everywhere(BELOW, key_path(path)):
            for name, number in numbers.items():
                found.setdefault(name, Place(file, USES, number))
        return found

    def is_asked_for(self, top: str) -> bool:
        """Whether anything reads a top-level key or something below it."""
        return bool(self._ask.everywhere(KEY_USE, key_path((top,))) or self._ask.everywhere(SECTION_USE, top))

    def section(self, path: tuple[str, ...]) -> Reach:
        """Where the section under a key path goes; not closed when nobody is seen to take it."""
        found = Reach()
        uses = self.uses(path)
        for use in uses:
            found.add(self._of_use(use, _DEPTH))
        below = self._below(path)
        found.declared = {**below, **found.declared}
        if not any(use.how in ("spread", "pass") for use in uses):
            # Only keys by name: then nothing else may get hold of the whole file either.
            found.closed = found.closed and bool(below) and bool(path) and not self._ask.everywhere(OPENED, "")
        return found

    def is_closed(self, use: _Use) -> bool:
        """Whether what one use does with its section is understood."""
        return self._of_use(use, _DEPTH).closed

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
        function = None if key is None else self.program.signature(key)
        if key is None or function is None:
            return Reach(closed=False)
        params = [p for p in function.params if p not in ("self", "cls")]
        name = params[int(use.argument)] if use.argument.isdigit() and int(use.argument) < len(params) else use.argument
        inner = self._ask.of(PARAMETER, key[0], parameter(key[1], name))
        if not inner:
            return Reach(closed=False)
        found = Reach()
        for row in (_Use(key[0], *values) for values in inner):
            if row.path:
                found.declared.setdefault(row.path[0], row.place)
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
        function = self.program.signature(key)
        return (
            self._through_class(key, bound, depth) if function is None else self._through(key, function, bound, depth)
        )

    def _taken_by_any(self, callee: str, path: str, qualname: str, bound: dict[str, Key], depth: int) -> Reach:
        """Several classes of which one is chosen: each must be known, and what any of them declares is declared."""
        found = Reach()
        for name in callee.split("|"):
            if not name.endswith("()"):
                found.add(self._taken_by(name, path, qualname, bound, depth - 1))
                continue
            maker = self.program.find(name.removesuffix("()"), path)
            names = (self._ask.of(MAPPING, maker[0], "") if maker else None) or ()
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
        function = self.program.signature(init) if init else None
        if init is not None and function is not None:
            return self._through(init, function, bound, depth)
        found = Reach(classes={key: None})
        extras = []
        for ancestor in self.program.ancestors(key):
            known = self.program.class_(ancestor)
            if known is None:
                continue
            extras.append(known.extra)
            for name in known.fields:
                found.declared.setdefault(name, f"{written(ancestor)}.{name}")
            outside = [b for b in known.bases if self.program.find(b, ancestor[0]) is None and not _known_base(b)]
            if known.extra == "allow" or outside:
                found.closed = False
        if not any(extra in ("error", "ignore", "forbid") for extra in extras):
            found.closed = False
        return found

    def _through(self, key: Key, function: Signature, bound: dict[str, Key], depth: int) -> Reach:
        found = Reach()
        star = self._ask.of(KEYWORDS, *key) or []
        bound = {**self._defaults(key[0], function), **bound}
        for name in function.params:
            if name not in ("self", "cls"):
                found.declared.setdefault(name, f"{written(key)}({name})")
        if not star and function.star_keywords:
            found.closed = False  # taken and dropped, or used in a way that is not seen
        for row in star:
            if row[1] == "open":
                found.closed = False
            elif row[1] == "read":
                found.declared.setdefault(str(row[2]), Place(key[0], USES, row[3]))
            else:
                given = row[5] if isinstance(row[5], dict) else {}
                inner = {name: bound[value] for name, value in given.items() if value in bound}
                further = {**inner, **{n: k for n, k in bound.items() if str(row[2]) == n}}
                found.add(self._taken_by(str(row[2]), key[0], key[1], further, depth - 1))
        return found

    def _defaults(self, path: str, function: Signature) -> dict[str, Key]:
        """Parameters whose default is a class of the harness."""
        targets = ((name, self.program.find(value, path)) for name, value in function.defaults.items())
        return {name: target for name, target in targets if self.program.is_class(target)}


def _known_base(name: str) -> bool:
    return name.rpartition(".")[2] in _KNOWN_BASES


def tell_opened(program: Program, facts: FileFacts, told: Told) -> None:
    """Tell whether a file takes whole settings files in a way that is not understood."""
    links = ConfigLinks(program)
    whole = (_Use(facts.path, *use[1:]) for use in facts.uses if use[0] == "config" and not use[1])
    if not all(map(links.is_closed, whole)):
        told.share(OPENED, "", True)


def tell_keys(program: Program, facts: FileFacts, told: Told) -> None:
    """Tell what becomes of the keys of a settings file, and which classes take its sections."""
    keys = [draft for draft in facts.drafts if draft.role is ElementRole.CONFIG_KEY]
    links = ConfigLinks(program)
    sections: dict[tuple[str, ...], list[_KeyFacts]] = {}
    found = []
    for draft in keys:
        path = tuple(draft.qualname.split("."))
        key = _KeyFacts(draft.name)
        found.append(key)
        sections.setdefault(path[:-1], []).append(key)
        key.note("read-at", [*dict.fromkeys(use.place for use in links.uses(path))])
    loaded: dict[str, list[str]] = {}
    for section, reach in _taken(links, facts, sections):
        if _judge(sections[section], reach):
            for file, qualname in reach.classes:
                if qualname not in loaded.setdefault(file, []):
                    loaded[file].append(qualname)
    for place, key in enumerate(found):
        if key.facts:
            told.tell(KEY_FACTS, str(place), [[name, value, _line_of(value)] for name, value in key.facts.items()])
    for file, qualnames in loaded.items():
        told.share(LOADED, file, qualnames)


def _taken(
    links: ConfigLinks, facts: FileFacts, sections: dict[tuple[str, ...], list["_KeyFacts"]]
) -> Iterator[tuple[tuple[str, ...], Reach]]:
    """Sections of a file that code takes, as far as one can see."""
    stranger = _is_stranger(links.program, facts.path.rpartition("/")[2])
    tops = sections.get((), [])
    # Most of its sections are asked for by nobody by name: records, not settings.
    is_data = 2 * sum(links.is_asked_for(key.name) for key in tops) < len(tops)
    for section, keys in sections.items():
        if section and is_data:
            continue
        reach = links.section(section)
        if not stranger or (section and _mostly_declared(keys, reach)):
            yield section, reach


def _is_stranger(program: Program, name: str) -> bool:
    """Whether code names settings files of the harness, but not one of that name."""
    if program.exchange.everywhere(FILE, name):
        return False
    others = {other for _, other in program.exchange.everywhere(SETTINGS_FILE, "")}
    return any(program.exchange.everywhere(FILE, other) for other in sorted(others))


@dataclass
class _KeyFacts:
    """A configuration key and what is found out about it."""

    name: str
    facts: dict[str, bool | str | Place | list[Place]] = field(default_factory=dict)

    def note(self, fact: str, value: bool | str | Place | list[Place]) -> None:
        if value:
            self.facts[fact] = value


def _line_of(value: object) -> int:
    return PLACES if isinstance(value, list) else PLACE if isinstance(value, Place) else 0


def _mostly_declared(keys: list[_KeyFacts], reach: Reach) -> bool:
    """Whether a section of a file that no code names fits the place that takes a section of its name."""
    return 2 * sum(key.name in reach.declared for key in keys) >= len(keys)


def _judge(keys: list[_KeyFacts], reach: Reach) -> bool:
    """Say of each key of one section in one file whether it is declared, read or dead; returns whether the file fits.

    A section of another file may bear the same name: nothing is said unless some key is known or nearly known.
    """
    near: dict[str, str] = {}
    known = False
    for key in keys:
        declared = reach.declared.get(key.name)
        is_read = "read-at" in key.facts
        if declared is not None:
            known = True
            if not is_read:
                key.note("declared", declared)
        elif not is_read and reach.closed and len(near) < _MOST_NEAR:
            near[key.name] = _near(key.name, [*reach.declared])
    if not reach.closed or not (known or any(near.values())):
        return known
    for key in keys:
        if key.name in near and not key.name.isdigit():
            key.note("dead", True)
            if near[key.name]:
                key.note("near", near[key.name])
                key.note("near-declared", reach.declared[near[key.name]])
    return True


def _near(name: str, declared: list[str]) -> str:
    """The declared name that a key was probably meant to be, empty when none is close."""
    found = difflib.get_close_matches(name, declared, 1, _NEAR)
    if found:
        return found[0]
    longer = [d for d in declared if min(len(d), len(name)) > 3]
    inside = [d for d in longer if name.endswith("_" + d) or d.endswith("_" + name)]
    return inside[0] if len(inside) == 1 else ""


def link_keys(program: Program, facts: FileFacts) -> None:
    """Add to the keys of a settings file what was told of them."""
    keys = [draft for draft in facts.drafts if draft.role is ElementRole.CONFIG_KEY]
    for place, draft in enumerate(keys):
        for name, value, line in program.exchange.of(KEY_FACTS, facts.path, str(place)) or ():
            draft.add(name, value, line, Evidence.DERIVED)


def link_classes(program: Program, facts: FileFacts) -> None:
    """Complete the `config_class` elements of a file, and make those for classes that take sections of settings."""
    known = {draft.qualname: draft for draft in facts.drafts if draft.role is ElementRole.CONFIG_CLASS}
    loaded: dict[str, list[str]] = {}
    for settings, qualnames in program.exchange.everywhere(LOADED, facts.path):
        for qualname in qualnames:
            loaded.setdefault(qualname, []).append(settings)
    for qualname in loaded:
        made = None if qualname in known else _class_draft(program, facts, qualname)
        if made is not None:
            known[qualname] = made
    for qualname, draft in known.items():
        families = [program.class_(key) for key in program.ancestors((facts.path, qualname))]
        classes = [found for found in families if found is not None]
        inherited = [name for base in classes[1:] for name in base.fields]
        if inherited:
            own = draft.get("fields")
            draft.replace("fields", [*dict.fromkeys([*(own if isinstance(own, list) else []), *inherited])])
            if draft.get("extra") is None:
                draft.note("extra", next((found.extra for found in classes if found.extra), ""))
        draft.note("loaded-from", [*sorted(loaded.get(qualname, ()))], 0, Evidence.DERIVED)


def _class_draft(program: Program, facts: FileFacts, qualname: str) -> Draft | None:
    base = next((d for d in facts.drafts if d.role is ElementRole.CLASS and d.qualname == qualname), None)
    known = program.class_((facts.path, qualname))
    if base is None or known is None:
        return None
    draft = Draft(ElementRole.CONFIG_CLASS, base.name, qualname, base.start, base.end, AnchorKind.CLASS)
    draft.add("fields", [*known.fields])
    draft.note("extra", known.extra)
    facts.drafts.append(draft)
    return draft
