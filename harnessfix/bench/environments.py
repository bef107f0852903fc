"""A virtual environment for each set of released packages, made once and kept."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harnessfix_ir.errors import HarnessfixError

DONE = ".ok"


def cache_folder() -> Path:
    """Where environments are kept: `$XDG_CACHE_HOME/harnessfix-bench`, else below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "harnessfix-bench"


def interpreter(pins: Sequence[str], constraints: Path | None = None) -> Path:
    """The Python of an environment that holds these packages.

    Args:
        pins: requirements with exact versions.
        constraints: a pip constraints file, None for none.

    Raises:
        HarnessfixError: they could not be installed.
    """
    venv = cache_folder() / hashlib.sha1(json.dumps(list(pins)).encode(), usedforsecurity=False).hexdigest()[:12]
    python = venv / "bin" / "python"
    if not (venv / DONE).exists():
        bound = ["-c", str(constraints)] if constraints is not None and constraints.exists() else []
        uv = shutil.which("uv")
        if uv is not None:
            _run([uv, "venv", "-q", "--clear", "-p", sys.executable, str(venv)], pins)
            # Programs of benchmarks write no bytecode, so it has to be there: litellm takes half a minute without.
            _run([uv, "pip", "install", "-q", "--compile-bytecode", "-p", str(python), *bound, *pins], pins)
        else:
            _run([sys.executable, "-m", "venv", "--clear", str(venv)], pins)
            _run([str(venv / "bin" / "pip"), "install", "-qq", *bound, *pins], pins)
        (venv / DONE).touch()
    return python


def _run(command: list[str], pins: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise HarnessfixError(
            f"{', '.join(pins)} cannot be installed: {said[0]}", hint="Is the package index reachable?"
        )
