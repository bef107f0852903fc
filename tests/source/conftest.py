"""What the tests of the harness model share."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole

Reader = Callable[[Mapping[str, str]], HarnessModel]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Write files below a folder and read them as a harness."""

    def go(files: Mapping[str, str]) -> HarnessModel:
        for name, text in files.items():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return read_harness([tmp_path])

    return go


@pytest.fixture
def read_one(read: Reader) -> Callable[[str], HarnessModel]:
    """Read one Python file called `agent.py`."""
    return lambda text: read({"agent.py": text})


@pytest.fixture
def one() -> Callable[[HarnessModel, ElementRole], Element]:
    """The only element of a role."""

    def go(model: HarnessModel, role: ElementRole) -> Element:
        found = list(model.of_role(role))
        assert len(found) == 1, [e.id for e in found]
        return found[0]

    return go
