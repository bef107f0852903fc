"""`pytest --harnessfix`: each test that drives an agent is a run; its flaws stand in the terminal summary.

Under xdist every worker records and stores its own tests, and the controller, which learns the run ids from the
reports, diagnoses all of them and writes.
"""

import inspect
import json
import os
import textwrap
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harnessfix.checking import chosen_rules
from harnessfix.diagnoser import Diagnosed
from harnessfix.pipeline import Pipeline
from harnessfix.words import counted, said_of
from harnessfix.workspace import Workspace
from harnessfix_collectors.document import FORMAT
from harnessfix_collectors.in_process import InProcessProbe
from harnessfix_collectors.probe.plan import make_plan
from harnessfix_collectors.program import names_of_source
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.vocabulary import Severity, StepKind

PROPERTY = "harnessfix_run"
AGENT_KINDS = {StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL}


class HarnessfixSession:
    """One pytest session with recording on.

    Args:
        config: of pytest, early.

    Raises:
        pytest.UsageError: the settings or the store cannot be used.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.found: Diagnosed | None = None
        self.ignored: dict[str, tuple[str, ...]] = {}
        self.runs: dict[str, str] = {}
        self.trouble: list[str] = []
        try:
            self.workspace = Workspace.open(config.rootpath, create=True)
            self.roots = self.workspace.roots()
            model = self.workspace.model(self.roots)
        except HarnessfixError as error:
            raise pytest.UsageError(f"harnessfix: {error} {error.hint}") from error
        folder = self.workspace.spool_folder / f"pytest-{os.getpid()}"
        settings, redact = self.workspace.settings.probe, self.workspace.settings.redact
        plan = make_plan(
            model,
            include=settings.include,
            exclude=settings.exclude,
            redact=redact.enabled,
            cache=folder.parent / "code",
        )
        plan["redact_patterns"] = list(redact.patterns)
        self.probe = InProcessProbe(plan, [str(root) for root in self.roots], folder)

    @property
    def is_worker(self) -> bool:
        """Whether this is a process of xdist that runs tests for a controller; known once the session has started."""
        return hasattr(self.config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record one test, from its set-up to its tear-down."""
        self._failed, self._open = False, True
        self.probe.begin(item.nodeid)
        try:
            return (yield)
        finally:
            if self._open:  # the runner was interrupted before the teardown report
                self._keep(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Learn how the test ended; the teardown report carries the run id, across xdist and into JUnit."""
        self._failed = self._failed or call.excinfo is not None
        if call.when == "teardown":
            self._keep(item)
        return (yield)

    def _keep(self, item: pytest.Item) -> None:
        """Store what the test did, if it drove an agent."""
        self._open = False
        data = self.probe.finish(not self._failed, _names_of(item) if self._failed else ())
        try:
            recordings = list(read_bytes(data, item.nodeid, FORMAT))
            if not any(step.kind in AGENT_KINDS for recording in recordings for step in recording.steps):
                return
            runs = self.workspace.store.add(data, format=FORMAT, filename=item.nodeid, recordings=recordings)
        except HarnessfixError as error:
            item.user_properties.append((PROPERTY, json.dumps({"trouble": str(error)})))
            return
        ignore = [code for mark in item.iter_markers("harnessfix") for code in mark.kwargs.get("ignore", ())]
        item.user_properties.append((PROPERTY, json.dumps({"runs": runs, "test": item.nodeid, "ignore": ignore})))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In the controller (or the only process): take note of the runs."""
        for name, value in report.user_properties if report.when == "teardown" else ():
            if name != PROPERTY:
                continue
            told = json.loads(str(value))
            if "trouble" in told:
                self.trouble.append(told["trouble"])
            for run in told.get("runs", ()):
                self.runs[run] = told["test"]
                self.ignored[run] = tuple(told["ignore"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Diagnose all runs, write the report, decide the exit status."""
        if not self.is_worker:
            try:
                self._diagnose()
            except HarnessfixError as error:
                self.trouble.append(str(error))
            if self.found is not None and session.exitstatus == pytest.ExitCode.OK and self._fails(self.found):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.probe.close()

    def _diagnose(self) -> None:
        rules = chosen_rules(self.workspace.settings, (), ())
        self.found = Pipeline(self.workspace).diagnose(list(self.runs), rules, source=[self.roots])
        left = [
            flaw
            for flaw in self.found.flaws
            if not flaw.runs or any(flaw.best.rule not in self.ignored.get(run, ()) for run in flaw.runs)
        ]
        self.found.flaws = left
        target = self.config.getoption("--harnessfix-report")
        if target:
            from harnessfix.reports.check_json import check_document

            document = check_document(self.found.flaws, self.found.runs, self.found.incomplete)
            Path(target).write_text(json.dumps(document, indent=2) + "\n", "utf-8")

    def _fails(self, found: Diagnosed) -> bool:
        wanted = self.config.getoption("--harnessfix-fail-on") or self.config.getini("harnessfix_fail_on")
        severities = {"error": {Severity.ERROR}, "warning": {Severity.ERROR, Severity.WARNING}}.get(str(wanted), set())
        return any(flaw.best.severity in severities for flaw in found.flaws)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The flaws of this session."""
        if self.is_worker:
            return
        write = terminalreporter.write_line
        terminalreporter.section("harnessfix")
        for path in self.probe.too_late[:5]:
            write(f"not instrumented, because it was imported before harnessfix could start: {path}", yellow=True)
        for trouble in dict.fromkeys(self.trouble):
            write(f"not recorded: {trouble}", yellow=True)
        if self.found is None:
            return
        from harnessfix.cli.plain import one_line, plain

        for flaw in self.found.flaws:
            best = flaw.best
            tests = [self.runs[run] for run in flaw.runs if run in self.runs]
            colour = {"error": {"red": True}, "warning": {"yellow": True}}.get(best.severity.value, {})
            write(f"{plain(best.anchors[0].place)}: {best.rule} {best.name} ({best.layer.value})", **colour)
            write(f"    {one_line(best.message, 200)}")
            for test in tests[:3]:
                write(f"    in {plain(test)}")
        write(
            f"{said_of(self.found.flaws)} in {counted(len(self.runs), 'run')}; "
            "look closer: harnessfix check, harnessfix tui"
        )


def _names_of(item: pytest.Item) -> tuple[str, ...]:
    """Names that a test uses; none where it is no function, or its source is not found."""
    function = getattr(item, "function", None)
    try:
        source = inspect.getsource(function) if function is not None else ""
    except (OSError, TypeError, SyntaxError):  # the file is gone or was changed, or the function was made by a call
        return ()
    return names_of_source(textwrap.dedent(source), getattr(function, "__globals__", ()))
