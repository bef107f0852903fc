"""A patch as the body of a pull request: the evidence, the change, the proof, and what would refute it."""

from collections.abc import Iterator, Sequence

from harnessfix.words import counted
from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.operators import all_operators
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.documents import Validation

EVIDENCE = 8


def title(patch: Patch, flaw: FlawRecord) -> str:
    """One line, as a commit message begins."""
    operator = all_operators().get(patch.operator)
    what = operator.summary.rstrip(".") if operator is not None else f"Repair {flaw.best.name}"
    anchor = flaw.best.anchors[0]
    return f"{what} ({anchor.qualname if anchor.qualname not in ('', '<module>') else anchor.path})"


def body(patch: Patch, flaw: FlawRecord, validation: Validation | None) -> str:
    """The Markdown of one patch.

    Args:
        patch: what is proposed.
        flaw: what it repairs.
        validation: its proof, None when it was not validated.
    """
    text = "\n".join(
        [
            f"# {_plain(title(patch, flaw))}",
            "",
            "## Evidence",
            "",
            *_evidence(patch, flaw),
            "",
            "## Change",
            "",
            *_change(patch),
            "",
            "```diff",
            *_fenced(patch.diff),
            "```",
            "",
            "## Proof",
            "",
            *_proof(validation),
            "",
            "## What would refute it",
            "",
            _plain(patch.contract.falsifier),
            "",
        ]
    )
    return Scrubber().text(text)  # a key in the lines around a change does not leave the repository this way


def commit_message(patch: Patch, flaw: FlawRecord, validation: Validation | None) -> str:
    """Title, the flaw, the proof, and the patch's id."""
    best = flaw.best
    lines = [title(patch, flaw), "", f"{best.rule} {best.name}: {best.message}", ""]
    lines += [line.removeprefix("- ") for line in _proof(validation)[:1]]
    return Scrubber().text("\n".join([*lines, "", f"Harnessfix-Patch: {patch.id}", ""]))


def _evidence(patch: Patch, flaw: FlawRecord) -> Iterator[str]:
    best = flaw.best
    yield f"**{best.rule} {best.name}** on the {best.layer.value} layer, at `{best.anchors[0].place}`."
    yield f"{_plain(best.message)}"
    yield ""
    yield f"How it is known: {best.evidence.value}, confidence {best.confidence:.2f}."
    support = flaw.support
    runs = support.failed + support.passed + support.unknown
    if runs:
        yield f"It shows in {counted(runs, 'recorded run')}, {support.failed} of them failed."
    yield ""
    yield from (f"- `{one}`" for one in patch.contract.evidence[:EVIDENCE])
    if len(patch.contract.evidence) > EVIDENCE:
        yield f"- and {len(patch.contract.evidence) - EVIDENCE} more"
    for where, quote in best.quotes[:3]:
        yield f"- {where}: {_code(quote)}"


def _change(patch: Patch) -> Iterator[str]:
    yield _plain(patch.spec.required_change)
    yield ""
    yield f"- operator `{patch.operator}`, {patch.safety.value.replace('_', '-')}"
    for name, value in patch.spec.parameters.items():
        yield f"- {name}: {_code(str(value))}"
    yield f"- {patch.added} lines added, {patch.removed} removed, in {', '.join(f'`{f.path}`' for f in patch.files)}"
    yield f"- may not change: {_plain(patch.spec.must_not_change)}"
    operator = all_operators().get(patch.operator)
    if operator is not None:
        yield f"- before merging: {_plain(operator.fix_safety)}"
    yield from (f"- left as it is: {_plain(left)}" for left in patch.left)


def _proof(validation: Validation | None) -> Sequence[str]:
    if validation is None:
        return ["Not validated yet: `harnessfix validate` runs the tasks with and without the patch."]
    lines = [f"- **{validation.outcome.value}**: {_plain(validation.reason)}"]
    for gate in validation.gates:
        mark = {True: "passed", False: "failed", None: "not made"}[gate.passed]
        lines.append(f"- {gate.name}: {mark}{f' ({_plain(gate.detail)})' if gate.detail else ''}")
    lines += [f"- {_plain(one.words)}" for one in validation.comparisons]
    lines += [f"- {_plain(note)}" for note in (*validation.limits, *validation.notes)]
    return lines


def _fenced(diff: str) -> list[str]:
    """Lines of a diff that cannot end the fence they stand in: a zero-width space breaks a row of backticks."""
    return [line.replace("```", "`\u200b``") for line in diff.rstrip("\n").split("\n")]


def _code(text: str) -> str:
    flat = " ".join(text.split())[:200].replace("`", "'")
    return f"`{flat}`"


def _plain(text: str) -> str:
    """Words of a trace or of source, which are no markup here."""
    flat = " ".join(text.split())
    for mark in "\\`*_<>[]|#":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
