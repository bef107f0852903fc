"""`record`: run a program as it is, with the probe beside it, and bring home what it wrote."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessfix_ir.errors import RecordError
from harnessfix_ir.harness import HarnessModel

from .probe.plan import make_plan

RUNTIME = Path(__file__).parent / "probe" / "runtime"
SCHEMA = "harnessfix.probe/1"
GRACE = 3.0
_ISOLATED = re.compile(r"-[A-Za-z]*[ISE][A-Za-z]*")
# Set only where the program's user has not: the SDK's default of 128 evicts the oldest attributes first, which are the
# system prompt and the task of a long conversation.
LOSSLESS = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "10000"}


@dataclass(frozen=True)
class RecordResult:
    """What a recorded program left behind.

    Args:
        exit_code: the program's; 128 + n when signal n ended it, as shells say it.
        signal: number of the signal that ended it, None otherwise.
        data: one document: a header line, then the lines of every process; empty when nothing was recorded.
        missing: evidence that could not be had, and what to do.
        folder: spool folder of this recording.
    """

    exit_code: int
    signal: int | None
    data: bytes
    missing: tuple[str, ...]
    folder: Path

    def discard(self) -> None:
        """Remove the spool folder, once `data` is safe elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


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
    task: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    quiet: bool = False,
) -> RecordResult:
    """Run `command` and record it.

    Args:
        command: program and arguments.
        model: the harness; nothing is instrumented without one.
        spool_root: a folder for the spool of this run and for instrumented code that is kept between runs.
        roots: folders that the model was read from, so that it can be read again; the model's root when empty.
        probe: whether to instrument at all.
        include, exclude: patterns of `path:qualname`, see `make_plan`.
        redact: whether secrets are replaced before they are written.
        task: name of the task.
        cwd: folder to run in.
        env: environment; this process's when None.
        timeout: seconds; then the program and its group are ended.
        quiet: send the program's output nowhere.

    Raises:
        RecordError: the program cannot be started.
    """
    trace = secrets.token_hex(16)
    folder = spool_root.resolve() / trace
    folder.mkdir(parents=True)
    plan = make_plan(model, include=include, exclude=exclude, redact=redact, cache=spool_root.resolve() / "code")
    if not probe:
        plan |= {"files": {}, "elements": []}
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
    environment = _environment(dict(os.environ if env is None else env), folder, trace)
    started = time.time_ns()
    try:
        code = _run(command, environment, cwd, timeout, quiet)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RecordError(
            f"cannot start {command[0]!r}: {error.strerror or error}",
            hint="Is it installed, spelled right, executable?",
        ) from None
    ended = {"t": "ended", "code": code, "time": time.time_ns()}
    header = {
        "t": "recording",
        "schema": SCHEMA,
        "trace": trace,
        "command": list(command),
        "task": task,
        "harness": [str(root) for root in roots or [model.root]],
        "time": started,
        "plan": plan,
    }
    data = _document(folder, header, ended)
    missing = tuple(_missing(command, data, plan, timeout is not None and code == 124))
    return RecordResult(128 - code if code < 0 else code, -code if code < 0 else None, data, missing, folder)


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


def _environment(environment: dict[str, str], folder: Path, trace: str) -> dict[str, str]:
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = str(RUNTIME) + (os.pathsep + path if path else "")
    environment["HARNESSFIX_PLAN"] = str(folder / "plan.json")
    environment["HARNESSFIX_SPOOL"] = str(folder)
    environment["HARNESSFIX_TRACE"] = trace
    environment["TRACEPARENT"] = f"00-{trace}-{'0' * 16}-01"
    for name, value in LOSSLESS.items():
        environment.setdefault(name, value)
    return environment


def _run(
    command: Sequence[str], environment: dict[str, str], cwd: Path | None, timeout: float | None, quiet: bool
) -> int:
    sink = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(
        list(command),
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL if quiet else None,
        stdout=sink,
        stderr=sink,
        start_new_session=quiet and os.name == "posix",
    )
    with _forwarding(process):
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            _end(process, quiet)
            return 124


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


def _document(folder: Path, header: dict[str, Any], ended: dict[str, Any]) -> bytes:
    spools = sorted(folder.glob("*.jsonl"), key=lambda path: int(path.stem.partition("-")[2] or 0))
    parts = [json.dumps(header).encode() + b"\n"]
    for spool in spools:
        data = spool.read_bytes()
        parts.append(data if data.endswith(b"\n") or not data else data + b"\n")
    parts.append(json.dumps(ended).encode() + b"\n")
    return b"".join(parts)


def _missing(command: Sequence[str], data: bytes, plan: Mapping[str, Any], timed_out: bool) -> Iterator[str]:
    if timed_out:
        yield "the program did not end in time and was stopped"
    if b'\n{"t":"run"' not in data:
        if any(_ISOLATED.fullmatch(word) for word in command[1:4]):
            yield "Python was started isolated (-I, -S or -E), so the probe could not start: leave that flag out"
        else:
            yield f"no Python process was seen in {command[0]!r}: only Python 3.8 and later is recorded step by step"
    elif not plan["elements"]:
        yield "no function with a role was found in the harness: name it with --harness (folder or installed package)"
    elif b'\n{"t":"start"' not in data:
        yield "none of the harness's functions was called: is it the harness that this program runs? See --harness"
