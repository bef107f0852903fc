"""The probe in this very process, for test runners: one document for each stretch of work, as `record` makes one for a
program."""

import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from .record import RUNTIME, SCHEMA

VARIABLES = ("PYTHONPATH", "HARNESSFIX_PLAN", "HARNESSFIX_SPOOL", "HARNESSFIX_TRACE", "TRACEPARENT")


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
        (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
        self._variables = {name: os.environ.get(name) for name in VARIABLES}
        sys.path.insert(0, str(RUNTIME))
        try:
            from _harnessfix_probe import boot, spool, values  # type: ignore[import-not-found]
        finally:
            sys.path.remove(str(RUNTIME))
        self._spool, self._values = spool, values
        idle = folder / "idle"
        idle.mkdir(exist_ok=True)
        self._probe = boot.install(plan, str(idle), secrets.token_hex(16))
        self._idle = self._probe.spool
        self._begun: dict[str, Any] = {}

    def begin(self, name: str) -> None:
        """What happens from now on belongs to a new document for the task `name`."""
        trace = secrets.token_hex(16)
        folder = self.folder / trace
        folder.mkdir()
        self._begun = {
            "t": "recording",
            "schema": SCHEMA,
            "trace": trace,
            "command": [name],
            "task": name,
            "harness": self.roots,
            "time": time.time_ns(),
            "plan": self.plan,
        }
        probe = self._probe
        probe.trace, probe.parent = trace, None
        probe.counts.clear()
        probe.spool = self._spool.Spool(str(folder), self._idle.scrub)
        probe.encoder = self._values.Encoder(probe.spool.text)
        probe.spool.write({**self._idle.first, "trace": trace, "time": time.time_ns()})
        python_path = self._variables["PYTHONPATH"]
        os.environ["PYTHONPATH"] = os.pathsep.join([str(RUNTIME), *([python_path] if python_path else [])])
        os.environ["HARNESSFIX_PLAN"] = str(self.folder / "plan.json")
        os.environ["HARNESSFIX_SPOOL"] = str(folder)
        os.environ["HARNESSFIX_TRACE"] = trace
        os.environ["TRACEPARENT"] = f"00-{trace}-{'0' * 16}-01"

    def finish(self, passed: bool) -> bytes:
        """The document of what happened since `begin`; `passed` stands for the exit code."""
        trace = self._begun["trace"]
        folder = self.folder / trace
        own = self._probe.spool
        self._probe.spool = self._idle
        self._probe.encoder = self._values.Encoder(self._idle.text)
        os.close(own.fd)
        ended = {"t": "ended", "code": 0 if passed else 1, "time": time.time_ns()}
        parts = [
            json.dumps(self._begun).encode(),
            *(spool.read_bytes().rstrip(b"\n") for spool in sorted(folder.glob("*.jsonl"))),
        ]
        parts.append(json.dumps(ended).encode())
        shutil.rmtree(folder, ignore_errors=True)
        return b"\n".join(parts) + b"\n"

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
