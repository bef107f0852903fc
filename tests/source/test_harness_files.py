"""Which files are read, and what becomes of those that cannot be."""

import os
import sys
from pathlib import Path

import pytest

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness
from harnessfix_ir.source.files import decode
from harnessfix_ir.vocabulary import ElementRole

CODE = b"def run():\n    return 1\n"


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def paths(model: HarnessModel) -> list[str]:
    """Paths of all files of a model."""
    return [file.path for file in model.files]


def errors(model: HarnessModel) -> dict[str, str]:
    """Errors by path."""
    return {file.path: file.error for file in model.files if file.error}


def test_paths_are_relative_to_a_project(tmp_path: Path) -> None:
    write(tmp_path, {"agent.py": CODE, "core/loop.py": CODE})
    model = read_harness([tmp_path])
    assert paths(model) == ["agent.py", "core/loop.py"]
    assert model.root == str(tmp_path.resolve())
    assert model.function("core/loop.py", "run") is not None


def test_paths_of_a_package_begin_with_its_name(tmp_path: Path) -> None:
    write(tmp_path, {"mini/__init__.py": b"", "mini/agents/default.py": CODE})
    model = read_harness([tmp_path / "mini"])
    assert paths(model) == ["mini/__init__.py", "mini/agents/default.py"]
    assert model.root == str(tmp_path.resolve())


def test_an_installed_package_needs_no_init_file(tmp_path: Path) -> None:
    caller = b"from shared.core.loop import run\n\n\ndef main():\n    return run()\n"
    write(tmp_path / "site-packages", {"shared/core/loop.py": CODE, "shared/main.py": caller})
    model = read_harness([tmp_path / "site-packages" / "shared"])
    assert sorted(paths(model)) == ["shared/core/loop.py", "shared/main.py"]
    assert model.root == str((tmp_path / "site-packages").resolve())
    assert [call.resolved for call in model.calls if call.caller == "shared/main.py:main"] == [
        "shared/core/loop.py:run"
    ]


def test_a_package_below_a_shared_name_is_called_as_imports_call_it(tmp_path: Path) -> None:
    caller = b"from shared.core.loop import run\n\n\ndef main():\n    return run()\n"
    files = {"shared/core/__init__.py": b"", "shared/core/loop.py": CODE, "shared/core/main.py": caller}
    write(tmp_path / "site-packages", {**files, "shared/other/big.py": CODE})
    model = read_harness([tmp_path / "site-packages" / "shared" / "core"])
    assert sorted(paths(model)) == sorted(files)
    assert [call.resolved for call in model.calls if call.caller == "shared/core/main.py:main"] == [
        "shared/core/loop.py:run"
    ]


def test_a_single_file_is_a_root(tmp_path: Path) -> None:
    write(tmp_path, {"agent.py": CODE, "other.py": CODE})
    assert paths(read_harness([tmp_path / "agent.py"])) == ["agent.py"]


def test_folders_that_are_no_harness_are_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "agent.py": CODE,
            ".git/hook.py": CODE,
            "node_modules/x.py": CODE,
            "tests/check.py": CODE,
            "test_agent.py": CODE,
            "conftest.py": CODE,
            "build/agent.py": CODE,
            ".harnessfix/x.py": CODE,
            "myenv/pyvenv.cfg": b"",
            "myenv/lib/x.py": CODE,
            "image.png": b"\x89PNG",
        },
    )
    assert paths(read_harness([tmp_path])) == ["agent.py"]


def test_a_scripted_model_named_like_a_test_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"models/test_models.py": CODE})
    assert paths(read_harness([tmp_path])) == ["models/test_models.py"]


def test_exclude_takes_names_and_globs(tmp_path: Path) -> None:
    write(tmp_path, {"agent.py": CODE, "vendor/a.py": CODE, "core/gen_a.py": CODE, "core/b.py": CODE})
    assert paths(read_harness([tmp_path], exclude=["vendor/", "core/gen_*.py"])) == ["agent.py", "core/b.py"]


def test_two_roots_with_the_same_path_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, {"one/agent.py": CODE, "two/agent.py": CODE})
    model = read_harness([tmp_path / "one", tmp_path / "two"])
    assert paths(model) == ["agent.py", "two/agent.py"]
    ids = [element.id for element in model.elements]
    assert len(ids) == len(set(ids))


def test_a_root_inside_another_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"agent.py": CODE, "core/loop.py": CODE})
    assert paths(read_harness([tmp_path, tmp_path / "core"])) == ["agent.py", "core/loop.py"]


