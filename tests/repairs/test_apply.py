"""Applying and undoing: exact, whole or not at all, and never where it may not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import PatchError, StaleFileError
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Evidence, Layer, Safety, Severity
from harnessfix_repairs.apply import applied, apply, recover, undo
from harnessfix_repairs.patch import Patch, Unrepaired, patch_of, propose
from harnessfix_repairs.spec import make_spec

SOURCE = """\
from tenacity import retry, stop_after_attempt


@retry(stop=stop_after_attempt(3))
def ask(client, messages):
    return client.complete(messages)
"""


def flaw(path: str = "agent.py", *, clones: tuple[str, ...] = (), operator: str = "preserve-cause") -> FlawRecord:
    def anchor(at: str) -> Anchor:
        return Anchor(path=at, qualname="ask", start_line=4, end_line=6)

    best = Diagnosis(
        flaw="1234abcd",
        rule="O102",
        name="masked-cause",
        layer=Layer.OBSERVABILITY,
        severity=Severity.WARNING,
        anchors=(anchor(path),),
        message="the cause was lost",
        confidence=0.9,
        evidence=Evidence.OBSERVED,
        operator=operator,
    )
    return FlawRecord(flaw="1234abcd", best=best, clones=tuple(anchor(path) for path in clones))


def proposed(root: Path, record: FlawRecord) -> Patch:
    patch = propose(root, record)
    assert isinstance(patch, Patch), patch
    return patch


def harness(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(SOURCE.encode())


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".harnessfix" not in path.relative_to(root).parts[:1]
    }


def test_apply_then_undo_is_the_identity_and_leaves_a_reverse_patch(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py", "pkg/other.py")
    (tmp_path / "agent.py").chmod(0o755)
    before = contents(tmp_path)
    patch = proposed(tmp_path, flaw(clones=("pkg/other.py",)))
    reverse = apply(tmp_path, patch)
    after = contents(tmp_path)
    assert all(b"reraise=True" in after[path] for path in before)
    assert (tmp_path / "agent.py").stat().st_mode & 0o777 == 0o755
    assert [one.id for one in applied(tmp_path)] == [patch.id]
    copy = tmp_path.parent / "copy"
    for path, data in after.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(data)
    subprocess.run(["git", "apply", str(reverse)], cwd=copy, check=True)
    assert contents(copy) == before
    undo(tmp_path, patch.id)
    assert contents(tmp_path) == before
    assert applied(tmp_path) == []


def test_patch_survives_json(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py")
    patch = proposed(tmp_path, flaw())
    assert Patch.model_validate_json(patch.model_dump_json()) == patch
    assert patch.id == proposed(tmp_path, flaw()).id


def test_changed_file_is_refused_by_name_and_nothing_changes(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py", "pkg/other.py")
    patch = proposed(tmp_path, flaw(clones=("pkg/other.py",)))
    (tmp_path / "pkg/other.py").write_bytes(SOURCE.encode() + b"# mine\n")
    before = contents(tmp_path)
    with pytest.raises(StaleFileError, match=r"pkg/other\.py"):
        apply(tmp_path, patch)
    assert contents(tmp_path) == before


def test_undo_refuses_a_file_that_was_edited_since(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py")
    patch = proposed(tmp_path, flaw())
    apply(tmp_path, patch)
    with (tmp_path / "agent.py").open("ab") as file:
        file.write(b"# mine\n")
    before = contents(tmp_path)
    with pytest.raises(StaleFileError, match=r"agent\.py"):
        undo(tmp_path, patch.id)
    assert contents(tmp_path) == before


def test_symbolic_links_are_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    harness(root, "pkg/agent.py")
    harness(outside, "agent.py")
    patch = proposed(root, flaw("pkg/agent.py"))
    (root / "pkg/agent.py").unlink()
    (root / "pkg").rmdir()
    (root / "pkg").symlink_to(outside)
    with pytest.raises(PatchError, match="symbolic link"):
        apply(root, patch)
    assert contents(outside) == {"agent.py": SOURCE.encode()}
    refused = propose(root, flaw("pkg/agent.py"))
    assert isinstance(refused, Unrepaired)
    assert refused.status == "blocked"


def test_records_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    harness(root, "agent.py")
    outside.mkdir()
    patch = proposed(root, flaw())
    (root / ".harnessfix").symlink_to(outside)
    with pytest.raises(PatchError, match="symbolic link"):
        apply(root, patch)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../agent.py", "/etc/passwd", "a/../../agent.py", "C:/agent.py", "a\\b.py"])
def test_paths_that_leave_the_root_are_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    harness(root, "agent.py")
    harness(tmp_path, "agent.py")
    refused = propose(root, flaw(path))
    assert isinstance(refused, Unrepaired)
    assert refused.status == "blocked"
    patch = proposed(root, flaw())
    moved = [file.model_copy(update={"path": path}) for file in patch.files]
    forged = patch.model_copy(update={"files": tuple(moved), "diff": patch.diff.replace("/agent.py", f"/{path}")})
    with pytest.raises(PatchError):
        apply(root, forged)
    assert (tmp_path / "agent.py").read_bytes() == SOURCE.encode()


@pytest.mark.parametrize("bad", ["../../evil", "", "ABCDEF0123456789", "journal"])
def test_ids_are_not_paths(tmp_path: Path, bad: str) -> None:
    harness(tmp_path, "agent.py")
    with pytest.raises(PatchError, match="not the id"):
        undo(tmp_path, bad)


def test_applying_twice_and_display_only_are_refused(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py")
    patch = proposed(tmp_path, flaw())
    with pytest.raises(PatchError, match="display"):
        apply(tmp_path, patch.model_copy(update={"safety": Safety.DISPLAY_ONLY}))
    apply(tmp_path, patch)
    with pytest.raises(PatchError, match="applied already"):
        apply(tmp_path, patch)


def test_a_diff_that_does_not_keep_its_promise_is_refused(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py")
    patch = proposed(tmp_path, flaw())
    with pytest.raises(PatchError, match="promises"):
        apply(tmp_path, patch.model_copy(update={"diff": patch.diff.replace("reraise=True", "reraise=None")}))
    assert contents(tmp_path) == {"agent.py": SOURCE.encode()}


INTERRUPTED = """
import json, os, pathlib, signal, sys
from harnessfix_repairs.apply import apply, recover, undo
from harnessfix_repairs.patch import Patch

