"""A model that differs from a kept one in few files is kept as what is changed, and read back whole."""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.source import read_harness, stored
from harnessfix_ir.source.cache import MODELS

COUNT = 12


def text(number: int) -> str:
    """A file that calls the next one, is called by the one before, and holds a loop that asks a model."""
    other = (number + 1) % COUNT
    return (
        f"import json\nimport lib{number % 3}\nfrom .m{other} import f{other}, Agent{other} as Next\n\n\n"
        f"def f{number}(messages, limit={number}):\n    return f{other}(messages)\n\n\n"
        f"def parse{number}(text):\n    return json.loads(text)\n\n\n"
        f"class Agent{number}(Next):\n    def step(self, messages):\n        return self.query(messages)\n\n"
        f"    def query(self, messages):\n        reply = self.client.responses.create(messages)\n"
        f"        return parse{number}(reply)\n\n"
        f"    def run(self, task):\n        while True:\n            try:\n                self.step([task])\n"
        f"            except ValueError:\n                pass\n"
    )


FILES = {"app/__init__.py": "", "app/settings.yaml": "agent:\n  limit: 4\n  limits: 5\n"}
FILES |= {f"app/m{number}.py": text(number) for number in range(COUNT)}
EDITS: dict[str, Callable[[str, int], str]] = {
    "line at the top": lambda text, n: "# a remark\n" * n + text,
    "body changed": lambda text, n: text.replace("reply = ", f"limit = {n}\n        reply = "),
    "function added": lambda text, n: text + f"\n\ndef f{n}(messages):\n    return parse{n}(messages)\n",
    "function removed": lambda text, n: "\n\n\n".join(
        block for place, block in enumerate(text.split("\n\n\n")) if place != n
    ),
    "function renamed": lambda text, n: text.replace("def f", "def g").replace("query", f"query{n}"),
    "signature changed": lambda text, n: text.replace("(messages, limit", f"(text, messages{n}, limit"),
    "import changed": lambda text, n: text.replace("from .m", f"import lib{n}\nfrom .m{n} import step\nfrom .m"),
    "import dropped": lambda text, n: text.replace("import json\n", ""),
    "base changed": lambda text, n: text.replace("(Next)", f"(Agent{n})"),
    "syntax broken": lambda text, n: text + "\ndef (:\n",
    "emptied": lambda text, n: "",
}
edits = st.tuples(
    st.sampled_from(sorted(FILES)), st.sampled_from([*EDITS, "deleted", "back", "copied"]), st.integers(0, COUNT - 1)
)


def write(root: Path) -> None:
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def apply(root: Path, edit: tuple[str, str, int]) -> None:
    name, kind, number = edit
    file = root / name
    content = file.read_text() if file.exists() else FILES[name]
    if kind == "deleted":
        file.unlink(missing_ok=True)
    elif kind == "copied":
        file.with_name(f"copy{number}.py").write_text(content)
    else:
        file.write_text(FILES[name] if kind == "back" else EDITS[kind](content, number))


def sizes(cache: Path) -> list[int]:
    """Bytes of the models that are kept, the newest last."""
    found = sorted((file.stat().st_mtime_ns, file.stat().st_size) for file in (cache / "models").rglob("*.json"))
    return [size for _, size in found]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(edits, min_size=1, max_size=2), min_size=1, max_size=5), st.sampled_from((0, 2000, 1 << 16)))
def test_after_any_edits_the_model_is_that_of_a_first_reading(
    made: list[list[tuple[str, str, int]]], least: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "_LEAST", least)
        root, cache = Path(folder, "harness"), Path(folder, "cache")
        write(root)
        read_harness([root], cache_dir=cache)
        for together in made:
            for edit in together:
                apply(root, edit)
            cold = read_harness([root]).model_dump_json()
            assert read_harness([root], cache_dir=cache).model_dump_json() == cold
            assert read_harness([root], cache_dir=cache).model_dump_json() == cold


def test_an_edit_writes_what_it_changes_until_that_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_LEAST", 0)
    monkeypatch.setattr(stored, "_MOST", 1 / 2)
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root)
    read_harness([root], cache_dir=cache)
    [whole] = sizes(cache)
    written = []
    for number in range(COUNT):
        before = {*(cache / "models").rglob("*.json")}
        apply(root, (f"app/m{number}.py", "body changed", 1))
        read_harness([root], cache_dir=cache)
        [new] = {*(cache / "models").rglob("*.json")} - before
        written.append(new.stat().st_size)
    assert written[0] < whole / 3
    assert max(written) > whole * 0.9, "at some time all of it is written anew"
    assert written[written.index(max(written)) + 1] < whole / 3


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_what_a_change_builds_on_may_be_lost(tmp_path: Path, damage: bytes | None) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root)
    read_harness([root], cache_dir=cache)
    [whole] = (cache / "models").rglob("*.json")
    apply(root, ("app/m3.py", "function renamed", 3))
    cold = read_harness([root], cache_dir=cache).model_dump_json()
    if damage is None:
        whole.unlink()
    else:
        whole.write_bytes(damage)
    assert read_harness([root], cache_dir=cache).model_dump_json() == cold
    apply(root, ("app/m4.py", "function renamed", 4))
    cold = read_harness([root]).model_dump_json()
    assert read_harness([root], cache_dir=cache).model_dump_json() == cold
    assert read_harness([root], cache_dir=cache).model_dump_json() == cold


def test_what_changes_build_on_is_not_forgotten_before_them(tmp_path: Path) -> None:
    root, other, cache = tmp_path / "harness", tmp_path / "other", tmp_path / "cache"
    write(root)
    write(other)
    read_harness([root], cache_dir=cache)
    [whole] = (cache / "models").rglob("*.json")
    for number in range(MODELS + 2):
        apply(root, ("app/m3.py", "line at the top", number + 1))
        read_harness([root], cache_dir=cache)
        assert whole.exists()
    for number in range(MODELS - 2):  # eight models are kept: these, and of the other harness the last with its whole
        apply(other, ("app/m3.py", "emptied", 0) if number else ("app/m3.py", "back", 0))
        (other / "app/m4.py").write_text(f"LIMIT = {number}\n")
        read_harness([other], cache_dir=cache)
    assert len(sizes(cache)) == MODELS
    assert whole.exists()


def edit_and_read(root: Path, cache: Path, number: int) -> None:
    """Edit one file again and again and read the harness; for a process of its own."""
    while True:
        for kind in ("line at the top", "function renamed", "back"):
            apply(root, (f"app/m{number}.py", kind, 1))
            read_harness([root], cache_dir=cache)


def test_readers_at_the_same_time_and_killed_ones_leave_nothing_wrong(tmp_path: Path) -> None:
    """Two processes edit and read, each is killed at some moment, and what they leave is right."""
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root)
    read_harness([root], cache_dir=cache)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=edit_and_read, args=(root, cache, number)) for number in (1, 5)]
    for process in others:
        process.start()
    try:
        seen = len(sizes(cache))
        deadline = time.monotonic() + 60
        while len(sizes(cache)) < seen + 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(sizes(cache)) > seen, "they have kept something"
    finally:
        for process in others:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    for edit in (("app/m1.py", "back", 0), ("app/m5.py", "body changed", 2), ("app/m2.py", "signature changed", 1)):
        apply(root, edit)
        cold = read_harness([root]).model_dump_json()
        assert read_harness([root], cache_dir=cache).model_dump_json() == cold
        assert read_harness([root], cache_dir=cache).model_dump_json() == cold
