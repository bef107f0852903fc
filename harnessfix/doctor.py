"""What can be captured here, what will be lost and why: one check after another, each with its advice."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from harnessfix import __version__
from harnessfix_ir.document import Document
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.vocabulary import ElementRole

INSTRUMENTOR_GROUP = "opentelemetry_instrumentor"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
# Run by the program's interpreter: only the standard library, only metadata, nothing of the user's is imported.
ASK = """
import json, sys
from importlib.metadata import entry_points
try:
    found = list(entry_points(group="opentelemetry_instrumentor"))
except TypeError:
    found = entry_points().get("opentelemetry_instrumentor", [])
names = [[e.name, e.dist.metadata["Name"] if getattr(e, "dist", None) else "?"] for e in found]
print(json.dumps({"version": list(sys.version_info[:3]), "prefix": sys.prefix, "instrumentors": names}))
"""


class Check(Document):
    """One thing that was looked at.

    Args:
        what: in a word or two.
        state: `ok`, `note`, `loss` (evidence will be missing) or `problem` (recording will not work).
        found: what was found.
        advice: what to do, empty when nothing.
    """

    what: str
    state: Literal["ok", "note", "loss", "problem"]
    found: str
    advice: str = ""


def examine(start: Path, *, python: str | None, harness: Sequence[str], store: str | None) -> list[Check]:
    """All checks for recording a program from `start`.

    Args:
        start: folder.
        python: interpreter of the program; `python` on the path when None.
        harness: names or paths; those of the settings when empty.
        store: path or URL; the nearest when None.
    """
    return [
        Check(what="harnessfix", state="ok", found=f"{__version__} on Python {sys.version.split()[0]}"),
        *_interpreter(python),
        *_harness(start, python, harness),
        *_store(start, store),
        *_environment(),
        *_sandbox(),
    ]


def _interpreter(python: str | None) -> Iterator[Check]:
    found = python or shutil.which("python") or sys.executable
    try:
        answer = subprocess.run([found, "-c", ASK], capture_output=True, text=True, timeout=20, check=True)
        told = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        yield Check(
            what="interpreter", state="problem", found=f"{found} does not run", advice="Name one with --python."
        )
        return
    version = ".".join(map(str, told["version"]))
    state: Literal["ok", "problem"] = "ok" if tuple(told["version"]) >= (3, 9) else "problem"
    advice = "" if state == "ok" else "The probe needs Python 3.9 or later; import traces instead."
    yield Check(what="interpreter", state=state, found=f"{found} (Python {version})", advice=advice)
    yield from _instrumentors([(str(name), str(dist)) for name, dist in told["instrumentors"]])


def _instrumentors(found: list[tuple[str, str]]) -> Iterator[Check]:
    if not found:
        text = "no OpenTelemetry instrumentation is installed; the probe records the harness by itself"
        yield Check(what="instrumentation", state="note", found=text)
        return
    names = Counter(name for name, _ in found)
    yield Check(
        what="instrumentation",
        state="ok",
        found=f"{len(found)} OpenTelemetry instrumentors: {', '.join(sorted(names))}",
    )
    for name, number in names.items():
        if number > 1:
            packages = ", ".join(sorted(dist for other, dist in found if other == name))
            yield Check(
                what="instrumentation",
                state="loss",
                found=f"{number} packages instrument {name} ({packages}): each call may be recorded {number} times",
                advice=f"Uninstall all but one; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={name} switches all of them off.",
            )


def _harness(start: Path, python: str | None, harness: Sequence[str]) -> Iterator[Check]:
    from harnessfix.settings import load_settings
    from harnessfix_ir.source import read_harness
    from harnessfix_ir.source.resolve import locate_harness

    try:
        settings = load_settings(start, {})
        source = str(settings.source) if settings.source else "none; the defaults apply"
        yield Check(what="configuration", state="ok", found=source)
        roots = [
            locate_harness(name if harness else str(settings.root / name), python)
            for name in harness or settings.harness
        ]
        model = read_harness(roots, exclude=settings.exclude)
    except HarnessfixError as error:
        yield Check(what="harness", state="problem", found=str(error), advice=error.hint)
        return
    counts = Counter(element.role for element in model.elements)
    wanted = (ElementRole.AGENT_LOOP, ElementRole.MODEL_CALL, ElementRole.TOOL, ElementRole.PARSER, ElementRole.PROMPT)
    told = ", ".join(f"{counts[role]} {role.value.replace('_', ' ')}s" for role in wanted)
    bare = not counts[ElementRole.MODEL_CALL] and not counts[ElementRole.AGENT_LOOP]
    yield Check(
        what="harness",
        state="loss" if bare else "ok",
        found=f"{len(model.files)} files below {', '.join(map(str, roots))}: {told}",
        advice="No model call or agent loop was recognised: is this the harness? See --harness." if bare else "",
    )
    for file in model.files:
        if file.error:
            yield Check(
                what="harness", state="loss", found=f"{file.path}: {file.error}", advice="It is left out until mended."
            )


def _store(start: Path, store: str | None) -> Iterator[Check]:
    from harnessfix.store import Store, find_store

    place = store or find_store(start)
    if place is None:
        yield Check(what="store", state="note", found="none yet; the first recording makes .harnessfix/ here")
        return
    try:
        with Store.open(place, create=False) as held:
            info = held.info()
        yield Check(
            what="store", state="ok", found=f"{info.place} ({info.engine}): {info.runs} runs, {info.steps:,} steps"
        )
    except HarnessfixError as error:
        yield Check(what="store", state="problem", found=str(error), advice=error.hint)


def _environment() -> Iterator[Check]:
    limit = os.environ.get("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "")
    if limit.isdecimal() and int(limit) < 1000:
        yield Check(
            what="limits",
            state="loss",
            found=f"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT={limit}: long conversations lose their first messages",
            advice="Unset it; `harnessfix record` lifts it when it is not set.",
        )
    content = os.environ.get(CONTENT, "").upper()
    if content in ("FALSE", "NO_CONTENT"):
        yield Check(
            what="content",
            state="loss",
            found=f"{CONTENT}={content}: OpenTelemetry instrumentation leaves messages out",
            advice="The probe still records them; set SPAN_ONLY to have them in the spans too.",
        )
    for name in ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS"):
        if os.environ.get(name, "").lower() == "true":
            yield Check(
                what="content",
                state="loss",
                found=f"{name}=true: OpenInference spans hold no content",
                advice="Unset it.",
            )
    sampler = os.environ.get("OTEL_TRACES_SAMPLER", "always_on")
    if "always_on" not in sampler:
        advice = "Unset it while you debug."
        yield Check(
            what="sampling",
            state="loss",
            found=f"OTEL_TRACES_SAMPLER={sampler}: some runs are not recorded",
            advice=advice,
        )


def _sandbox() -> Iterator[Check]:
    if not Path("/proc/self/environ").exists():
        text = "no /proc: processes that outlive their step cannot be seen"
        yield Check(what="processes", state="loss", found=text, advice="Rule E102 then relies on the source alone.")
    if shutil.which("bwrap") is None:
        text = "bubblewrap is not installed: validation runs in a worktree with limits, without a sandbox"
        yield Check(what="sandbox", state="note", found=text, advice="Install bubblewrap to have one (Linux).")
    else:
        yield Check(what="sandbox", state="ok", found="bubblewrap")
