"""Imports against declarations."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.facts import FileFacts
from harnessfix_ir.source.places import PLACES, Place, is_import, refer
from harnessfix_ir.source.requirements import normal
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .exchange import Exchange, Told
from .program import Program
from .tables import DECLARED, DEPENDENCY_FACTS, IMPORTED, OWN_NAMES

_OTHER_NAMES = """
attr=attrs bs4=beautifulsoup4 crypto=pycryptodome cv2=opencv-python dateutil=python-dateutil docx=python-docx
dotenv=python-dotenv fitz=pymupdf git=gitpython github=pygithub jose=python-jose jwt=pyjwt magic=python-magic
multipart=python-multipart openssl=pyopenssl opentelemetry=opentelemetry-api pil=pillow
pkg_resources=setuptools pptx=python-pptx psycopg2=psycopg2-binary ruamel=ruamel-yaml serial=pyserial
skimage=scikit-image sklearn=scikit-learn swerex=swe-rex websocket=websocket-client yaml=pyyaml zmq=pyzmq
"""
OTHER_NAMES = {name: other for name, _, other in (pair.partition("=") for pair in _OTHER_NAMES.split())}
"""Top-level modules whose distribution is called something else."""


@dataclass
class _Package:
    """A package that is imported: where, and which of the imports is kept as an element with the places of all."""

    places: list[Place] = field(default_factory=list)
    kept: list[Place] = field(default_factory=list)
    first: Place | None = None
    imported: str = ""
    optional: bool = True


def join_dependencies(exchange: Exchange, told: Told) -> None:
    """Tell which imports are kept as elements, and join them with the declarations.

    Only the first import of a package is kept, with the places of all in `imported-at`, and the first that is needed
    where that is another. `undeclared` is said only where the harness declares dependencies at all.
    """
    declared: dict[str, tuple[str, int]] = {}
    values: dict[str, JsonValue] = {}
    for path, rows in exchange.everywhere(DECLARED, ""):
        for place, (name, value) in enumerate(rows):
            declared.setdefault(name, (path, place))
            values.setdefault(name, value)
    facts: dict[str, _Facts] = {}
    for name, package in _packages(exchange).items():
        at = package.places
        found: list[tuple[str, Any, int]] = [("imported-at", at, PLACES)]
        match = _declaration(name, package.imported, declared)
        if match is not None:
            path, place = declared[match]
            facts.setdefault(path, _Facts({}, [])).declared.append((place, at))
            found.append(("declared", values[match], 0))
        elif declared and not package.optional:
            found.append(("undeclared", True, 0))
        for kept in package.kept:
            known = facts.setdefault(kept.path, _Facts({}, []))
            known.imported.setdefault(name, []).append((kept.number, found if kept == package.first else []))
    for path, of_file in facts.items():
        told.share(DEPENDENCY_FACTS, path, of_file)


class _Facts(NamedTuple):
    """What is told of one file.

    Args:
        imported: by package, which imports of it are kept, with facts `(name, value, line)`.
        declared: which declarations are imported, and where.
    """

    imported: dict[str, list[tuple[int, list[tuple[str, Any, int]]]]]
    declared: list[tuple[int, list[Place]]]


def _packages(exchange: Exchange) -> dict[str, _Package]:
    own = {name for _, names in exchange.everywhere(OWN_NAMES, "") for name in names}
    found: dict[str, _Package] = {}
    for path, rows in exchange.everywhere(IMPORTED, ""):
        numbers: dict[str, int] = {}
        for name, optional, imported in rows:
            if name in own:
                continue
            package = found.setdefault(name, _Package())
            place = Place(path, name, numbers.get(name, 0))
            numbers[name] = place.number + 1
            package.places.append(place)
            if not package.kept or (package.optional and not optional):
                package.kept.append(place)
                package.first, package.imported = place, imported
            package.optional = package.optional and optional
    return found


def link_dependencies(program: Program, facts: FileFacts) -> None:
    """Keep of a file's imports those that stand for a package, with what was told of them and of declarations."""
    answers = program.exchange.everywhere(DEPENDENCY_FACTS, facts.path)
    imported = {
        (name, number): found for _, known in answers for name, rows in known[0].items() for number, found in rows
    }
    declared: dict[int, list[Any]] = {}
    for _, known in answers:
        for place, at in known[1]:
            declared.setdefault(place, []).append(at)
    kept, declarations = [], 0
    numbers: dict[str, int] = {}
    for draft in facts.drafts:
        if is_import(draft):
            number = numbers.get(draft.name, 0)
            numbers[draft.name] = number + 1
            found = imported.get((draft.name, number))
            if found is None:
                continue
            for name, value, line in found:
                draft.add(name, value, line, Evidence.DERIVED)
        elif draft.role is ElementRole.DEPENDENCY:
            for at in declared.get(declarations, ()):
                refer(draft, "imported-at", at)
            declarations += 1
        kept.append(draft)
    facts.drafts = kept


def _declaration(name: str, imported: str, declared: Collection[str]) -> str | None:
    """The declaration that brings a module: by name, by a known other name, or as part of a family (`google-…`)."""
    lowered = normal(name)
    for candidate in (lowered, normal(OTHER_NAMES.get(name.lower(), "")), normal(imported)):
        if candidate in declared:
            return candidate
    beginnings = (lowered + "-", "python-" + lowered)
    family = [key for key in declared if key.startswith(beginnings) or key == "py" + lowered]
    return family[0] if family else None
