"""Facts that are kept on disk."""

import os
import time
from pathlib import Path

import pytest

from harnessfix_ir.source import extract, read_harness
from harnessfix_ir.source.cache import LASTS, MODELS
from harnessfix_ir.source.scopes import FileContext

AGENT = "def call_llm(prompt):\n    return client.responses.create(input=prompt)\n"
LOOP = "from agent import call_llm\ndef run(messages):\n    while True:\n        messages.append(call_llm(messages))\n"


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    """A harness of two files."""
    folder = tmp_path / "harness"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    (folder / "loop.py").write_text(LOOP)
    (folder / "config.yaml").write_text("agent:\n  prompt: |\n    Hello {{ name }}, what can be done for you today?\n")
    return folder


def test_a_warm_model_is_the_cold_one(harness: Path, tmp_path: Path) -> None:
    cold = read_harness([harness])
    first = read_harness([harness], cache_dir=tmp_path / "cache")
    second = read_harness([harness], cache_dir=tmp_path / "cache")
    assert first == cold
    assert second == cold


def test_only_changed_files_are_parsed_again(harness: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    read_harness([harness], cache_dir=cache)
    (harness / "loop.py").write_text(LOOP.replace("while True", "while not done"))
    parsed: list[str] = []

    class Counted(FileContext):
        def __init__(self, path: str, module: str, text: str) -> None:
            parsed.append(path)
            super().__init__(path, module, text)

    monkeypatch.setattr(extract, "FileContext", Counted)
    warm = read_harness([harness], cache_dir=cache)
    assert parsed == ["loop.py"]
    assert warm == read_harness([harness])


@pytest.mark.parametrize("junk", [b"", b"{}", b"[1, 2", b'{"module": 3}', b"\xff\xfe", b'{"root": 1, "elements": [3]}'])
def test_a_broken_cache_is_no_error(harness: Path, tmp_path: Path, junk: bytes) -> None:
    cache = tmp_path / "cache"
    cold = read_harness([harness], cache_dir=cache)
    for file in cache.rglob("*.json"):
        file.write_bytes(junk)
    assert read_harness([harness], cache_dir=cache) == cold


def test_a_cache_that_cannot_be_written_is_no_error(harness: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    assert read_harness([harness], cache_dir=blocked) == read_harness([harness])


def test_the_same_file_under_another_path_has_its_own_facts(harness: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    read_harness([harness], cache_dir=cache)
    moved = harness / "core"
    moved.mkdir()
    (harness / "agent.py").rename(moved / "agent.py")
    assert read_harness([harness], cache_dir=cache) == read_harness([harness])


def test_a_cache_keeps_the_newest_models_and_no_facts_that_are_long_unused(harness: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    read_harness([harness], cache_dir=cache)
    (long_ago,) = (file for file in (cache / "facts").rglob("*.json") if b"while" in file.read_bytes())
    for file in (long_ago, *(cache / "models").rglob("*.json")):
        os.utime(file, (0, time.time() - LASTS - 60))
    for edit in range(MODELS + 3):
        (harness / "loop.py").write_text(f"{LOOP}# {edit}\n")
        read_harness([harness], cache_dir=cache)
    assert len(list((cache / "models").rglob("*.json"))) == MODELS
    assert not long_ago.exists()
    assert read_harness([harness], cache_dir=cache) == read_harness([harness])
