"""What is shipped: four packages, their data, the examples; and a README whose commands are one line each."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"harnessfix", "harnessfix_ir", "harnessfix_collectors", "harnessfix_repairs"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in the wheel that this source builds."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_top_level_names_are_exactly_the_four_packages(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_what_is_not_python_is_shipped_too(wheel: set[str]) -> None:
    for name in (
        "harnessfix/_examples/shipmate/pyproject.toml",
        "harnessfix/_examples/shipmate/shipmate/config.yaml",
        "harnessfix_collectors/probe/runtime/sitecustomize.py",
        *(f"{package}/py.typed" for package in PACKAGES),
    ):
        assert name in wheel
    assert any(name.startswith("harnessfix/store/migrations/versions/") for name in wheel)
    assert not any("__pycache__" in name or ".harnessfix/" in name for name in wheel)


def test_the_readme_s_first_two_commands_are_one_line_each() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    main_job, tests = (block.strip().splitlines() for block in blocks[:2])
    assert len(main_job) == 1
    assert main_job[0].endswith("harnessfix demo")
    assert len(tests) == 1
    assert "pytest" in tests[0]


def test_every_link_in_a_readme_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]:
        if ".venv" in str(page):
            continue
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_documented_settings_are_accepted(tmp_path: Path) -> None:
    from harnessfix.settings import load_settings

    (block,) = re.findall(r"^```toml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    settings = load_settings(tmp_path, {})
    assert settings.harness == ("your_agent",)
    assert settings.validation.argv("one")[-1] == "one"


def test_no_generated_folder_is_tracked() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not re.search(r"__pycache__|\.harnessfix/|\.egg-info", tracked)
