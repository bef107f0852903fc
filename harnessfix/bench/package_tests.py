"""Whether a patch breaks one of the package's own tests: those that can run offline and speak of the patched module.

The tests are not in what is installed. They are given as a folder with, for each case, what the project's repository
holds at that release (`tests`, and beside it `pyproject.toml` and `conftest.py` where they are needed); a folder
`packages` in it, where there is one, holds pytest and its plugins for environments that lack them.
"""

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix_repairs.validation.sandbox import working_bubblewrap

SECONDS = 300.0
MOST_FILES = 12
_LAUNCH = "import sys; sys.path.append(sys.argv.pop(1)); import pytest; sys.exit(pytest.main(sys.argv[1:]))"


@dataclass(frozen=True)
class OwnTests:
    """What came of a package's own tests.

    Args:
        passed: how many passed without the patch.
        broken: those that passed without it and, tried twice, not with it.
        outdated: further ones that do not pass on the release with the project's own fix either: they ask for the bug.
        why: why none was run, empty when some were.
    """

    passed: int = 0
    broken: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    why: str = ""


def own_tests(
    folder: Path,
    case: str,
    python: Path,
    before: Path,
    after: Path,
    patched: Sequence[str],
    env: dict[str, str],
    fixed: Path | None = None,
) -> OwnTests:
    """Run a package's own tests on the released code and on the patched one.

    Args:
        folder: the tests of all cases.
        case: name of the case.
        python: of the environment that holds the package.
        before, after: folders with the package, to be put on the path.
        patched: paths below them of the files that the patch changes.
        env: variables to set.
        fixed: Python of the environment that holds the release with the project's own fix, None when there is none.
    """
    root = folder / case
    chosen = _speaking_of(root, patched)
    if not chosen:
        return OwnTests(why="there is no test file that speaks of the patched module")
    was = _outcomes(root, folder / "packages", python, before, chosen, env)
    passing = {name for name, passed in was.items() if passed}
    if not passing:
        return OwnTests(why="no such test passes offline without the patch")
    now = _outcomes(root, folder / "packages", python, after, chosen, env)
    if not now:
        return OwnTests(len(passing), why="with the patch they could not be run to their end")
    broken = passing - _passing(now)
    if broken:  # a test that comes and goes is not the patch's doing
        broken &= _passing(_outcomes(root, folder / "packages", python, before, chosen, env))
        broken -= _passing(_outcomes(root, folder / "packages", python, after, chosen, env))
    kept = broken
    if broken and fixed is not None:
        kept = broken & _passing(_outcomes(root, folder / "packages", fixed, None, chosen, env))
    return OwnTests(len(passing), tuple(sorted(kept)), tuple(sorted(broken - kept)))


def _passing(outcomes: dict[str, bool]) -> set[str]:
    return {name for name, passed in outcomes.items() if passed}


def _speaking_of(root: Path, patched: Sequence[str]) -> list[str]:
    """Test files that name a patched module, the shortest first."""
    names = {Path(path).with_suffix("").as_posix().replace("/", ".") for path in patched}
    names |= {name.rpartition(".")[0] for name in names if name.endswith(".__init__")}
    stems = {name.rpartition(".")[2] for name in names}
    found: list[tuple[bool, int, str]] = []
    for file in sorted(root.glob("tests/**/test_*.py")):
        text = file.read_text("utf-8", "replace")
        named = any(name in text for name in names)
        if named or any(f"import {stem}" in text or f"test_{stem}.py" == file.name for stem in stems):
            found.append((not named, len(text), file.relative_to(root).as_posix()))
    return [name for _, _, name in sorted(found)[:MOST_FILES]]


def _outcomes(
    root: Path, packages: Path, python: Path, code: Path | None, files: Sequence[str], env: dict[str, str]
) -> dict[str, bool]:
    """By test, whether it passed; empty when pytest could not be run to its end."""
    with tempfile.TemporaryDirectory(prefix="harnessfix-tests-") as scratch:
        report = Path(scratch) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", f"--junitxml={report}"]
        command = [str(python), "-c", _LAUNCH, str(packages), *options, "-o", "addopts=", *files]
        wrap = working_bubblewrap()
        if wrap is not None:
            command = [wrap, "--bind", "/", "/", "--dev", "/dev", "--unshare-net", "--die-with-parent", *command]
        environment = {**os.environ, **env, "PYTHONPATH": str(code or ""), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            subprocess.run(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
            tree = ElementTree.parse(report)
        except (OSError, subprocess.TimeoutExpired, ElementTree.ParseError):
            return {}
        return {
            f"{case.get('classname')}::{case.get('name')}": not list(case.iterfind("failure"))
            and not list(case.iterfind("error"))
            and not list(case.iterfind("skipped"))
            for case in tree.iter("testcase")
        }
