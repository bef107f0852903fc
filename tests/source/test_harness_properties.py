"""What holds for any source at all."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source import read_harness
from harnessfix_ir.source.jinja import read_jinja
from harnessfix_ir.source.settings_files import Entry, read_settings

PROJECT = Path(__file__).parents[2]
FOLDERS = [
    "ir/harnessfix_ir",
    "collectors/harnessfix_collectors",
    "repairs/harnessfix_repairs",
    "harnessfix",
    "examples",
]


def check(model: HarnessModel) -> None:
    """Every element lies in a file that was read, on lines that exist, with the hash of those lines."""
    contents = {
        file.path: (Path(model.root) / file.path).read_bytes().splitlines(keepends=True) for file in model.files
    }
    ids = [element.id for element in model.elements]
    assert len(ids) == len(set(ids))
    for element in model.elements:
        anchor = element.anchor
        lines = contents[anchor.path]
        assert 1 <= anchor.start_line <= anchor.end_line <= max(1, len(lines)), element.id
        text = b"".join(lines[anchor.start_line - 1 : anchor.end_line])
        assert anchor.content_hash == hashlib.sha256(text).hexdigest()[:16], element.id
        assert element.id.startswith(f"{element.role.value}:{anchor.path}:{anchor.qualname}")
    order = [(e.anchor.path, e.anchor.start_line) for e in model.elements]
    assert order == sorted(order)


@pytest.mark.parametrize("folder", FOLDERS)
def test_our_own_source(folder: str, tmp_path: Path) -> None:
    # A copy: nobody edits it while it is looked at.
    top = tmp_path / Path(folder).name
    shutil.copytree(PROJECT / folder, top, ignore=shutil.ignore_patterns("__pycache__"))
    model = read_harness([top])
    assert model.files
    for file in model.files:
        if file.language == "python" and file.error:
            with pytest.raises(SyntaxError):
                compile((Path(model.root) / file.path).read_bytes(), file.path, "exec")
    check(model)


def _samples() -> list[str]:
    return [
        path.read_text(encoding="utf-8") for path in sorted((PROJECT / "ir/harnessfix_ir/source/roles").glob("*.py"))
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 12))
def test_source_with_lines_lost_and_swapped(tmp_path: Path, seed: int, cuts: int) -> None:
    chance = random.Random(seed)
    lines = chance.choice(_samples()).split("\n")
    for _ in range(cuts):
        at = chance.randrange(len(lines))
        if chance.random() < 0.5 and len(lines) > 1:
            del lines[at]
        else:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
    (tmp_path / "agent.py").write_text("\n".join(lines), encoding="utf-8")
    model = read_harness([tmp_path])
    check(model)
    assert HarnessModel.model_validate_json(model.model_dump_json()) == model


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["yaml", "toml", "json"]))
def test_any_text_is_settings_or_says_why_not(text: str, language: str) -> None:
    problem = ""
    entries: list[Entry] = []
    try:
        entries = read_settings(text, language)
    except ValueError as error:
        problem = str(error)
    assert not problem or problem.startswith("line ")
    assert all(1 <= entry.start <= entry.end for entry in entries)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}%|[]:.<> abdefilnoprstuw_0123", max_size=120))
def test_any_text_is_a_template_or_says_why_not(text: str) -> None:
    facts = read_jinja(text)
    assert set(facts.bounded) <= set(facts.shown)
