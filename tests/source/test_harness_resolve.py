"""Finding a harness by path or by name."""

import sys
from pathlib import Path

import pytest

from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.source import locate_harness

SIDE_EFFECT = "from pathlib import Path\nPath(__file__).with_name('ran').write_text('x')\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that leaves a trace when it is imported."""
    folder = tmp_path / "lib" / "sample_harness"
    (folder / "agents").mkdir(parents=True)
    (folder / "__init__.py").write_text(SIDE_EFFECT)
    (folder / "agents" / "__init__.py").write_text("")
    (folder / "agents" / "default.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    return folder


def test_a_path_is_itself(tmp_path: Path) -> None:
    assert locate_harness(str(tmp_path), None) == tmp_path.resolve()


@pytest.mark.parametrize("python", [None, sys.executable])
def test_a_package_is_found_and_not_imported(package: Path, python: str | None) -> None:
    assert locate_harness("sample_harness", python) == package.resolve()
    assert locate_harness("sample_harness.agents", python) == (package / "agents").resolve()
    assert locate_harness("sample_harness.agents.default", python) == (package / "agents" / "default.py").resolve()
    assert not (package / "ran").exists()


@pytest.mark.parametrize("python", [None, sys.executable])
@pytest.mark.parametrize("name", ["no_such_harness_here", "sample_harness.absent", "sys"])
def test_what_is_not_found_says_what_to_do(package: Path, name: str, python: str | None) -> None:
    with pytest.raises(HarnessfixError) as caught:
        locate_harness(name, python)
    assert name.partition(".")[0] in str(caught.value)
    assert caught.value.hint


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(HarnessfixError, match="no file or folder"):
        locate_harness("./not/here", None)


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(HarnessfixError, match="did not say"):
        locate_harness("sample", str(tmp_path / "python"))
