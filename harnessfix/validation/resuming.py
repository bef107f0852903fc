"""Results of a validation that was interrupted: kept beside the store until a validation comes to its end."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from harnessfix_repairs.validation.gitcommand import git
from harnessfix_repairs.validation.runner import TaskResult
from harnessfix_repairs.validation.worktree import Tree

FILE = "unfinished-validation.jsonl"


class Unfinished:
    """The results so far; one that is asked for again is not run again.

    Args:
        folder: `.harnessfix` of the workspace.
        about: everything besides tree and task that a result depends on: command, rules, time allowed.
    """

    def __init__(self, folder: Path, about: Sequence[str]) -> None:
        self.path = folder / FILE
        self._about = tuple(about)
        self._lock = threading.Lock()
        self._known = self._read()
        self.found = 0

    def key(self, task: str, tree: Tree, number: int) -> str:
        """Name of the `number`-th run of a task in a tree: the same for the same code, patches and circumstances."""
        code = git(tree.top, "rev-parse", "HEAD^{tree}", check=False) or b""
        patches = [patch.id for patch in tree.patches]
        what = [*self._about, task, str(number), code.decode(), hashlib.sha256(tree.changes).hexdigest(), *patches]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]

    def get(self, key: str) -> TaskResult | None:
        """The result of that name, if an interrupted validation left it."""
        with self._lock:
            found = self._known.get(key)
            self.found += found is not None
            return found

    def put(self, key: str, result: TaskResult) -> None:
        """Keep a result; one that could not be run, or not start, is not kept, so that it is tried again."""
        if result.error or result.stillborn:
            return
        line = json.dumps({"key": key, "result": result.model_dump(mode="json")}) + "\n"
        with self._lock, contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)

    def done(self) -> None:
        """The validation came to its end."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, TaskResult]:
        found = {}
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return {}
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError, ValidationError):  # a line that was cut off
                told = json.loads(line)
                found[str(told["key"])] = TaskResult.model_validate(told["result"])
        return found
