"""From a flaw to a patch: scope, staleness, tests left alone, clones, encodings."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import StaleFileError
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.apply import apply, undo
from harnessfix_repairs.patch import Patch, Unrepaired, propose

MakeFlaw = Callable[..., FlawRecord]

SOURCE = """\
def load(path):
    try:
        return read(path)
    except OSError:
        raise SettingsError(path)  # no cause
"""


def anchor(path: str = "agent.py", *, line: int = 5, content_hash: str = "") -> Anchor:
    return Anchor(path=path, qualname="load", start_line=line, end_line=line, content_hash=content_hash)


def hash_of(text: str, line: int) -> str:
    return hashlib.sha256(text.encode().splitlines(keepends=True)[line - 1]).hexdigest()[:16]


def test_a_patch_states_what_it_claims_and_is_held_to(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    patch = propose(tmp_path, flaw_at(anchor(), operator="preserve-cause", runs=("run1",)))
    assert isinstance(patch, Patch)
    assert (patch.added, patch.removed) == (2, 2)
    assert patch.spec.allowed.symbols == ("agent.py:load",)
    assert patch.spec.file_hashes == {"agent.py": hashlib.sha256(SOURCE.encode()).hexdigest()}
    assert patch.spec.proof_rules == ("O102",)
    assert "run1:s1" in patch.contract.evidence
    assert "agent.py:5" in patch.contract.failure_mode
    assert (tmp_path / "agent.py").read_text() == SOURCE


def test_a_flaw_that_stands_in_two_places_is_repaired_in_both(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    more = SOURCE + "    except ValueError:\n        raise SettingsError(path)\n"
    (tmp_path / "agent.py").write_text(more)
    first, second = (anchor(line=line).model_copy(update={"reason": "hides the cause"}) for line in (5, 7))
    for reason, times in (("hides the cause", 2), ("is near", 1)):
        both = (first, second.model_copy(update={"reason": reason}))
        record = flaw_at(first, operator="preserve-cause")
        record = record.model_copy(update={"best": record.best.model_copy(update={"anchors": both})})
        patch = propose(tmp_path, record)
        assert isinstance(patch, Patch)
        assert patch.diff.count("\n+        raise SettingsError(path) from") == times


def test_stale_files_are_named(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    good, bad = hash_of(SOURCE, 5), "0" * 16
    assert isinstance(propose(tmp_path, flaw_at(anchor(content_hash=good), operator="preserve-cause")), Patch)
    with pytest.raises(StaleFileError, match=r"agent\.py"):
        propose(tmp_path, flaw_at(anchor(content_hash=bad), operator="preserve-cause"))
    with pytest.raises(StaleFileError, match=r"agent\.py"):
        propose(tmp_path, flaw_at(anchor(), operator="preserve-cause"), hashes={"agent.py": "0" * 64})


@pytest.mark.parametrize("path", ["tests/agent.py", "pkg/tests/unit/agent.py", "conftest.py", ".git/agent.py"])
def test_what_is_not_the_harness_is_left_alone(tmp_path: Path, flaw_at: MakeFlaw, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(SOURCE)
    refused = propose(tmp_path, flaw_at(anchor(path), operator="preserve-cause"))
    assert isinstance(refused, Unrepaired)
    assert refused.status == "blocked"
    assert "may not be touched" in refused.reason


def test_a_module_named_like_a_test_is_one_only_if_it_holds_tests(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    record = flaw_at(anchor("pkg/test_models.py"), operator="preserve-cause")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/test_models.py").write_text(SOURCE)
    assert isinstance(propose(tmp_path, record), Patch)
    (tmp_path / "pkg/test_models.py").write_text(SOURCE + "\n\ndef test_load():\n    load('x')\n")
    refused = propose(tmp_path, record)
    assert isinstance(refused, Unrepaired)
    assert "holds tests" in refused.reason


@pytest.mark.parametrize(("operator", "words"), [(None, "no operator repairs O102"), ("no-such", "no-such")])
def test_without_an_operator_there_is_a_reason(
    tmp_path: Path, flaw_at: MakeFlaw, operator: str | None, words: str
) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    refused = propose(tmp_path, flaw_at(anchor(), operator=operator))
    assert isinstance(refused, Unrepaired)
    assert (refused.status, words in refused.reason) == ("skipped", True)


def test_clones_get_the_same_repair_and_what_is_left_is_said(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    (tmp_path / "agent.py").write_text(SOURCE + "\n\n" + SOURCE.replace("load", "load_all"))
    (tmp_path / "other.py").write_text(SOURCE.replace("raise SettingsError(path)", "return None"))
    twin = Anchor(path="agent.py", qualname="load_all", start_line=12, end_line=12)
    record = flaw_at(anchor(), operator="preserve-cause", clones=(twin, anchor("other.py")))
    patch = propose(tmp_path, record)
    assert isinstance(patch, Patch)
    assert patch.diff.count("from error") == 2
    assert len(patch.left) == 1
    assert patch.left[0].startswith("other.py:5")


def test_the_next_anchor_is_tried_when_the_first_is_refused(tmp_path: Path, flaw_at: MakeFlaw) -> None:
    (tmp_path / "agent.py").write_text(SOURCE)
    first = Anchor(path="agent.py", qualname="load", start_line=3, end_line=3)
    (tmp_path / "caller.py").write_text("def go():\n    load('x')\n")
    outside = Anchor(path="caller.py", qualname="go", start_line=2, end_line=2)
    patch = propose(tmp_path, flaw_at(outside, first, operator="preserve-cause"))
    assert isinstance(patch, Patch)
    assert [file.path for file in patch.files] == ["agent.py"]


@pytest.mark.parametrize(
    "data",
    [
        SOURCE.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + SOURCE.encode(),
        SOURCE.rstrip("\n").encode(),
        SOURCE.replace("    ", "\t").encode(),
        ("# -*- coding: latin-1 -*-\n" + SOURCE + "# caf\xe9\n").encode("latin-1"),
        (SOURCE + "NAME = 'ü'\n").encode(),
        SOURCE.replace("\n", "\r\n", 2).encode(),
    ],
    ids=["crlf", "mark", "no-newline", "tabs", "latin-1", "utf-8", "mixed"],
)
def test_bytes_around_the_edit_are_kept(tmp_path: Path, flaw_at: MakeFlaw, data: bytes) -> None:
    (tmp_path / "agent.py").write_bytes(data)
    line = next(n for n, text in enumerate(data.splitlines(), 1) if b"raise" in text)
    patch = propose(tmp_path, flaw_at(anchor(line=line), operator="preserve-cause"))
    assert isinstance(patch, Patch), patch
    patch = Patch.model_validate_json(patch.model_dump_json())
    apply(tmp_path, patch)
    after = (tmp_path / "agent.py").read_bytes()
    expected = data.replace(b"OSError:", b"OSError as error:").replace(b"(path)  #", b"(path) from error  #")
    assert after == expected
    undo(tmp_path, patch.id)
    assert (tmp_path / "agent.py").read_bytes() == data


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x = 1\0", b"# -*- coding: nonsense -*-\n", b"def f(:\n"])
def test_what_is_no_python_text_is_refused_without_a_crash(tmp_path: Path, flaw_at: MakeFlaw, data: bytes) -> None:
    (tmp_path / "agent.py").write_bytes(data)
    refused = propose(tmp_path, flaw_at(anchor(line=1), operator="preserve-cause"))
    assert isinstance(refused, Unrepaired)
    assert "agent.py" in refused.reason
