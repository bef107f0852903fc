"""`record`: run a program as it is, with the probe beside it, and bring home what it wrote."""

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from harnessfix_ir.errors import RecordError
from harnessfix_ir.harness import HarnessModel

from .document import RUNTIME, Header, assemble, environment_for, write_plan
from .probe.exchanges import Exchange
from .probe.plan import make_plan
from .program import names_of_program, without_secrets
from .redaction import Scrubber
from .unfinished import Held, hold, note_end

__all__ = ["RUNTIME", "RecordResult", "is_isolated", "python_of", "record"]

GRACE = 3.0
UNSAMPLED = b'"unsampled":true'
LAST_WORDS = 4_000  # bytes of the end of a quiet program's errors that are looked at


@dataclass(frozen=True)
class RecordResult:
    """What a recorded program left behind.

    Args:
        exit_code: the program's; 128 + n when signal n ended it, as shells say it.
        signal: number of the signal that ended it, None otherwise.
        data: one document: a header line, then the lines of every process; empty when nothing was recorded.
        missing: evidence that could not be had, and what to do.
        folder: spool folder of this recording.
        timed_out: whether it was ended because its time was out; `exit_code` is 124 then.
        last_words: last line of what a quiet program wrote to its error stream; empty for one that is not quiet.
        held: says that somebody is there who will store `data`: see `unfinished`.
    """

    exit_code: int
    signal: int | None
    data: bytes
    missing: tuple[str, ...]
    folder: Path
    timed_out: bool = False
    last_words: str = ""
    held: Held | None = field(default=None, compare=False, repr=False)

    def discard(self) -> None:
        """Remove the spool folder, once `data` is safe elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.held is not None:
            self.held.release()

    def set_aside(self) -> str:
        """Put `data` into a file beside the spool folder; one sentence that says where, and what to do with it."""
        path = self.folder.with_suffix(".jsonl")
        self.discard()  # first: on a full disk that makes the room
        try:
            path.write_bytes(self.data)
        except OSError as error:
            return f"The recording is lost: {path} cannot be written either ({error.strerror})."
        return f"The recording is kept: once that is mended, `harnessfix import {shlex.quote(str(path))}` takes it in."


def record(
    command: Sequence[str],
    *,
    model: HarnessModel,
    spool_root: Path,
    roots: Sequence[Path] = (),
    probe: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    redact: bool = True,
    redact_patterns: Sequence[str] = (),
    task: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    quiet: bool = False,
    replay: Sequence[Exchange] | None = None,
    replies: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> RecordResult:
    """Run `command` and record it.

    Args:
        command: program and arguments.
        model: the harness; nothing is instrumented without one.
        spool_root: a folder for the spool of this run and for instrumented code that is kept between runs.
        roots: folders that the model was read from, so that it can be read again; the model's root when empty.
        probe: whether to instrument at all.
        include, exclude: patterns of `path` or `path:qualname`, see `make_plan`.
        redact: whether secrets are replaced before they are written.
        redact_patterns: further regular expressions of what is secret.
        task: name of the task.
        cwd: folder to run in.
        env: environment; this process's when None.
        timeout: seconds; then the program and its group are ended.
        quiet: send the program's output nowhere; of its errors the last line is kept.
        replay: exchanges of an earlier recording, whose answers the program gets instead of asking.
        replies: what functions returned in an earlier recording, as `probe.replies` reads it; they are not called.

    Raises:
        RecordError: the program cannot be started, or nothing can be written to `spool_root`.
    """
    code = spool_root.resolve() / "code"
    plan = make_plan(model, include=include, exclude=exclude, redact=redact, cache=code, replies=replies)
    plan["redact_patterns"] = list(redact_patterns)
    if not probe:
        places = {path: file["path"] for path, file in plan["files"].items()}
        plan |= {"files": {}, "elements": [], "places": places}
    if replay is not None:
        plan["replay"] = [exchange.as_plan() for exchange in replay]
    environment = os.environ if env is None else env
    scrubber = Scrubber(redact_patterns, environment) if redact else None
    names = names_of_program(command, cwd)
    header = Header(
        secrets.token_hex(16),
        tuple(scrubber.text(word) for word in command) if scrubber else tuple(command),
        scrubber.text(task) if scrubber else task,
        tuple(str(root) for root in roots) or (model.root,),
        plan,
        scrubber.count if scrubber else 0,
        without_secrets(names, scrubber.text) if scrubber else names,
    )
    folder = spool_root.resolve() / header.trace
    try:
        folder.mkdir(parents=True)
        plan_file = write_plan(folder, plan)
        held = hold(folder, header)
    except OSError as error:
        raise RecordError(
            f"nothing can be written to {spool_root}: {error.strerror}", hint="Is there space, and may you write there?"
        ) from None
    try:
        started_with = environment_for(environment, plan_file, folder, header.trace, code)
        ended, timed_out, said = _run(command, started_with, cwd, timeout, quiet)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RecordError(
            f"cannot start {command[0]!r}: {error.strerror or error}",
            hint="Is it installed, spelled right, executable?",
        ) from None
    note_end(folder, ended)
    data = assemble(folder, header, ended)
    missing = tuple(_missing(command, data, plan, plan_file, timed_out))
    return RecordResult(
        128 - ended if ended < 0 else ended,
        -ended if ended < 0 else None,
        data,
        missing,
        folder,
        timed_out=timed_out,
        last_words=said,
        held=held,
    )


def python_of(command: Sequence[str]) -> str | None:
    """The interpreter that will run `command`: itself, or the one a script's first line names; None when unknown."""
    found = shutil.which(command[0]) if command else None
    if found is None:
        return None
    if Path(found).name.startswith(("python", "pypy")):
        return found
    with contextlib.suppress(OSError), Path(found).open("rb") as file:
        first = file.readline(512)
        if first.startswith(b"#!") and b"python" in first:
            words = first[2:].decode("utf-8", "replace").split()
            interpreter = words[1] if Path(words[0]).name == "env" and len(words) > 1 else words[0]
            return shutil.which(interpreter)
    return None


