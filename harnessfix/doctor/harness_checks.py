"""The harness: where it is, and what of it the probe will see."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harnessfix.words import counted
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.vocabulary import ElementRole

from .check import Check

SHOWN = (ElementRole.AGENT_LOOP, ElementRole.MODEL_CALL, ElementRole.TOOL, ElementRole.PARSER, ElementRole.PROMPT)


def checks(start: Path, python: str | None, harness: Sequence[str]) -> Iterator[Check]:
    """What the settings name as the harness, read once.

    Args:
        start: folder whose settings apply.
        python: interpreter that knows packages; this one when None.
        harness: names or paths instead of those of the settings.
    """
    from harnessfix.settings import load_settings
    from harnessfix.workspace import harness_roots
    from harnessfix_ir.source import read_harness

    try:
        settings = load_settings(start, {})
        source = str(settings.source) if settings.source else "none; the defaults apply"
        yield Check(what="configuration", state="ok", found=source)
        roots = harness_roots(settings, harness, python)
        model = read_harness(roots, exclude=settings.exclude)
    except HarnessfixError as error:
        yield Check(what="harness", state="problem", found=str(error), advice=error.hint)
        return
    counts = Counter(element.role for element in model.elements)
    told = ", ".join(f"{counts[role]} {role.value.replace('_', ' ')}{'s' * (counts[role] != 1)}" for role in SHOWN)
    bare = not counts[ElementRole.MODEL_CALL] and not counts[ElementRole.AGENT_LOOP]
    yield Check(
        what="harness",
        state="loss" if bare else "ok",
        found=f"{counted(len(model.files), 'file')} below {', '.join(map(str, roots))}: {told}",
        advice="No model call or agent loop was recognised: is this the harness? See --harness." if bare else "",
    )
    for file in model.files:
        if file.error:
            yield Check(
                what="harness", state="loss", found=f"{file.path}: {file.error}", advice="It is left out until mended."
            )
    if not settings.probe.enabled:
        yield Check(
            what="probe",
            state="loss",
            found="the settings switch the probe off: only what the program emits itself is recorded",
            advice="Remove `probe.enabled = false`.",
        )
    if not settings.redact.enabled:
        yield Check(
            what="redaction",
            state="note",
            found="the settings switch redaction off: secrets are stored as they are",
            advice="Remove `redact = false`, unless the store is safe.",
        )
