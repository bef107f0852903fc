"""Which processes a step left behind: on Linux, those whose environment carries the step's id."""

from __future__ import annotations

import os

from .system import System, read_file

SETTLE = 0.06
PAUSE = 0.01
LONGEST = 400
_GONE = (b"", b"Z", b"X")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .probe import Probe


def traceparent(trace: str, span: str) -> str:
    """The value of TRACEPARENT for a child of `span`, as W3C Trace Context has it."""
    return f"00-{trace}-{span}-01"


def alive(probe: Probe, span: str) -> list[dict[str, object]] | None:
    """Processes that carry the id of `span` and still live, or None where that cannot be seen.

    A process that is just being ended is given a moment: only what is alive after it counts.
    """
    if not os.path.isdir("/proc/self/fd"):
        return None
    mark = f"TRACEPARENT={traceparent(probe.trace, span)}".encode("ascii")
    end = System.steady() + SETTLE
    found = _scan(mark, probe)
    while found and System.steady() < end:
        System.sleep(PAUSE)
        found = [process for process in found if _state(str(process["pid"])) not in _GONE]
    return found


def _scan(mark: bytes, probe: Probe) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    own = str(System.pid())
    for name in System.listdir("/proc"):
        if not name.isdigit() or name == own:
            continue
        try:
            if mark not in read_file(f"/proc/{name}/environ") or _state(name) in _GONE:
                continue
            command = read_file(f"/proc/{name}/cmdline", 4000).replace(b"\0", b" ").decode("utf-8", "replace").strip()
            found.append({"pid": int(name), "cmd": probe.spool.scrub(command)[:LONGEST]})
        except OSError:
            continue
    return found


def _state(pid: str) -> bytes:
    try:
        return read_file(f"/proc/{pid}/stat", 1000).rpartition(b") ")[2][:1]
    except OSError:
        return b""
