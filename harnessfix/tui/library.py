"""All that the screens know of stores and stages: typed documents, asked for one at a time.

Screens are given a `Library`; `StoreLibrary` is the real one. Every method may take a while
and is called from a thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from harnessfix_ir.attribution import Attribution
from harnessfix_ir.errors import PatchError
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.htir import Htir

from .patch_view import PatchView, patch_view
from .source_file import SourceFile, read_source

if TYPE_CHECKING:
    from harnessfix.pipeline import Pipeline
    from harnessfix.store import RunRow

Tell = Callable[[str], None]
MOST_RUNS = 20_000
"""More are not listed: the newest are."""


@dataclass(frozen=True)
class Contents:
    """What a store holds: runs newest first, flaws best first, and where that is."""

    place: str
    runs: Sequence["RunRow"] = ()
    flaws: Sequence[FlawRecord] = ()


@dataclass(frozen=True)
class OpenRun:
    """A compiled run, its diagnoses, the folders that its anchors are relative to, and whose fault its failure is."""

    run: Htir
    diagnoses: Sequence[Diagnosis] = ()
    bases: Sequence[Path] = ()
    attribution: Attribution | None = None


@dataclass(frozen=True)
class Advice:
    """What is known of a flaw beside its record.

    Args:
        summary, why, fix: of its rule, in words; empty when the rule is not here.
        safety, fix_safety: of the operator that repairs it, and why it is so.
        patches: stored for this flaw, newest first.
        bases: folders that its anchors are relative to.
    """

    summary: str = ""
    why: str = ""
    fix: str = ""
    safety: str = ""
    fix_safety: str = ""
    patches: Sequence[PatchView] = ()
    bases: Sequence[Path] = ()


class Library(Protocol):
    """What the screens ask for. Any method may raise `HarnessfixError`; its message and hint are shown."""

    def contents(self) -> Contents:
        """The lists of the first screen."""
        ...

    def find_run(self, asked: str) -> str:
        """The id of the run that `asked` means: an id, its beginning, a name, or `latest`."""
        ...

    def find_flaw(self, asked: str) -> FlawRecord:
        """The flaw whose id begins with `asked`."""
        ...

    def open_run(self, run_id: str) -> OpenRun:
        """One run, compiled."""
        ...

    def advice(self, flaw: FlawRecord) -> Advice:
        """What else is known of a flaw."""
        ...

    def propose(self, flaw: FlawRecord) -> None:
        """Make a patch for a flaw and keep it. Raises `PatchError` when there is none, with the reason."""
        ...

    def source(self, path: str, bases: Sequence[Path]) -> SourceFile:
        """The file that an anchor's path means."""
        ...

    def check(self, tell: Tell) -> Contents:
        """Diagnose all runs, keep the result, and return the lists anew; `tell` hears of each run."""
        ...


class StoreLibrary:
    """The library over the store of a folder; opened when it is first asked.

    Args:
        start: folder to look from.
        store: path or URL instead of the nearest store.
    """

    def __init__(self, start: Path, store: str | None = None) -> None:
        self.start, self.store = start, store
        self._opening = Lock()
        self._opened: Pipeline | None = None

    def _open(self, *, afresh: bool = False) -> "Pipeline":
        """The stages over the open store; `afresh` forgets what was read of the source."""
        from harnessfix.pipeline import Pipeline
        from harnessfix.workspace import Workspace

        with self._opening:
            if self._opened is None:
                self._opened = Pipeline(Workspace.open(self.start, store=self.store))
            elif afresh:
                self._opened = Pipeline(self._opened.workspace)
            return self._opened

    def contents(self) -> Contents:
        """The newest runs and all flaws, in the order in which `check` tells them."""
        from harnessfix.diagnoser import in_order

        store = self._open(afresh=True).store
        return Contents(place=store.place, runs=store.runs(limit=MOST_RUNS), flaws=in_order(store.flaws()))

    def find_run(self, asked: str) -> str:
        """As `Workspace.run_id` does."""
        return self._open().workspace.run_id(asked)

    def find_flaw(self, asked: str) -> FlawRecord:
        """As `Store.flaw` does."""
        return self._open().store.flaw(asked)

    def open_run(self, run_id: str) -> OpenRun:
        """Compile a run."""
        from harnessfix.judging import judge_one

        pipeline = self._open()
        run = pipeline.compile(run_id)
        bases = self._bases(pipeline.roots_of(run.run))
        return OpenRun(run, pipeline.store.diagnoses(run_id=run_id), bases, judge_one(pipeline, run))

    def advice(self, flaw: FlawRecord) -> Advice:
        """The rule's words, the operator's safety, stored patches."""
        from harnessfix.rules import all_rules
        from harnessfix_repairs.operators import all_operators

        best, bases = flaw.best, self._bases(self._roots(flaw))
        rule = next((rule for rule in all_rules() if rule.code == best.rule), None)
        operator = all_operators().get(best.operator or "")
        return Advice(
            summary=rule.summary if rule else "",
            why=rule.why if rule else "",
            fix=rule.fix if rule else "",
            safety=operator.safety.value if operator else "",
            fix_safety=operator.fix_safety if operator else "",
            patches=self._patches(flaw, bases),
            bases=bases,
        )

    def _patches(self, flaw: FlawRecord, bases: Sequence[Path]) -> list[PatchView]:
        from harnessfix_repairs.apply import applied

        store = self._open().store
        held = store.patches(flaw=flaw.flaw)
        if not held:
            return []
        verdicts = {verdict["id"]: verdict for verdict in store.verdicts(flaw=flaw.flaw)}
        now = {patch.id for base in bases for patch in applied(base)}
        return [patch_view(one, verdicts.get(one["id"]), applied=one["id"] in now) for one in reversed(held)]

    def propose(self, flaw: FlawRecord) -> None:
        """As `harnessfix repair FLAW`, from the flaw as it was recorded; nothing but the store is written."""
        from harnessfix_repairs.patch import Patch, propose

        model = self._open().model(self._roots(flaw))
        made = propose(Path(model.root), flaw, hashes={file.path: file.sha256 for file in model.files})
        if not isinstance(made, Patch):
            raise PatchError(f"{made.status}: {made.reason}", hint="; ".join(made.details))
        self._open().store.patches.save(made, state="proposed")

    def _roots(self, flaw: FlawRecord) -> tuple[Path, ...]:
        pipeline, run = self._open(), flaw.best.run
        return pipeline.roots_of(pipeline.store.run_info(run)) if run else pipeline.workspace.roots()

    def source(self, path: str, bases: Sequence[Path]) -> SourceFile:
        """Read from disk, never outside `bases`."""
        return read_source(path, bases)

    def check(self, tell: Tell) -> Contents:
        """As `harnessfix check` without arguments."""
        from harnessfix.checking import chosen_rules
        from harnessfix.pipeline import Pipeline

        workspace = self._open().workspace
        rules = chosen_rules(workspace.settings, (), ())
        Pipeline(workspace, tell).diagnose([row.id for row in workspace.store.runs()], rules)
        return self.contents()

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._opened is not None:
            self._opened.store.close()

    def _bases(self, roots: tuple[Path, ...]) -> tuple[Path, ...]:
        base = self._open().model(roots).root
        return (Path(base),) if base else ()
