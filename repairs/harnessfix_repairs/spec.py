"""From a diagnosis to the specification of its repair."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, RepairSpec, Scope
from harnessfix_ir.vocabulary import Safety

from .auditing.python_symbols import IMPORTS, MODULE, symbols_at
from .operators import Operator, all_operators
from .paths import FORBIDDEN

MAX_LINES = 60
LINES_PER_CLONE = 20


def make_spec(
    diagnosis: Diagnosis,
    clones: Sequence[Anchor],
    files: Mapping[str, str | bytes],
    *,
    forbidden: Iterable[str] = FORBIDDEN,
) -> RepairSpec:
    """What a repair of this diagnosis must do, what it may touch, and what will count as proof.

    Args:
        diagnosis: what was found; it names an operator.
        clones: other places with the same flaw in their code, repaired with it.
        files: path to content of the files that anchors and clones stand in, as the diagnosis read them.
        forbidden: glob patterns of paths that may never be touched.
    """
    anchors = (*diagnosis.anchors, *clones)
    operator = all_operators().get(diagnosis.operator or "")
    paths = tuple(dict.fromkeys(anchor.path for anchor in anchors if anchor.path in files))
    symbols = dict.fromkeys(symbol for anchor in anchors for symbol in _symbols(anchor, files.get(anchor.path)))
    if operator is not None:
        symbols.update(dict.fromkeys(f"{path}:{name}" for path in paths for name in operator.adds))
        texts = {path: _text(files[path]) for path in paths}
        for anchor in anchors:
            symbols.update(dict.fromkeys(operator.symbols(texts, anchor, diagnosis.parameters)))
    return RepairSpec(
        flaw=diagnosis.flaw,
        rule=diagnosis.rule,
        operator=diagnosis.operator or "",
        parameters=diagnosis.parameters,
        anchors=anchors,
        allowed=Scope(files=paths, symbols=tuple(symbols), max_lines=MAX_LINES + LINES_PER_CLONE * len(clones)),
        forbidden=tuple(forbidden),
        required_change=_required(diagnosis, operator),
        must_not_change=_kept(operator),
        proof_rules=(diagnosis.rule,),
        safety=operator.safety if operator is not None else Safety.DISPLAY_ONLY,
        file_hashes={path: sha256(files[path]) for path in paths},
    )


def sha256(content: str | bytes) -> str:
    """Hex SHA-256 of a file's bytes; of a text, its UTF-8 bytes."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content).hexdigest()


def _symbols(anchor: Anchor, content: str | bytes | None) -> Iterable[str]:
    """Symbols of one anchor; at module level those that its lines belong to, never the whole module."""
    name = anchor.qualname.replace("<locals>.", "")
    if name not in (MODULE, "") or not anchor.path.endswith((".py", ".pyi")):
        return [f"{anchor.path}:{name or MODULE}"]
    found = symbols_at(_text(content or ""), anchor.start_line, max(anchor.end_line, anchor.start_line))
    return [f"{anchor.path}:{symbol}" for symbol in found if symbol != IMPORTS]


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8-sig", "replace")


def _required(diagnosis: Diagnosis, operator: Operator | None) -> str:
    what = operator.summary if operator is not None else diagnosis.name
    return f"{what} At {diagnosis.anchors[0].place} ({diagnosis.anchors[0].qualname})."


def _kept(operator: Operator | None) -> str:
    signatures = "" if operator is not None and operator.changes_signatures else "Signatures of public functions, "
    return f"{signatures}other functions, classes and keys, comments, and what passing runs do.".capitalize()
