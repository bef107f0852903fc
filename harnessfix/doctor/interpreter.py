"""The interpreter of the program to be recorded, and what is installed there."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .check import Check

OLDEST = (3, 9)
SECONDS = 30.0
# Run by the program's interpreter: only the standard library, only metadata, nothing of the user's is imported.
ASK = """
import json, sys
from importlib.metadata import distributions
packages, entries, needs = {}, [], {}
for found in distributions():
    name = found.metadata["Name"]
    if not name or name in packages:
        continue
    packages[name] = found.version
    for entry in found.entry_points:
        if entry.group.startswith("opentelemetry_"):
            entries.append([entry.group, entry.name, name])
            if entry.group == "opentelemetry_instrumentor":
                urls = found.metadata.get_all("Project-URL") or []
                needs[name] = {
                    "instruments": [r for r in found.requires or [] if "extra" in r and "instruments" in r],
                    "home": [str(url) for url in urls] + [str(found.metadata.get("Home-page"))],
                }
told = {"version": sys.version_info[:3], "executable": sys.executable}
print(json.dumps({**told, "packages": packages, "entries": entries, "needs": needs}))
"""


@dataclass(frozen=True)
class Entry:
    """An entry point: its group, its name, and the package that brings it."""

    group: str
    name: str
    package: str


@dataclass(frozen=True)
class Installed:
    """What an interpreter says of itself.

    Args:
        executable: its path.
        version: of Python.
        packages: normalised names to versions.
        entries: entry points of the groups of OpenTelemetry.
        instruments: package of an instrumentor to the requirements that say what it instruments.
        homes: package of an instrumentor to the addresses that its metadata names.
    """

    executable: str
    version: tuple[int, ...]
    packages: Mapping[str, str]
    entries: tuple[Entry, ...]
    instruments: Mapping[str, tuple[str, ...]]
    homes: Mapping[str, str]

    def of(self, group: str) -> list[Entry]:
        """Entry points of one group, by name and package."""
        return sorted((e for e in self.entries if e.group == group), key=lambda entry: (entry.name, entry.package))

    def has(self, package: str) -> str | None:
        """Version of a package, None when it is not installed."""
        return self.packages.get(normal(package))


def normal(name: str) -> str:
    """A package name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def ask(python: str | None) -> tuple[list[Check], Installed | None]:
    """The checks of the interpreter itself, and what is installed there; None when it gives no answer."""
    path = _path(python)
    try:
        answer = subprocess.run([path, "-c", ASK], capture_output=True, text=True, timeout=SECONDS, check=True)
        told = _told(json.loads(answer.stdout.strip().rpartition("\n")[2]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        return [
            Check(
                what="interpreter",
                state="problem",
                found=f"{path} does not run: {_reason(error)}",
                advice="Name the program's interpreter, or the folder of its environment, with --python.",
            )
        ], None
    return list(_checks(path, told)), told


def _path(python: str | None) -> str:
    if python is None:
        return shutil.which("python") or sys.executable
    for inside in ("bin/python", "Scripts/python.exe"):
        if (Path(python) / inside).exists():
            return str(Path(python) / inside)
    return python


def _told(raw: Any) -> Installed:
    needs: dict[str, Any] = raw["needs"]
    return Installed(
        executable=str(raw["executable"]),
        version=tuple(int(part) for part in raw["version"]),
        packages={normal(name): str(version) for name, version in raw["packages"].items()},
        entries=tuple(Entry(*map(str, entry)) for entry in raw["entries"]),
        instruments={name: tuple(map(str, told["instruments"])) for name, told in needs.items()},
        homes={name: " ".join(told["home"]) for name, told in needs.items()},
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said = str(error.stderr or "").strip().splitlines()
        return said[-1] if said else f"exit code {error.returncode}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "no answer in time" if isinstance(error, subprocess.TimeoutExpired) else "it gives no answer"


def _checks(path: str, told: Installed) -> Iterator[Check]:
    version = ".".join(map(str, told.version))
    old = told.version < OLDEST
    yield Check(
        what="interpreter",
        state="problem" if old else "ok",
        found=f"{path} (Python {version}), {len(told.packages)} packages",
        advice="The probe needs Python 3.9 or later; import traces instead." if old else "",
    )
