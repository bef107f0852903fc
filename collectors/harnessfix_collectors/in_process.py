"""The probe in this very process, for test runners: one document for each stretch of work, as `record` makes one for a
program."""

import os
import secrets
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from .document import Header, assemble, environment_for, write_plan
from .program import without_secrets
from .record import RUNTIME

VARIABLES = ("PYTHONPATH", "HARNESSFIX_PLAN", "HARNESSFIX_CODE", "HARNESSFIX_SPOOL", "HARNESSFIX_TRACE", "TRACEPARENT")


class InProcessProbe:
    """Instruments modules that are imported from now on, and cuts what happens into documents.

    Args:
        plan: from `make_plan`.
        roots: folders of the harness.
        folder: for spool files; removed by `close`.
    """

    def __init__(self, plan: dict[str, Any], roots: list[str], folder: Path) -> None:
        self.plan, self.roots, self.folder = plan, roots, folder
        self.too_late = sorted(_imported_already(plan))
        folder.mkdir(parents=True, exist_ok=True)
        self._plan_file = write_plan(folder, plan)
        self._variables = {name: os.environ.get(name) for name in VARIABLES}
        sys.path.insert(0, str(RUNTIME))
        try:
            from _harnessfix_probe import boot
        finally:
            sys.path.remove(str(RUNTIME))
        self._boot = boot
        idle = folder / "idle"
        idle.mkdir(exist_ok=True)
        self._probe = boot.install(plan, str(idle), secrets.token_hex(16))
        self._idle = self._probe.spool
        self._begun: Header | None = None

    def begin(self, name: str) -> None:
        """What happens from now on belongs to a new document for the task `name`."""
        self._begun = Header(secrets.token_hex(16), (name,), name, tuple(self.roots), self.plan)
        folder = self.folder / self._begun.trace
        folder.mkdir()
        self._boot.begin(self._probe, str(folder), self._begun.trace)
        before = {name: value for name, value in self._variables.items() if value is not None}
        code = self.plan.get("cache")
        own = environment_for(before, self._plan_file, folder, self._begun.trace, None if code is None else Path(code))
        os.environ.update(own)

    def finish(self, passed: bool, program: tuple[str, ...] = ()) -> bytes:
        """The document of what happened since `begin`; `passed` stands for the exit code.

        Args:
            passed: whether it went well.
            program: names that the work used, see `program.names_of_source`.

        Raises:
            ValueError: nothing was begun.
        """
        if self._begun is None:
            raise ValueError("nothing was begun")
        header, self._begun = self._begun, None
        folder = self.folder / header.trace
        self._probe.tell_counts()
        own = self._probe.spool
        self._probe.turn_to(self._idle, header.trace)
        own.close()
        header = replace(header, program=without_secrets(program, own.scrub))
        data = assemble(folder, header, 0 if passed else 1)
        shutil.rmtree(folder, ignore_errors=True)
        return data

    def close(self) -> None:
        """Restore the environment and remove the spool; modules stay instrumented until the process ends."""
        for name, value in self._variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self.folder, ignore_errors=True)


def _imported_already(plan: dict[str, Any]) -> set[str]:
    """Files of the plan that were imported before the probe could instrument them."""
    wanted = {path for path, part in plan["files"].items() if part.get("functions")}
    modules = list(sys.modules.values())
    loaded = {
        os.path.realpath(file) for module in modules if isinstance(file := getattr(module, "__file__", None), str)
    }
    return {plan["files"][path]["path"] for path in wanted & loaded}
