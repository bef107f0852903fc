"""A scratch copy of an example that comes with harnessfix, under version control, ready to be recorded."""

import shutil
import tempfile
from pathlib import Path

from harnessfix_ir.errors import HarnessfixError
from harnessfix_repairs.validation.gitcommand import git

IGNORED = shutil.ignore_patterns("__pycache__", ".harnessfix", "*.pyc")
IDENTITY = {"user.name": "harnessfix demo", "user.email": "demo@localhost"}


def examples_folder() -> Path:
    """Where the examples lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "_examples", package.parent / "examples"):
        if folder.is_dir():
            return folder
    raise HarnessfixError("the examples are not installed", hint="Install harnessfix from its wheel or a checkout.")


def copy_example(name: str, target: Path | None = None) -> Path:
    """Copy an example into a new folder and commit it there, where git is installed.

    Args:
        name: folder name of the example.
        target: where to; a new temporary folder when None.

    Raises:
        HarnessfixError: the target exists already.
    """
    if target is not None and target.exists():
        raise HarnessfixError(f"{target} exists already", hint="Name a folder that does not exist yet.")
    place = (
        target.resolve() if target is not None else Path(tempfile.mkdtemp(prefix="harnessfix-demo-")).resolve() / name
    )
    shutil.copytree(examples_folder() / name, place, ignore=IGNORED)
    (place / ".gitignore").write_text(".harnessfix/\n__pycache__/\n")
    if shutil.which("git"):
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "The agent as it came")):
            git(place, *arguments, config=IDENTITY)
    return place
