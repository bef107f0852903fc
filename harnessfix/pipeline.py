"""The way the data goes, in one file: collect → compile → diagnose → propose → validate.

Every stage turns typed documents into the next ones; what a stage made is kept under the content it came from, so an
interrupted command goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessfix.diagnoser import Diagnosed, diagnose_run, split_outdated
from harnessfix.workspace import Workspace, model_digest
from harnessfix_ir.errors import BadInputError, HarnessfixError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording
from harnessfix_ir.vocabulary import Outcome

if TYPE_CHECKING:
    from harnessfix.rules import Rule
    from harnessfix_collectors.record import RecordResult

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Collected:
    """What one recording brought: run ids, the program's exit code, and evidence that could not be had."""

    runs: tuple[str, ...]
    exit_code: int
    missing: tuple[str, ...] = ()


class Pipeline:
    """The stages over one workspace.

    Args:
        workspace: settings and store.
        tell: told after each unit of long work, for progress.
    """

    def __init__(self, workspace: Workspace, tell: Tell = lambda what: None) -> None:
        self.workspace, self.store, self.tell = workspace, workspace.store, tell
        self._models: dict[tuple[Path, ...], HarnessModel] = {}
        self._blocks: dict[str, dict[str, Recording]] = {}

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

    def import_file(self, path: Path, format_name: str | None = None) -> list[str]:
        """Store the runs of a trace file. Raises `BadInputError` naming the file."""
        from harnessfix_collectors.readers import reader_for

        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}", hint="Name a readable trace file.") from None
        return self._keep(data, reader_for(data, str(path), format_name).name, path.name)

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

    def roots_of(self, run_id: str) -> tuple[Path, ...]:
        """Folders of the harness that a run came from: as recorded, else those of the settings."""
        recorded = tuple(Path(root) for root in self.store.run_info(run_id).harness)
        return tuple(root for root in recorded if root.exists()) or self.workspace.roots()

    def compile(self, run_id: str, roots: tuple[Path, ...] | None = None) -> Htir:
        """One run joined with its harness; from the cache when neither has changed."""

        from harnessfix_ir.compiler import compile_run

        model = self.model(self.roots_of(run_id) if roots is None else roots)
        return compile_run(self._recording(run_id), model)

    def _recording(self, run_id: str) -> Recording:
        from harnessfix_collectors.readers import read_bytes

        def read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
            return read_bytes(data, filename, format_name)

        return self.store.recording(run_id, read)

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
        found, outcomes = Diagnosed(), dict[str, Outcome]()
        for run_id, roots in self._with_roots(run_ids, found):
            model = found.models.setdefault(roots, self.model(roots))
            try:
                htir = self.compile(run_id, roots)
            except HarnessfixError as error:
                found.incomplete.append(f"run {run_id[:8]} could not be compiled: {error}")
                continue
            outcomes[run_id] = htir.run.outcome
            report = diagnose_run(htir, model, rules)
            report.diagnoses, outdated = split_outdated(report.diagnoses, htir, model)
            found.outdated += len(outdated)
            found.take(run_id, report)
            if save:
                self.store.replace_diagnoses(run_id, model_digest(model), found.diagnoses[run_id])
            self.tell(run_id[:8])
        for roots in dict.fromkeys([*found.models, *source]):
            found.take_source(roots, self.model(roots), rules)
        found.consolidate(outcomes, rules)
        if save:
            self.store.save_flaws(found.flaws)
        return found

    def _with_roots(self, run_ids: Iterable[str], found: Diagnosed) -> Iterator[tuple[str, tuple[Path, ...]]]:
        for run_id in run_ids:
            try:
                yield run_id, self.roots_of(run_id)
            except HarnessfixError as error:
                found.incomplete.append(f"run {run_id[:8]}: its harness was not found: {error}")
                yield run_id, ()
