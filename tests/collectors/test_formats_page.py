"""The page of formats says what the readers say."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    made = runpy.run_path(str(DOCS / "make_formats.py"))
    assert (DOCS / "formats.md").read_text() == made["page"](), "run python docs/make_formats.py"