def test_no_files_give_an_empty_model(tmp_path: Path) -> None:
    model = read_harness([tmp_path])
    assert (model.files, model.elements, model.calls) == ((), (), ())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"def run(:\n    pass\n", "line 1"),
        (b"x = 1\ny = 2\nz = (\n", "line 3"),
        (b"x = 1\n\0\n", "line 2: null byte"),
        (b"# -*- coding: klingon -*-\nx = 1\n", "unknown encoding"),
        (b"x = 1\ny = '\xff'\n", "line 2: not valid utf-8"),
        (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", "line 1"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_the_rest_is_read(tmp_path: Path, data: bytes, words: str) -> None:
    write(tmp_path, {"bad.py": data, "good.py": CODE})
    model = read_harness([tmp_path])
    assert words in errors(model)["bad.py"]
    assert {element.anchor.path for element in model.elements} == {"good.py"}


def test_settings_that_do_not_parse_say_the_line(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": b"x: 1\ny: [1, 2\n", "b.toml": b"x = 1\ny =\n", "c.json": b'{"a": 1,\n "b": }\n'})
    found = errors(read_harness([tmp_path]))
    assert found["a.yaml"].startswith("line 3")
    assert found["b.toml"].startswith("line 2")
    assert found["c.json"].startswith("line 2")


def test_long_files_are_skipped_and_named(tmp_path: Path) -> None:
    write(tmp_path, {"long.py": b"x = 1\n" * 10_001, "wide.py": b"x = '" + b"a" * 1_000_001 + b"'\n"})
    found = errors(read_harness([tmp_path]))
    assert "lines" in found["long.py"]
    assert "bytes" in found["wide.py"]


def test_encodings_and_byte_order_marks() -> None:
    assert decode("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "python").endswith("x = 'é'\n")
    assert decode(b"\xef\xbb\xbfx = 1\r\ny = 2\r", "python") == "x = 1\ny = 2\n"
    assert decode(b"\xef\xbb\xbfkey: 1\n", "yaml") == "key: 1\n"


def test_elements_of_a_latin_1_file_have_its_own_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"agent.py": "# coding: latin-1\ndef run():\n    return 'é'\n".encode("latin-1")})
    model = read_harness([tmp_path])
    assert not errors(model)
    function = model.function("agent.py", "run")
    assert function is not None
    assert (function.anchor.start_line, function.anchor.end_line) == (2, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need POSIX")
def test_links_out_of_the_harness_and_pipes_are_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {"secret/key.py": b"KEY = 1\n", "harness/agent.py": CODE})
    (tmp_path / "harness" / "linked.py").symlink_to(tmp_path / "secret" / "key.py")
    (tmp_path / "harness" / "folder").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "harness" / "pipe.py")
    model = read_harness([tmp_path / "harness"])
    assert set(errors(model)) == {"linked.py", "pipe.py"}
    assert {e.anchor.path for e in model.of_role(ElementRole.FUNCTION)} == {"agent.py"}


def test_suppressions_are_kept_by_line(tmp_path: Path) -> None:
    text = b"x = 1  # harnessfix: ignore[C101, t102] known\ny = 2\nz = 3  # harnessfix: ignore\n"
    write(tmp_path, {"agent.py": text})
    (file,) = read_harness([tmp_path]).files
    assert file.suppressions == {"1": ["C101", "T102"], "3": ["*"]}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python understands it")
def test_syntax_of_a_later_python_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "later.py").write_text("def first[T](items: list[T]) -> T:\n    return items[0]\n")
    (tmp_path / "quotes.py").write_text("x = f'{y['a']}'\n")
    (tmp_path / "broken.py").write_text("def first(:\n")
    found = errors(read_harness([tmp_path]))
    assert {path: "later than" in error for path, error in found.items()} == {
        "later.py": True,
        "quotes.py": True,
        "broken.py": False,
    }


def test_files_of_another_root_say_where_they_are(tmp_path: Path) -> None:
    write(tmp_path, {"one/agent.py": CODE, "two/pack/__init__.py": b"", "two/pack/loop.py": CODE})
    roots = [tmp_path / "one", tmp_path / "two" / "pack"]
    first = read_harness(roots, cache_dir=tmp_path / "cache")
    for model in (first, read_harness(roots, cache_dir=tmp_path / "cache")):
        places = {file.path: Path(file.base or model.root) / file.path for file in model.files}
        assert set(places) == {"agent.py", "pack/__init__.py", "pack/loop.py"}
        assert all(place.is_file() for place in places.values())
