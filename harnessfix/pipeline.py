"""The way the data goes, in one file: collect → compile → diagnose → propose → validate.

Every stage turns typed documents into the next ones; what a stage made is kept under the content it came from, so an
interrupted command goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessfix.diagnoser import Diagnosed, diagnose_run, split_outdated
from harnessfix.workspace import Workspace, model_digest
from harnessfix_ir.errors import BadInputError, HarnessfixError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo

if TYPE_CHECKING:
    from harnessfix.rules import Rule
    from harnessfix.store import RunRow
    from harnessfix_collectors.record import RecordResult

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Collected:
    """What one recording brought: run ids, the program's exit code, and evidence that could not be had."""

    runs: tuple[str, ...]
    exit_code: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """What one file brought.

    Args:
        runs: ids of its runs.
        format: the reader's name.
        redacted: secrets that were replaced before anything was stored.
        notes: places of a large file that could not be read; a run's own are in its recording.
    """

    runs: tuple[str, ...]
    format: str
    redacted: int = 0
    notes: tuple[str, ...] = ()


class Pipeline:
    """The stages over one workspace.

    Args:
        workspace: settings and store.
        tell: told after each unit of long work, for progress.
    """

    def __init__(self, workspace: Workspace, tell: Tell = lambda what: None) -> None:
        self.workspace, self.store, self.tell = workspace, workspace.store, tell
        self._models: dict[tuple[Path, ...], HarnessModel] = {}

    # -- collect -------------------------------------------------------------------------------------------------

    def record(self, command: Sequence[str], **options: Any) -> Collected:
        """Run a program and store its runs; options as for `run`."""
        return self.keep(self.run(command, **options))

    def run(
        self,
        command: Sequence[str],
        *,
        harness: Sequence[str] = (),
        probe: bool = True,
        task: str = "",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        quiet: bool = False,
    ) -> "RecordResult":
        """Run a program and record it, without storing anything yet.

        Args:
            command: the program and its arguments.
            harness: paths or package names; those of the settings when empty.
            probe: whether to instrument the harness.
            task: name of the task, where the program does not say it.
            cwd: folder to run in.
            env: environment; this process's when None.
            timeout: seconds after which the program is ended.
            quiet: keep the program's own output off the terminal.
        """
        from harnessfix_collectors.record import python_of, record

        settings = self.workspace.settings
        roots = self.workspace.roots(harness, python_of(command))
        return record(
            command,
            model=self.model(roots),
            roots=roots,
            spool_root=self.workspace.folder / "spool",
            probe=probe and settings.probe.enabled,
            include=settings.probe.include,
            exclude=settings.probe.exclude,
            redact=settings.redact.enabled,
            redact_patterns=settings.redact.patterns,
            task=task,
            cwd=cwd,
            env=env,
            timeout=timeout,
            quiet=quiet,
        )

    def keep(self, result: "RecordResult") -> Collected:
        """Store what a program left, then remove its spool."""
        runs = self._keep(result.data, "harnessfix-probe", "record") if result.data else []
        result.discard()
        return Collected(tuple(runs), result.exit_code, result.missing)

    def import_file(self, path: Path, format_name: str | None = None) -> Imported:
        """Store the runs of a trace file, a large one piece by piece, without the secrets in it.

        Raises:
            BadInputError: nothing of it could be read; the message names the file and the place.
        """
        from harnessfix_collectors.files import TraceFile, Trouble
        from harnessfix_collectors.pieces import pieces
        from harnessfix_collectors.readers import reader_of
        from harnessfix_collectors.redaction import Scrubber

        file = TraceFile.at(path)
        reader = reader_of(file, format_name)
        redact, trouble, runs = self.workspace.settings.redact, Trouble(file.name), []
        scrubber = Scrubber(redact.patterns) if redact.enabled else None
        for piece in pieces(file, reader, trouble):
            data = piece.data()
            clean = reader.scrub(data, scrubber) if scrubber else data
            runs += self._keep(clean, reader.name, file.name)
            self.tell(file.name)
        if not runs and trouble.notes:
            raise BadInputError(trouble.notes[0], hint="Nothing else of the file could be read.")
        return Imported(tuple(runs), reader.name, scrubber.count if scrubber else 0, trouble.notes)

    def _keep(self, data: bytes, format_name: str, filename: str) -> list[str]:
        from harnessfix_collectors.readers import read_bytes

        recordings = list(read_bytes(data, filename, format_name))
        return self.store.add(data, format=format_name, filename=filename, recordings=recordings)

    # -- compile -------------------------------------------------------------------------------------------------

    def model(self, roots: tuple[Path, ...]) -> HarnessModel:
        """The harness model of these folders, read once; an empty one without folders."""
        if roots not in self._models:
            self._models[roots] = self.workspace.model(roots) if roots else HarnessModel(root="")
        return self._models[roots]

    def roots_of(self, run: RunInfo) -> tuple[Path, ...]:
        """Folders of the harness that a run came from: as recorded, else those of the settings."""
        recorded = tuple(root for root in map(Path, run.harness) if root.exists())
        return recorded or self.workspace.roots()

    def compile(self, run_id: str) -> Htir:
        """One run joined with its harness. Raises `StoreError` when there is no such run."""
        recording = self.store.recording(run_id, _read)
        return self._compiled(recording, self.model(self.roots_of(recording.run)), self.store.run(run_id))

    def _compiled(self, recording: Recording, model: HarnessModel, row: "RunRow") -> Htir:
        """The compiled run, its outcome as the labels have it: the newest word counts, not what was recorded."""
        from harnessfix_ir.compiler import compile_run

        run = recording.run.model_copy(update={"outcome": row.outcome, "outcome_by": row.outcome_by})
        return compile_run(recording.model_copy(update={"run": run}), model)

    # -- diagnose ------------------------------------------------------------------------------------------------

    def diagnose(
        self,
        run_ids: Iterable[str],
        rules: "Sequence[Rule]",
        *,
        source: Sequence[tuple[Path, ...]] = (),
        save: bool = True,
    ) -> Diagnosed:
        """Flaws of these runs and of their harness.

        Args:
            run_ids: runs of the store.
            rules: to ask.
            source: folders to check without a run, each set a harness; the runs' own are checked in any case.
            save: whether to keep the result in the store.
        """
        found, wanted = Diagnosed(severities=self.workspace.settings.severity), list(run_ids)
        rows = {row.id: row for row in self.store.runs()}
        for run_id, recording in self.store.recordings(wanted, _read):
            try:
                if isinstance(recording, HarnessfixError):
                    raise recording
                self._diagnose_one(recording, rows[run_id], rules, found, save)
            except HarnessfixError as error:
                found.incomplete.append(f"run {run_id[:8]} was left out: {error}")
            self.tell(run_id[:8])
        for roots in source:
            found.take_source(roots, self.model(roots), rules)
        found.consolidate({run_id: row.outcome for run_id, row in rows.items()}, rules)
        if save:
            self.store.save_flaws(found.flaws, replace_all=set(wanted) >= set(rows))
        return found

    def _diagnose_one(
        self, recording: Recording, row: "RunRow", rules: "Sequence[Rule]", found: Diagnosed, save: bool
    ) -> None:
        roots = self.roots_of(recording.run)
        model = self.model(roots)
        found.take_source(roots, model, rules)
        htir = self._compiled(recording, model, row)
        found.join(htir, model)
        report = diagnose_run(htir, model, rules)
        report.diagnoses, outdated = split_outdated(report.diagnoses, htir, model)
        found.outdated += len(outdated)
        found.take(row.id, report)
        if save:
            self.store.replace_diagnoses(row.id, model_digest(model), found.diagnoses[row.id])


def _read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
    from harnessfix_collectors.readers import read_bytes

    return read_bytes(data, filename, format_name)
