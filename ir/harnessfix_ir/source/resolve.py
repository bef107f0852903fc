"""From a name on the command line to a folder of source."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

from harnessfix_ir.errors import HarnessfixError

_SECONDS = 20.0
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ASK = (
    "import importlib.util, json, sys\n"
    "s = importlib.util.find_spec(sys.argv[1])\n"
    "print(json.dumps(None if s is None else [s.origin, list(s.submodule_search_locations or [])]))\n"
)


def locate_harness(name_or_path: str, python: str | None = None) -> Path:
    """Folder (or file) of a harness that is named by path or by package.

    Args:
        name_or_path: an existing path, or the dotted name of an importable package or module.
        python: interpreter to ask; None for this process. Only the top-level name is looked up, so nothing of the
            package is imported; further parts of a dotted name are folders or files below it.

    Raises:
        HarnessfixError: when there is no such path and no such package, or the interpreter gives no answer.
    """
    path = Path(name_or_path).expanduser()
    if path.exists():
        return path.resolve()
    if not _NAME.fullmatch(name_or_path):
        raise HarnessfixError(
            f"there is no file or folder {name_or_path}",
            hint="Give a folder of source or the name of an installed package.",
        )
    top, _, rest = name_or_path.partition(".")
    origin, folders = _ask(top, python) if python else _find(top)
    where = f"with {python}" if python else "here"
    if not folders and not origin:
        raise HarnessfixError(
            f"no folder and no package named {top} is found {where}",
            hint="Give the path of the harness, or name the interpreter that can import it.",
        )
    found = _below(Path(folders[0]) if folders else Path(origin), rest)
    if found is None or not found.exists():
        raise HarnessfixError(
            f"{name_or_path} is found {where} but has no source that can be read",
            hint="Built-in, zipped and compiled modules cannot be diagnosed; give a folder of source.",
        )
    return found.resolve()


def _find(top: str) -> tuple[str, list[str]]:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return "", []
    if spec is None:
        return "", []
    return _origin(spec.origin), list(spec.submodule_search_locations or [])


def _ask(top: str, python: str) -> tuple[str, list[str]]:
    try:
        done = subprocess.run(
            [python, "-c", _ASK, top], capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
        answer = json.loads(done.stdout.strip().rpartition("\n")[2] or "null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise HarnessfixError(
            f"the interpreter {python} did not say where {top} is: {error}",
            hint="Check that it is a Python interpreter.",
        ) from error
    if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[1], list):
        return "", []
    return _origin(answer[0]), [str(folder) for folder in answer[1]]


def _origin(value: object) -> str:
    return value if isinstance(value, str) and value.endswith(".py") else ""


def _below(start: Path, rest: str) -> Path | None:
    here = start
    for part in rest.split(".") if rest else ():
        folder, file = here / part, here / f"{part}.py"
        if folder.is_dir():
            here = folder
        elif file.is_file():
            here = file
        else:
            return None
    return here
