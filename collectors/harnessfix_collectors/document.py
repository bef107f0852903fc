"""The document of a recording: what the recorder hands to a program, and what it makes of the files that it leaves."""

import hashlib
import json
import marshal
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).parent / "probe" / "runtime"
SCHEMA = "harnessfix.probe/2"
FORMAT = "harnessfix-probe"  # by which its reader is asked for
_ELEMENT = re.compile(rb'"e":(\d+)')
_IMPORTED = 2  # as the probe's `reached.py` sets a mark that was passed during an import only
_MARKS = re.compile(rb'^\{"t":"marks".*\n', re.MULTILINE)
_FRAME = re.compile(rb'\["((?:[^"\\]|\\.)+)","')


@dataclass(frozen=True)
class Header:
    """What is known before the program starts.

    Args:
        trace: trace id, 32 hex digits.
        command: program and arguments, without secrets.
        task: name of the task, likewise.
        roots: folders that the harness model was read from.
        plan: from `make_plan`.
        redacted: secrets that were replaced in these.
        program: words of the names that the program uses.
        started_ns: Unix time in nanoseconds.
    """

    trace: str
    command: tuple[str, ...]
    task: str
    roots: tuple[str, ...]
    plan: Mapping[str, Any]
    redacted: int = 0
    program: tuple[str, ...] = ()
    started_ns: int = field(default_factory=time.time_ns)


def write_plan(folder: Path, plan: Mapping[str, Any]) -> Path:
    """Write the plan where the program will read it, in a form that every Python reads without a parser of ours."""
    path = folder / "plan"
    path.write_bytes(marshal.dumps(dict(plan), 2))
    return path


def environment_for(
    environment: Mapping[str, str], plan: Path, folder: Path, trace: str, code: Path | None = None
) -> dict[str, str]:
    """`environment` with what starts the probe in every Python program that inherits it.

    Args:
        environment: of the program.
        plan: file that holds the plan.
        folder: for spool files.
        trace: trace id.
        code: folder where the probe's own compiled code is kept between runs.
    """
    path = environment.get("PYTHONPATH")
    kept = {} if code is None else {"HARNESSFIX_CODE": str(code / f"probe-{_probe()}")}
    return {
        **environment,
        **kept,
        "PYTHONPATH": str(RUNTIME) + (os.pathsep + path if path else ""),
        "HARNESSFIX_PLAN": str(plan),
        "HARNESSFIX_SPOOL": str(folder),
        "HARNESSFIX_TRACE": trace,
        "TRACEPARENT": f"00-{trace}-{'0' * 16}-01",
    }


@lru_cache(maxsize=1)
def _probe() -> str:
    """Digest of what runs inside a recorded program, and of where it lies: tracebacks name its files."""
    files = sorted((RUNTIME / "_harnessfix_probe").glob("*.py"))
    return hashlib.sha256(b"".join([str(RUNTIME).encode(), *(file.read_bytes() for file in files)])).hexdigest()[:16]


def assemble(folder: Path, header: Header, code: int | None, ended_ns: int | None = None) -> bytes:
    """One document: a header line with the parts of the plan that occur, the lines of every process, a last line.

    Args:
        folder: where the spool files are.
        header: of the recording.
        code: exit code, negative for a signal; None when it is not known, and there is no last line then.
        ended_ns: when the program ended, Unix time in nanoseconds; now when None.
    """
    spools = sorted((path for path in folder.glob("*.jsonl") if path.is_file()), key=_began)
    bodies = [data if data.endswith(b"\n") else data + b"\n" for spool in spools if (data := spool.read_bytes())]
    bodies = [_MARKS.sub(lambda found: _reached(found, folder), body) for body in bodies]
    first = {
        "t": "recording",
        "schema": SCHEMA,
        "trace": header.trace,
        "command": list(header.command),
        "task": header.task,
        "harness": list(header.roots),
        "program": list(header.program),
        "time": header.started_ns,
        "plan": _told(header.plan, bodies),
    }
    if header.redacted:
        bodies.append(json.dumps({"t": "redacted", "n": header.redacted}).encode() + b"\n")
    if code is not None:
        bodies.append(json.dumps({"t": "ended", "code": code, "time": ended_ns or time.time_ns()}).encode() + b"\n")
    return b"".join([json.dumps(first).encode(), b"\n", *bodies])


def _reached(found: re.Match[bytes], folder: Path) -> bytes:
    """In the place of a line on a file's marks, one on those that were set; nothing where none was.

    Of a function that was not entered only the first mark is told.
    """
    try:
        line = json.loads(found[0])
        marks = [(int(at), int(first)) for at, first in line["marks"]]
        ran = _set_marks(line, folder, len(marks))
    except (OSError, ValueError, KeyError, TypeError):
        return b""
    hit = [at for (at, _), was_set in zip(marks, ran) if was_set]
    if not hit:
        return b""
    entered = set(hit)
    missed = [at for (at, first), was_set in zip(marks, ran) if not was_set and (at == first or first in entered)]
    told = {"t": "reached", "path": line["path"], "hit": hit, "missed": missed}
    imported = [at for (at, _), was_set in zip(marks, ran) if was_set == _IMPORTED]
    if imported:
        told["imported"] = imported
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _set_marks(line: dict[str, Any], folder: Path, count: int) -> bytes:
    """A byte for each mark, not 0 when it was set: told in the line, or left in the file that it names."""
    if "ran" in line:
        return bytes(int(digit, 16) for digit in line["ran"])
    with (folder / Path(str(line["file"])).name).open("rb") as marks:
        marks.seek(line["at"])
        return marks.read(count)


def _began(path: Path) -> tuple[int, str]:
    time_ns = path.stem.partition("-")[2]
    return (int(time_ns) if time_ns.isdigit() else 0, path.name)


def _told(plan: Mapping[str, Any], bodies: list[bytes]) -> dict[str, Any]:
    """Elements and files of the plan that the lines speak of."""
    elements = plan["elements"]
    numbers = {int(number) for body in bodies for number in _ELEMENT.findall(body)}
    used = {str(number): elements[number] for number in sorted(numbers) if number < len(elements)}
    paths = {element["path"] for element in used.values()}
    paths |= {json.loads(b'"%s"' % path) for body in bodies for path in set(_FRAME.findall(body))}
    files = {part["path"]: part["sha256"] for part in plan["files"].values() if part["path"] in paths}
    return {"elements": used, "files": files, "others": plan.get("others") or {}, "planned": len(elements)}
