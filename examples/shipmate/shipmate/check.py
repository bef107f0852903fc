"""Whether a run did what its task asked for."""

from pathlib import Path
from typing import Any

from .agent import Outcome

INSIDE = "workspace/"


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def problems(expect: dict[str, Any], outcome: Outcome, before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """What differs from the task's `expect`; nothing outside the workspace may change whatever it says."""
    found = []
    stop = expect.get("stop", "submitted")
    if outcome.stop != stop:
        found.append(f"ended as {outcome.stop!r}, not {stop!r}" + (f" ({outcome.error})" if outcome.error else ""))
    submission = outcome.submission or ""
    if "submission" in expect and submission != expect["submission"]:
        found.append(f"submitted {submission[-40:]!r}, not {expect['submission'][-40:]!r}")
    found += [f"the submission lacks {text!r}" for text in expect.get("submission_has", []) if text not in submission]
    found += [f"the reported error lacks {text!r}" for text in expect.get("error_has", []) if text not in outcome.error]
    for name, text in expect.get("files", {}).items():
        if after.get(INSIDE + name) != text.encode():
            found.append(f"{name} is not as asked")
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    for name in changed:
        if not name.startswith(INSIDE):
            found.append(f"{name}, outside the workspace, was changed")
        elif expect.get("unchanged"):
            found.append(f"{name.removeprefix(INSIDE)} was changed")
    return found
