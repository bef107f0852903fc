"""Source files: found inside the harness only, harmless to show, and known to be changed when they are."""

import hashlib
import os
from pathlib import Path

import pytest

from harnessfix.tui import source_file
from harnessfix.tui.source_file import read_source
from harnessfix_ir.anchors import Anchor


def test_reads_below_the_first_base_that_has_it(base: Path, tmp_path: Path) -> None:
    file = read_source("pkg/agent.py", [tmp_path / "nothing", base])
    assert file.lines[5] == "    return text[:2000]"
    assert file.language == "python"
    assert not file.problem


@pytest.mark.parametrize(
    "path", ["../secret.py", "/etc/hostname", "pkg/../../secret.py", "pkg", "", "a\0b", "x" * 5000]
)
def test_never_leaves_the_base(base: Path, path: str) -> None:
    (base.parent / "secret.py").write_text("password")
    file = read_source(path, [base])
    assert file.lines == ()
    assert file.problem


def test_a_link_out_of_the_base_is_not_followed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text("password")
    (base / "pkg" / "link.py").symlink_to(outside)
    assert read_source("pkg/link.py", [base]).problem


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_file(base: Path) -> None:
    os.mkfifo(base / "pipe.py")
    assert read_source("pipe.py", [base]).problem


def test_a_huge_file_is_not_read(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_file, "MOST_BYTES", 10)
    assert "more than 10 bytes" in read_source("pkg/agent.py", [base]).problem


def test_what_a_terminal_would_obey_is_shown(base: Path) -> None:
    (base / "odd.py").write_bytes(b"a = '\x1b[2J'\r\nb\tc\x0c\nd = '\xe2\x80\xa8 \xe2\x80\xae \xff'\n")
    file = read_source("odd.py", [base])
    assert file.lines == ["a = '\\x1b[2J'", "b   c\\x0c", "d = '\\u2028 \\x202e \ufffd'"]


def test_a_long_line_is_cut_with_a_note(base: Path) -> None:
    (base / "long.json").write_text("x" * 1_000_000)
    (line,) = read_source("long.json", [base]).lines
    assert line.endswith("… 998,000 more characters")
    assert len(line) < 2100


def test_changed_lines_are_noticed(base: Path) -> None:
    file = read_source("pkg/agent.py", [base])
    now = hashlib.sha256(b"    return text[:2000]\n").hexdigest()[:16]
    anchor = Anchor(path="pkg/agent.py", qualname="observe", start_line=6, end_line=6, content_hash=now)
    assert not file.changed(anchor)
    assert file.changed(anchor.model_copy(update={"content_hash": "0" * 16}))
    assert not file.changed(anchor.model_copy(update={"content_hash": ""}))
