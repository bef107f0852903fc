"""Make the pictures of the documentation from a real run of the example: `python docs/make_images.py`."""

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harnessfix.checking import chosen_rules
from harnessfix.cli.render.findings import finding_view
from harnessfix.cli.render.story import run_heading, story
from harnessfix.example import copy_example
from harnessfix.pipeline import Pipeline
from harnessfix.tasks import run_tasks, with_interpreter_first
from harnessfix.tui.app import HarnessfixApp
from harnessfix.tui.library import StoreLibrary
from harnessfix.tui.screenshot import screenshot
from harnessfix.workspace import Workspace

IMAGES = Path(__file__).parent / "images"
TASKS = ("notes-from-tickets", "slow-docs")
WIDTH = 116


def main() -> None:
    """Record two tasks, check them, and export what the terminal would show."""
    IMAGES.mkdir(exist_ok=True)
    workspace = Workspace.open(copy_example("shipmate"), create=True)
    pipeline = Pipeline(workspace)
    runs = run_tasks(pipeline, TASKS, env=with_interpreter_first(sys.executable))
    ids = {run.task: run.collected.runs[0] for run in runs}
    found = pipeline.diagnose(ids.values(), chosen_rules(workspace.settings, (), ()))
    names = {run: task for task, run in ids.items()}
    views = [finding_view(flaw, found.roots, run_name=names.get(flaw.best.run or "", "")) for flaw in found.flaws]
    save("check", "$ harnessfix check", *(part for view in views[:2] for part in (view, Text())))
    htir = pipeline.compile(ids["notes-from-tickets"])
    save(
        "show",
        "$ harnessfix show notes-from-tickets",
        run_heading(htir),
        story(htir, found.diagnoses[htir.run.id], WIDTH),
    )
    app = HarnessfixApp(StoreLibrary(workspace.settings.root), run=ids["slow-docs"])
    (IMAGES / "tui.svg").write_text(screenshot(app, WIDTH, 34), "utf-8")


def save(name: str, title: str, *parts: object) -> None:
    """Write `images/NAME.svg`."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for part in parts:
        console.print(part)
    (IMAGES / f"{name}.svg").write_text(console.export_svg(title=title, unique_id=name), "utf-8")


if __name__ == "__main__":
    main()
