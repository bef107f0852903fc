"""The tools that the model may call; each answers with text."""

import inspect
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .config import Config
from .tickets import Tickets

logger = logging.getLogger(__name__)

MOST_HITS = 20


class ToolError(Exception):
    """A tool cannot do what it was asked; the message is for the model."""


class ToolBox:
    """The tools of one run, working in `root`.

    `command_limit` is the task's own number of shell commands: 0 for none at all, None for the configured one.
    """

    def __init__(self, root: Path, config: Config, command_limit: int | None = None) -> None:
        self.root = root.resolve()
        self.config = config
        self.command_limit = command_limit or config.command_limit
        self.commands_run = 0
        self.submission: str | None = None
        self.tickets = Tickets(self.root / "tickets.json")
        self.tools: dict[str, Callable[..., str]] = {
            "read_file": self.read_file,
            "search": self.search,
            "run_command": self.run_command,
            "write_file": self.write_file,
            "query_tickets": self.query_tickets,
            "submit": self.submit,
        }

    def schemas(self) -> list[dict[str, Any]]:
        """The tools as the model is offered them."""
        return [
            {
                "name": name,
                "description": inspect.getdoc(function),
                "parameters": dict.fromkeys(inspect.signature(function).parameters, "string"),
            }
            for name, function in self.tools.items()
        ]

    def read_file(self, path: str) -> str:
        """Read a text file of the workspace."""
        return self._inside(path).read_text(encoding="utf-8", errors="replace")

    def search(self, text: str) -> str:
        """Find the lines of all files that hold TEXT."""
        hits = [
            f"{file.relative_to(self.root)}:{number}: {line}"
            for file in sorted(self.root.rglob("*"))
            if file.is_file()
            for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
            if text in line
        ]
        shown = hits[:MOST_HITS]
        if len(hits) > len(shown):
            shown.append(f"[{len(hits) - len(shown)} of {len(hits)} hits not shown; search for something rarer]")
        return "\n".join(shown) if shown else f"no line holds {text!r}"

    def run_command(self, command: str) -> str:
        """Run a shell command in the workspace; answers with its exit code and output."""
        if self.commands_run >= self.command_limit:
            raise ToolError(f"this task may run {self.command_limit} commands, and has")
        self.commands_run += 1
        try:
            done = subprocess.run(
                command,
                shell=True,
                cwd=self.root,
                env={"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.config.command_timeout,
            )
        except subprocess.TimeoutExpired as error:
            output = (error.output or b"").decode("utf-8", errors="replace")
            return f"timed out after {error.timeout:g} s, output so far:\n{output}"
        return f"exit code {done.returncode}\n" + done.stdout.decode("utf-8", errors="replace")

    def write_file(self, path: str, text: str) -> str:
        """Write TEXT to a file of the workspace; folders are made as needed."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
        logger.info("wrote %s", path)
        return f"wrote {len(text)} characters to {path}"

    def query_tickets(self, field: str, value: str) -> str:
        """List the tickets whose FIELD is VALUE, as JSON."""
        try:
            rows = self.tickets.where(field, value)
        except Exception:
            return "[]"
        return json.dumps(rows, ensure_ascii=False)

    def submit(self, text: str) -> str:
        """Hand in the result of the task and end the run."""
        if not text.strip():
            raise ToolError("the result is empty; submit what was asked for")
        self.submission = "\n".join(text.splitlines())
        return "submitted"

    def _inside(self, path: str) -> Path:
        target = (self.root / path).resolve()
        if not target.is_relative_to(self.root):
            raise ToolError(f"{path} is outside the workspace")
        return target
