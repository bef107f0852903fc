"""`harnessfix tui` over a real store: recorded, diagnosed, looked at, repaired."""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix.rules import all_rules
from harnessfix.tui.library import StoreLibrary
from harnessfix_ir.errors import PatchError, StoreError
from harnessfix_ir.findings import FlawRecord

RULE = "E102"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The harness that the rule's page shows as bad, with one run of it in a store; the current folder."""
    folder = tmp_path_factory.mktemp("bad")
    bad = next(rule for rule in all_rules() if rule.code == RULE).bad
    for path, text in bad.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        CliRunner().invoke(main, ["record", "--", sys.executable, *(bad.run or ())], catch_exceptions=False)
        yield folder


@pytest.fixture(scope="module")
def library(recorded: Path) -> Iterator[StoreLibrary]:
    """The real library over it, diagnosed."""
    found = StoreLibrary(recorded)
    assert [row.flaws for row in found.contents().runs] == [None]
    heard: list[str] = []
    contents = found.check(heard.append)
    assert heard
    assert [row.flaws for row in contents.runs] != [None]
    yield found
    found.close()


@pytest.fixture
def flaw(library: StoreLibrary) -> FlawRecord:
    return next(flaw for flaw in library.contents().flaws if flaw.best.rule == RULE)


def svg_text(path: Path) -> str:
    """The words of a picture; it must be well-formed."""
    return " ".join("".join(ElementTree.parse(path).getroot().itertext()).replace("\xa0", " ").split())


def test_the_library_opens_runs_with_their_source(library: StoreLibrary, flaw: FlawRecord) -> None:
    assert flaw.best.run is not None
    opened = library.open_run(library.find_run(flaw.best.run[:8]))
    assert opened.run.steps
    assert flaw.flaw in {diagnosis.flaw for diagnosis in opened.diagnoses}
    anchor = flaw.best.anchors[0]
    file = library.source(anchor.path, opened.bases)
    assert len(file.lines) >= anchor.end_line
    assert not file.changed(anchor)


def test_advice_and_a_proposed_patch(library: StoreLibrary, flaw: FlawRecord) -> None:
    before = library.advice(flaw)
    assert before.why
    assert before.safety
    assert not before.patches
    library.propose(flaw)
    (patch,) = library.advice(flaw).patches
    assert patch.diff.startswith(("diff --git", "--- "))
    assert patch.added > 0
    assert patch.expected
    assert not patch.applied
    assert not patch.verdict
    nobody = flaw.best.model_copy(update={"operator": None})
    with pytest.raises(PatchError):
        library.propose(flaw.model_copy(update={"best": nobody}))


def test_pictures_of_all_three_screens(
    library: StoreLibrary, flaw: FlawRecord, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    wanted = {
        "start": ([], flaw.best.name),
        "run": (["latest"], flaw.best.anchors[0].place),
        "flaw": (["--flaw", flaw.flaw[:6]], f"harnessfix validate {flaw.flaw}"),
    }
    for name, (arguments, expected) in wanted.items():
        picture = tmp_path / f"{name}.svg"
        asked = ["tui", *arguments, "--screenshot", str(picture), "--size", "140x50"]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert expected in svg_text(picture)
        assert "url(http" not in picture.read_text("utf-8").replace('"', "")


def test_without_a_store_the_first_screen_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["tui", "--screenshot", "out.svg"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "harnessfix record -- python your_agent.py" in svg_text(tmp_path / "out.svg")
    assert not (tmp_path / ".harnessfix").exists()
    with pytest.raises(StoreError):
        StoreLibrary(tmp_path).contents()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latest"], "hint:"),
        (["--flaw", "abc"], "hint:"),
        (["--screenshot", "out.svg", "--size", "wide"], "120x36"),
        (["--screenshot", "out.svg", "--size", "9x9"], "40x12"),
        (["--screenshot", "nowhere/out.svg"], "nowhere/out.svg"),
    ],
)
def test_what_cannot_be_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["tui", *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out.svg").exists()


def test_without_textual_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "textual", None)
    for name in [name for name in sys.modules if name.startswith(("textual.", "harnessfix.tui."))]:
        monkeypatch.delitem(sys.modules, name)
    result = CliRunner().invoke(main, ["tui"])
    assert result.exit_code == 2
    assert 'pip install "harnessfix[tui]"' in result.output
