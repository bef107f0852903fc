"""Two shapes that look alike, of which one is a hazard and the other is not."""

from pathlib import Path
from textwrap import dedent

import pytest

from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole

# What sets them apart: the hazard, the shape that is none, the shape that is one.
PAIRS = {
    "a logger that fills the text from keywords": (
        "forgotten-f",
        """
        def run(self, name):
            logger.warning("no tool {name} here", name=name)
        """,
        """
        def run(self, name):
            logger.warning("no tool {name} here", tool=name)
        """,
    ),
    "a hole that no keyword can fill": (
        "forgotten-f",
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len} failed", errors=errors, len=len(inputs))
        """,
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len(inputs)} failed", errors=errors, len=len(inputs))
        """,
    ),
}


def _hazards(source: str, folder: Path) -> set[str]:
    (folder / "harness.py").write_text(dedent(source), encoding="utf-8")
    model = read_harness([folder])
    assert not [file.error for file in model.files if file.error]
    return {element.name for element in model.of_role(ElementRole.HAZARD)}


@pytest.mark.parametrize("pair", PAIRS)
def test_told_apart(pair: str, tmp_path: Path) -> None:
    hazard, sound, flawed = PAIRS[pair]
    assert hazard not in _hazards(sound, tmp_path)
    assert hazard in _hazards(flawed, tmp_path)
