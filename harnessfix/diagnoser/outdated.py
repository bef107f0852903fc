"""Findings about code that has changed since the run was recorded: they are no longer about this harness."""

from collections.abc import Iterable

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir


def split_outdated(
    diagnoses: Iterable[Diagnosis], run: Htir, model: HarnessModel
) -> tuple[list[Diagnosis], list[Diagnosis]]:
    """Diagnoses of one run: those whose first anchor stands as it was recorded, and the others.

    A file that changed elsewhere is no reason to drop a finding: a function is compared by the hash of its own lines.

    Args:
        diagnoses: of that run.
        run: with the hashes of the harness files as recorded, in `run.attributes["files"]`.
        model: the harness as it is now.
    """
    recorded = run.run.attributes.get("files")
    if not isinstance(recorded, dict) or not recorded:
        return list(diagnoses), []
    now = {file.path: file.sha256 for file in model.files}
    changed = {path for path, digest in recorded.items() if now.get(path) != digest}
    functions = {
        (anchor.path, anchor.qualname): anchor.content_hash
        for step in run.steps
        for anchor in step.anchors
        if anchor.content_hash
    }
    current: list[Diagnosis] = []
    outdated: list[Diagnosis] = []
    for diagnosis in diagnoses:
        stands = _stands(diagnosis.anchors[0], changed, functions, model)
        (current if stands else outdated).append(diagnosis)
    return current, outdated


def _stands(anchor: Anchor, changed: set[str], functions: dict[tuple[str, str], str], model: HarnessModel) -> bool:
    if anchor.path not in changed:
        return True
    before = functions.get((anchor.path, anchor.qualname))
    function = model.function(anchor.path, anchor.qualname)
    return before is not None and function is not None and function.anchor.content_hash == before
