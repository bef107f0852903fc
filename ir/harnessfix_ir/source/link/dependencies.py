"""Imports against declarations."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harnessfix_ir.document import JsonValue
from harnessfix_ir.source.facts import FileFacts
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

    places: list[str] = field(default_factory=list)
    kept: list[tuple[str, int]] = field(default_factory=list)
    first: tuple[str, int] = ("", 0)
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
        at: list[JsonValue] = [*package.places]
        found: list[tuple[str, JsonValue]] = [("imported-at", at)]
        match = _declaration(name, package.imported, declared)
        if match is not None:
            path, place = declared[match]
            facts.setdefault(path, _Facts([], [])).declared.append((place, at))
            found.append(("declared", values[match]))
        elif declared and not package.optional:
            found.append(("undeclared", True))
        for path, place in package.kept:
            facts.setdefault(path, _Facts([], [])).imported.append(
                (place, found if (path, place) == package.first else [])
            )
    for path, known in facts.items():
        told.share(DEPENDENCY_FACTS, path, known)


class _Facts(NamedTuple):
    """By the place among a file's imports and declarations, facts of those that are kept."""

    imported: list[tuple[int, list[tuple[str, JsonValue]]]]
    declared: list[tuple[int, list[JsonValue]]]


def _packages(exchange: Exchange) -> dict[str, _Package]:
    own = {name for _, names in exchange.everywhere(OWN_NAMES, "") for name in names}
    found: dict[str, _Package] = {}
    for path, rows in exchange.everywhere(IMPORTED, ""):
        for place, name, line, optional, imported in rows:
            if name in own:
                continue
            package = found.setdefault(name, _Package())
            package.places.append(f"{path}:{line}")
            if not package.kept or (package.optional and not optional):
                package.kept.append((path, place))
                package.first, package.imported = (path, place), imported
            package.optional = package.optional and optional
    return found


def link_dependencies(program: Program, facts: FileFacts) -> None:
    """Keep of a file's imports those that stand for a package, with what was told of them and of declarations."""
    answers = program.exchange.everywhere(DEPENDENCY_FACTS, facts.path)
    imported: dict[int, Any] = {place: found for _, known in answers for place, found in known[0]}
    declared: dict[int, list[Any]] = {}
    for _, known in answers:
        for place, at in known[1]:
            declared.setdefault(place, []).append(at)
    kept, imports, declarations = [], 0, 0
    for draft in facts.drafts:
        if draft.role is ElementRole.DEPENDENCY and draft.get("declared"):
            for at in declared.get(declarations, ()):
                draft.add("imported-at", at, 0, Evidence.DERIVED)
            declarations += 1
        elif draft.role is ElementRole.DEPENDENCY:
            found, imports = imported.get(imports), imports + 1
            if found is None:
                continue
            for name, value in found:
                draft.add(name, value, 0, Evidence.DERIVED)
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