def _run(
    command: Sequence[str], environment: dict[str, str], cwd: Path | None, timeout: float | None, quiet: bool
) -> tuple[int, bool, str]:
    """Exit code (negative for a signal, 124 for a time-out), whether the time was out, and the last line of errors."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            list(command),
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL if quiet else None,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=errors if quiet else None,
            start_new_session=quiet and os.name == "posix",
        )
        code, timed_out = 124, True
        with _forwarding(process):
            try:
                code, timed_out = process.wait(timeout), False
            except subprocess.TimeoutExpired:
                _end(process, quiet)
        return code, timed_out, _last_line(errors)


def _last_line(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_WORDS))
    lines = file.read(LAST_WORDS).decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _end(process: subprocess.Popen[bytes], group: bool) -> None:
    def send(number: int) -> None:
        with contextlib.suppress(OSError):
            if group and os.name == "posix":
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    send(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    send(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


@contextlib.contextmanager
def _forwarding(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C reaches the program from the terminal itself; what is sent to us alone is passed on to it."""

    def forward(number: int, frame: object) -> None:
        if number != signal.SIGINT or not sys.stdin or not sys.stdin.isatty():
            with contextlib.suppress(OSError):
                process.send_signal(number)

    previous: dict[signal.Signals, Any] = {}
    with contextlib.suppress(ValueError):  # not in the main thread: the signals are not ours
        for ours in (signal.SIGINT, signal.SIGTERM):
            previous[ours] = signal.signal(ours, forward)
    try:
        yield
    finally:
        for ours, handler in previous.items():
            signal.signal(ours, handler)


def _missing(
    command: Sequence[str], data: bytes, plan: Mapping[str, Any], plan_file: Path, timed_out: bool
) -> Iterator[str]:
    if timed_out:
        yield "the program did not end in time and was stopped"
    unsampled = data.count(UNSAMPLED)
    if unsampled:
        yield (
            f"the program's own sampler left {unsampled:,} OpenTelemetry spans out: they are recorded here, but its "
            "exporters did not get them"
        )
    trouble = plan_file.with_suffix(".trouble")
    if trouble.is_file():
        told = dict.fromkeys(trouble.read_text("utf-8", "replace").splitlines())
        yield f"the probe could not start: {'; '.join(told)[:400]}"
    elif b'\n{"t":"run"' not in data:
        if is_isolated(command):
            yield "Python was started isolated (-I, -S or -E), so the probe could not start: leave that flag out"
        else:
            yield f"no Python process was seen in {command[0]!r}: only Python 3.9 and later is recorded step by step"
    elif "places" in plan:
        if b'"otel":{' not in data:
            yield "without the probe only OpenTelemetry spans are recorded, and this program made none"
    elif not plan["elements"]:
        yield "no function with a role was found in the harness: name it with --harness (folder or installed package)"
    elif b'\n{"t":"start"' not in data:
        yield "none of the harness's functions was called: is it the harness that this program runs? See --harness"


def is_isolated(command: Sequence[str]) -> bool:
    """Whether a command starts Python with an option that keeps the environment or `site` out."""
    if not command or not Path(command[0]).name.startswith(("python", "pypy")):
        return False
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "--") or word.startswith(("-c", "-m")):
            return False
        if word in ("-X", "-W"):
            next(words, None)
        elif not word.startswith(("--", "-X", "-W")):
            letters = word[1:].partition("c")[0].partition("m")[0]
            if set(letters) & set("ISE"):
                return True
    return False
