"""One task in a folder of its own: laid out, worked on, checked, removed."""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from .agent import Agent, Outcome
from .check import problems, snapshot
from .config import load_config
from .model import ModelClient
from .scripted import ScriptedBackend
from .tools import ToolBox

logger = logging.getLogger(__name__)

TASKS = Path(__file__).resolve().parents[1] / "tasks"


def load_task(name: str) -> dict[str, Any]:
    """The task called `name`, which may also be the path of its file. Raises `OSError` or `ValueError`."""
    path = Path(name) if name.endswith(".json") else TASKS / f"{name}.json"
    task: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return task | {"name": path.stem}


def run_task(task: dict[str, Any]) -> tuple[Outcome, list[str]]:
    """Run the agent on a task; how that ended, and what the task's check found wrong with it."""
    with tempfile.TemporaryDirectory(prefix="shipmate-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        workspace = home / "workspace"
        workspace.mkdir()
        lay_out(workspace, task.get("files", {}))
        lay_out(home, task.get("around", {}))
        before = snapshot(home)
        outcome = work(task, workspace)
        return outcome, problems(task["expect"], outcome, before, snapshot(home))


def work(task: dict[str, Any], workspace: Path) -> Outcome:
    """Let the agent do the task; an error that ends the run becomes its outcome."""
    config = load_config()
    tools = ToolBox(workspace, config, task.get("command_limit"))
    backend = ScriptedBackend(task["model"])
    agent = Agent(config, ModelClient(backend, config.model_attempts), tools)
    try:
        return agent.run(task["instruction"])
    except Exception as error:
        logger.info("the run was ended by an error", exc_info=True)
        return Outcome("error", backend.sent, error=describe(error))


def describe(error: BaseException) -> str:
    """An error and what caused it, the outermost first."""
    words = f"{type(error).__name__}: {error}"
    return words if error.__cause__ is None else f"{words}, because of {describe(error.__cause__)}"


def lay_out(folder: Path, files: dict[str, Any]) -> None:
    """Write a task's files: texts, or lists of texts and `{"line": template, "times": n}`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(expand(content), encoding="utf-8", newline="")


def expand(content: Any) -> str:
    """The text that a task file's entry stands for."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return "".join(content["line"].format(n=n) + "\n" for n in range(1, content["times"] + 1))
    return "".join(expand(part) for part in content)
