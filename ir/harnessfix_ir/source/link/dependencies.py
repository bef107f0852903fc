"""Imports against declarations."""

from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.requirements import normal
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .program import Program

_OTHER_NAMES = """
attr=attrs bs4=beautifulsoup4 crypto=pycryptodome cv2=opencv-python dateutil=python-dateutil docx=python-docx
dotenv=python-dotenv fitz=pymupdf git=gitpython github=pygithub jose=python-jose jwt=pyjwt magic=python-magic
multipart=python-multipart openssl=pyopenssl opentelemetry=opentelemetry-api pil=pillow
pkg_resources=setuptools pptx=python-pptx psycopg2=psycopg2-binary ruamel=ruamel-yaml serial=pyserial
skimage=scikit-image sklearn=scikit-learn swerex=swe-rex websocket=websocket-client yaml=pyyaml zmq=pyzmq
"""
OTHER_NAMES = {name: other for name, _, other in (pair.partition("=") for pair in _OTHER_NAMES.split())}
"""Top-level modules whose distribution is called something else."""


def link_dependencies(program: Program, own: set[str]) -> None:
    """Facts of `dependency` elements.

    Only the first import of a package is kept as an element, with the places of all in `imported-at`. `undeclared` is
    said only where the harness declares dependencies at all.

    Args:
        program: the harness.
        own: names that are the harness's own modules or folders.
    """
    declared: dict[str, Draft] = {}
    for _, draft in program.drafts(ElementRole.DEPENDENCY):
        if draft.get("declared"):
            declared.setdefault(draft.name, draft)
    places: dict[str, list[str]] = {}
    required: set[str] = set()
    firsts: dict[str, Draft] = {}
    for facts in program.files.values():
        kept = []
        for draft in facts.drafts:
            if draft.role is ElementRole.DEPENDENCY and not draft.get("declared"):
                if draft.name in own:
                    continue
                places.setdefault(draft.name, []).append(f"{facts.path}:{draft.start}")
                first = firsts.get(draft.name)
                if not draft.get("optional"):
                    required.add(draft.name)
                if first is not None and not (first.get("optional") and not draft.get("optional")):
                    continue
                firsts[draft.name] = draft
            kept.append(draft)
        facts.drafts = kept
    for name, draft in firsts.items():
        draft.add("imported-at", [*places[name]], 0, Evidence.DERIVED)
        match = _declaration(name, str(draft.get("imported")), declared)
        if match is not None:
            match.add("imported-at", [*places[name]], 0, Evidence.DERIVED)
            draft.add("declared", match.get("declared"), 0, Evidence.DERIVED)
        elif declared and name in required:
            draft.add("undeclared", True, 0, Evidence.DERIVED)


def _declaration(name: str, imported: str, declared: dict[str, Draft]) -> Draft | None:
    """The declaration that brings a module: by name, by a known other name, or as part of a family (`google-…`)."""
    lowered = normal(name)
    for candidate in (lowered, normal(OTHER_NAMES.get(name.lower(), "")), normal(imported)):
        if candidate in declared:
            return declared[candidate]
    beginnings = (lowered + "-", "python-" + lowered)
    family = [d for key, d in declared.items() if key.startswith(beginnings) or key == "py" + lowered]
    return family[0] if family else None
