"""The way the data goes, in one file: collect → compile → diagnose → propose → validate.

Every stage turns typed documents into the next ones; what a stage made is kept under the content it came from, so an
interrupted command goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessfix.diagnoser import Diagnosed
from harnessfix.engines import Done, Engine, Serial
from harnessfix.workspace import Workspace
from harnessfix_ir.errors import StoreError
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo

if TYPE_CHECKING:
    from harnessfix.rules import Rule
    from harnessfix.stages.collect import Imported
    from harnessfix_collectors.probe.exchanges import Exchange
    from harnessfix_collectors.record import RecordResult

Tell = Callable[[str], None]
EngineFor = Callable[[int], Engine]
"""Makes an engine for so many runs."""
ReadBlock = Callable[[str], bytes]
"""Reads a block by its digest."""


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
        replay: "Sequence[Exchange] | None" = None,
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
            replay: exchanges whose answers the program gets instead of asking.
        """
        from harnessfix_collectors.record import python_of, record

        settings = self.workspace.settings
        roots = self.workspace.roots(harness, python_of(command))
        return record(
            command,
            model=self.model(roots),
            roots=roots,
            spool_root=self.workspace.spool_folder,
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
            replay=replay,
        )

    def keep(self, result: "RecordResult") -> Collected:
        """Store what a program left, then remove its spool.

        Raises:
            StoreError: the store does not take it; where its file is then stands in the hint.
        """
        from harnessfix.stages.collect import keep
        from harnessfix.store import RECORDED
        from harnessfix_collectors.document import FORMAT

        try:
            runs = keep(self.store, result.data, FORMAT, RECORDED) if result.data else []
        except StoreError as error:
            raise StoreError(str(error), hint=result.set_aside()) from error
        result.discard()
        return Collected(tuple(runs), result.exit_code, result.missing)

    def import_files(
        self, paths: Iterable[Path], format_name: str | None = None, *, engine: Engine | None = None
    ) -> "Iterator[Done[Path, Imported]]":
        """Store the runs of trace files; yields what became of each file, in the order they are done.

        Args:
            paths: the files, and spool folders of recordings that were cut off.
            format_name: theirs; recognised by content when None.
            engine: reads them; this process when None.
        """
        from harnessfix.stages.collect import ImportFile

        redact = self.workspace.settings.redact
        job = ImportFile(self.store, format_name, redact.enabled, redact.patterns, self.workspace.spool_folder)
        return (engine or Serial()).run(job, paths)

    # -- compile -------------------------------------------------------------------------------------------------

    def model(self, roots: tuple[Path, ...]) -> HarnessModel:
        """The harness model of these folders, read once; an empty one without folders."""
        if roots not in self._models:
            self._models[roots] = self.workspace.model(roots) if roots else HarnessModel(root="")
        return self._models[roots]

    def roots_of(self, run: RunInfo) -> tuple[Path, ...]:
        """Folders of the harness that a run came from: as recorded, else those of the settings."""
        return self._harness(run.harness)[0]

    def model_for(self, recorded: tuple[str, ...]) -> HarnessModel:
        """The harness model of a run that was recorded with these folders."""
        return self._harness(recorded)[1]

    def compile(self, run_id: str) -> Htir:
        """One run joined with its harness. Raises `StoreError` when there is no such run."""
        from harnessfix.stages import versions
        from harnessfix.stages.examine import compiled, compiled_before

        (run,) = self.store.facts([run_id])
        _, model = self._harness(run.harness)
        kept = compiled_before(self.store, versions.htir_key(run, versions.model_key(model)))
        return kept or compiled(self.store.recording(run_id, _read), model, run)

    # -- diagnose ------------------------------------------------------------------------------------------------

    def diagnose(
        self,
        run_ids: Iterable[str] | None,
        rules: "Sequence[Rule]",
        *,
        source: Sequence[tuple[Path, ...]] = (),
        engine: EngineFor = lambda runs: Serial(),
        blocks: ReadBlock | None = None,
        alone: bool = False,
    ) -> Diagnosed:
        """Flaws of these runs and of their harness; runs of which nothing changed are not looked at again.

        Args:
            run_ids: runs of the store; None for all.
            rules: to ask.
            source: folders to check without a run, each set a harness; the runs' own are checked in any case.
            engine: makes the engine that examines runs.
            blocks: reads the runs' bytes from a copy of them; from the store when None.
            alone: these are not all the rules that are asked here: in the store, what the others found stays.
        """
        from harnessfix.stages.standing import save
        from harnessfix.stages.sweep import Sweep

        found = Diagnosed(severities=self.workspace.settings.severity)
        sweep = Sweep(self.store, found, rules, self._harness, self.tell, alone)
        wanted = None if run_ids is None else list(dict.fromkeys(run_ids))
        left = sweep.take_unchanged(wanted)
        if left:
            with closing(engine(len(left))) as chosen:
                sweep.examine(left, chosen, blocks)
        found.incomplete.sort()
        for roots in source:
            found.take_source(roots, self.model(roots), rules)
        found.consolidate(rules)
        save(self.store, found, wanted, [rule.code for rule in rules] if alone else None)
        return found

    def _harness(self, recorded: tuple[str, ...]) -> tuple[tuple[Path, ...], HarnessModel]:
        """Folders and model of the harness that a run was recorded with."""
        there = tuple(root for root in map(Path, recorded) if root.exists())
        roots = there or self.workspace.roots()
        return roots, self.model(roots)


def _read(data: bytes, format_name: str, filename: str) -> Iterable[Recording]:
    from harnessfix_collectors.readers import read_bytes

    return read_bytes(data, filename, format_name)
