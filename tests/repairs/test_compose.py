"""Patches made from one version of a file, put in a row or declared in conflict."""

from collections.abc import Callable
from pathlib import Path

from harnessfix_repairs.apply import apply, undo
from harnessfix_repairs.compose import compose
from harnessfix_repairs.patch import Patch

SOURCE = """\
import subprocess


def load(path):
    try:
        return read(path)
    except OSError:
        raise SettingsError(path)


def run(command):
    return subprocess.run(command, timeout=5)


def check(command):
    return subprocess.run(command, timeout=9)
"""


def test_patches_of_one_file_apply_in_a_row_and_are_undone_in_reverse(
    tmp_path: Path, patch_at: Callable[..., Patch]
) -> None:
    file = tmp_path / "agent.py"
    file.write_text(SOURCE)
    patches = [
        patch_at(tmp_path, "agent.py", "run", (12, 12), "kill-process-group", flaw="aaaaaaaa"),
        patch_at(tmp_path, "agent.py", "load", (8, 8), "preserve-cause", flaw="bbbbbbbb"),
        patch_at(tmp_path, "agent.py", "check", (16, 16), "kill-process-group", flaw="cccccccc"),
    ]
    done = compose({"agent.py": SOURCE.encode()}, patches)
    assert done.conflicts == ()
    assert len(done.patches) == 3
    assert done.patches[0] == patches[0]
    states = [file.read_bytes()]
    for patch in done.patches:
        apply(tmp_path, patch)
        states.append(file.read_bytes())
    text = file.read_text()
    assert text.count("def _run_in_group") == 1
    assert text.count("import signal") == 1
    assert text.count("= _run_in_group(") + text.count("return _run_in_group(") == 2
    assert "from error" in text
    compile(text, "agent.py", "exec")
    for patch, before in zip(reversed(done.patches), reversed(states[:-1]), strict=True):
        undo(tmp_path, patch.id)
        assert file.read_bytes() == before


def test_patches_of_the_same_lines_are_in_conflict(tmp_path: Path, patch_at: Callable[..., Patch]) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    first = patch_at(tmp_path, "agent.py", "load", (8, 8), "preserve-cause", flaw="aaaaaaaa")
    other = first.model_copy(update={"id": "f" * 16, "diff": first.diff.replace("from error", "from None")})
    done = compose({"agent.py": SOURCE.encode()}, [first, other])
    assert done.patches == (first,)
    assert [(c.patch, c.other, c.path) for c in done.conflicts] == [("f" * 16, first.id, "agent.py")]


def test_the_same_change_twice_is_made_once(tmp_path: Path, patch_at: Callable[..., Patch]) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    first = patch_at(tmp_path, "agent.py", "load", (8, 8), "preserve-cause", flaw="aaaaaaaa")
    again = patch_at(tmp_path, "agent.py", "load", (8, 8), "preserve-cause", flaw="bbbbbbbb")
    done = compose({"agent.py": SOURCE.encode()}, [first, again])
    assert (done.patches, done.conflicts) == ((first,), ())