root, which = pathlib.Path(sys.argv[1]), sys.argv[2]
patch = Patch.model_validate_json((root.parent / "patch.json").read_bytes())
replace, done = pathlib.Path.replace, 0

def dying(at):
    def wrapped(self, target):
        global done
        done += 1
        if done == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)
    return wrapped

def state():
    return {p.relative_to(root).as_posix(): p.read_bytes().decode() for p in root.rglob("*")
            if p.is_file() and p.name != "apply.lock"}

seen = []
for at in range(1, 20):
    child = os.fork()
    if child == 0:
        pathlib.Path.replace = dying(at)
        apply(root, patch) if which == "apply" else undo(root, patch.id)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    half = state()
    words = recover(root)
    seen.append([status, words, half, state()])
    applied = (root / ".harnessfix/applied" / (patch.id + ".json")).exists()
    if which == "apply" and applied:
        undo(root, patch.id)
    if which == "undo" and not applied:
        apply(root, patch)
    if status == 0:
        break
print(json.dumps(seen))
"""


@pytest.mark.parametrize("which", ["apply", "undo"])
@pytest.mark.skipif(sys.platform == "win32", reason="kills a forked process")
def test_a_kill_at_any_moment_leaves_all_or_nothing(tmp_path: Path, which: str) -> None:
    root = tmp_path / "root"
    harness(root, "agent.py", "pkg/other.py")
    patch = proposed(root, flaw(clones=("pkg/other.py",)))
    (tmp_path / "patch.json").write_text(patch.model_dump_json())
    if which == "undo":
        apply(root, patch)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(root), which], capture_output=True, text=True, check=True, timeout=60
    )
    outcomes = json.loads(done.stdout)
    assert outcomes[-1][0] == 0
    assert len(outcomes) >= 6
    for status, words, _, after in outcomes:
        changed = {path for path, text in after.items() if path.endswith(".py") and "reraise=True" in text}
        recorded = f".harnessfix/applied/{patch.id}.json" in after
        assert changed in (set(), {"agent.py", "pkg/other.py"}), (status, words)
        assert recorded == bool(changed), (status, words)
        assert all(path.endswith((".py", ".json", ".patch")) for path in after), "a temporary file was left"
    assert any(words.startswith("finished") for _, words, _, _ in outcomes)
    assert any(words.startswith("took back") for _, words, _, _ in outcomes)
    mixed = [
        half
        for _, _, half, _ in outcomes
        if len({("reraise" in half["agent.py"]), ("reraise" in half["pkg/other.py"])}) > 1
    ]
    assert mixed, "no kill fell between two files"


def test_a_journal_that_names_other_files_is_refused(tmp_path: Path) -> None:
    harness(tmp_path, "agent.py")
    (tmp_path / ".harnessfix/applied").mkdir(parents=True)
    state = {"name": "0" * 16, "ready": True, "moves": [], "records": {"../../evil.json": "x"}, "remove": []}
    (tmp_path / ".harnessfix/applied/journal").write_text(json.dumps(state))
    with pytest.raises(PatchError, match="journal"):
        recover(tmp_path)
    assert not (tmp_path.parent / "evil.json").exists()


lines = st.lists(
    st.sampled_from(
        ["", "x = 1", "def f():", "\treturn {'a': 1}  # note", "    pass", "é = 'ü'", "--- a", "+++ b", "@@ -1 +1 @@"]
    ),
    max_size=30,
)
ends = st.sampled_from(["\n", "\r\n"])


@settings(max_examples=25, deadline=None)
@given(old=lines, new=lines, end=ends, final=st.booleans(), mark=st.booleans())
def test_any_edit_is_applied_and_undone_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], end: str, final: bool, mark: bool
) -> None:
    def spelt(text: list[str]) -> bytes:
        body = end.join(text) + (end if final and text else "")
        return (b"\xef\xbb\xbf" if mark else b"") + body.encode()

    before, after = spelt(old), spelt(new)
    if before == after:
        return
    root = tmp_path_factory.mktemp("root")
    (root / "agent.py").write_bytes(before)
    record = flaw()
    spec = make_spec(record.best, (), {"agent.py": before})
    patch = patch_of(record, spec, {"agent.py": before}, {"agent.py": after})
    apply(root, patch)
    assert (root / "agent.py").read_bytes() == after
    undo(root, patch.id)
    assert (root / "agent.py").read_bytes() == before
