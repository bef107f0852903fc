"""A patch as an OpenSpec change proposal: `changes/<id>/` with proposal, tasks, and what the system shall do.

The layout is that of OpenSpec 1: a requirement has at least one scenario, and a delta says ADDED or MODIFIED.
"""

from collections.abc import Mapping

from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.operators import all_operators
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import Validation

from .pull_request import body, title


def change_id(patch: Patch, flaw: FlawRecord) -> str:
    """Name of the change's folder: kebab case, with the flaw's id."""
    return f"repair-{flaw.best.name}-{patch.flaw}"


def change(patch: Patch, flaw: FlawRecord, validation: Validation | None) -> Mapping[str, str]:
    """The change's files: path relative to the OpenSpec folder, to text."""
    name = change_id(patch, flaw)
    capability = f"harness-{flaw.best.layer.value.replace('_', '-')}"
    texts = {
        "proposal.md": _proposal(patch, flaw, capability),
        "tasks.md": _tasks(patch, validation),
        "design.md": body(patch, flaw, validation),
        f"specs/{capability}/spec.md": _spec(patch, flaw),
    }
    clean = {f"changes/{name}/{file}": Scrubber().text(text) for file, text in texts.items()}
    return {**clean, f"changes/{name}/repair.patch": patch.diff}


def _proposal(patch: Patch, flaw: FlawRecord, capability: str) -> str:
    best = flaw.best
    files = "\n".join(f"- Affected code: `{file.path}` (+{file.added} -{file.removed})" for file in patch.files)
    return f"""# Change: {title(patch, flaw)}

## Why

{_flat(best.message)} ({best.rule} {best.name}, at `{best.anchors[0].place}`)

## What Changes

- {_flat(patch.spec.required_change)}
- Must not change: {_flat(patch.spec.must_not_change)}

## Impact

- Affected specs: {capability}
{files}
- Safety: {patch.safety.value.replace("_", "-")}
"""


def _tasks(patch: Patch, validation: Validation | None) -> str:
    proved = validation is not None and validation.accepted
    said = _flat(validation.reason) if validation is not None else "not validated yet"
    return f"""## 1. Implementation

- [ ] 1.1 Apply `repair.patch` (`harnessfix repair --apply {patch.flaw}`)
- [{"x" if proved else " "}] 1.2 Prove it (`harnessfix validate {patch.flaw}`): {said}
- [ ] 1.3 Read what the operator says of its safety, in `design.md`
"""


def _spec(patch: Patch, flaw: FlawRecord) -> str:
    best = flaw.best
    operator = all_operators().get(patch.operator)
    what = operator.summary if operator is not None else patch.spec.required_change
    return f"""## ADDED Requirements

### Requirement: {best.name.replace("-", " ").capitalize()} does not occur

The harness SHALL hold this at `{best.anchors[0].place}`: {_flat(what)}

#### Scenario: What failed before

- **WHEN** the harness meets what was recorded: {_flat(best.message)}
- **THEN** {_flat(patch.contract.expected_effect)}

#### Scenario: What worked before

- **WHEN** a task runs that passed before the change
- **THEN** it passes after it
"""


def _flat(text: str) -> str:
    return " ".join(text.split())
