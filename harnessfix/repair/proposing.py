"""From flaws to patches: propose, apply, undo, for the workspace around a folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harnessfix.checking import chosen_rules, require_python
from harnessfix.pipeline import Pipeline
from harnessfix.repair.remembering import Memory
from harnessfix.settings import load_settings
from harnessfix.store import find_store
from harnessfix.workspace import Workspace, harness_roots
from harnessfix_ir.document import JsonValue
from harnessfix_ir.errors import HarnessfixError, PatchError, StoreError
from harnessfix_ir.findings import FlawRecord
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.apply import applied, apply, recover, undo
from harnessfix_repairs.patch import Patch, Unrepaired, propose
from harnessfix_repairs.validation.documents import Validation

SCHEMA = "harnessfix.repair/1"


@dataclass
class Proposed:
    """Patches and the flaws that have none.

    Args:
        patches: in the order of the flaws, best first.
        unrepaired: with the reason.
        flaws: by id.
        root: folder that the patches are relative to.
        memory: by patch, what earlier repairs say of it.
    """

    patches: list[Patch] = field(default_factory=list)
    unrepaired: list[Unrepaired] = field(default_factory=list)
    flaws: dict[str, FlawRecord] = field(default_factory=dict)
    root: Path = field(default_factory=Path)
    memory: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def document(self) -> dict[str, JsonValue]:
        """As `harnessfix repair --format json` prints it."""
        return {
            "schema": SCHEMA,
            "patches": [patch.model_dump(mode="json") for patch in self.patches],
            "unrepaired": [none.model_dump(mode="json") for none in self.unrepaired],
            "memory": {patch: list(lessons) for patch, lessons in self.memory.items() if lessons},
        }


class Repairs:
    """Repairs of the harness of one workspace."""

    def __init__(self, workspace: Workspace, *, source_alone: bool = False) -> None:
        self.workspace, self.store, self.source_alone = workspace, workspace.store, source_alone
        self.pipeline = Pipeline(workspace)
        self.memory = Memory(workspace.store)

    @classmethod
    def open(cls, start: Path, *, store: str | None = None, harness: Sequence[str] = ()) -> "Repairs":
        """Repairs around `start`; where there is no store yet, a new one, as source alone can be repaired too.

        Args:
            start: a folder.
            store: instead of the configured one or the nearest; it has to be there.
            harness: paths or names of installed packages: repair what their source alone shows, as `check PATH` tells
                it, and nothing of recorded runs.

        Raises:
            SettingsError: the configuration cannot be used.
            StoreError: the store cannot be opened.
            BadInputError: there is neither a store nor a Python file.
        """
        settings = load_settings(start)
        chosen = [str(root) for root in harness_roots(settings, harness)] if harness else None
        new = store is None and settings.store is None and find_store(start) is None
        if new:
            require_python(harness_roots(settings, harness), settings)
        overrides = {"harness": chosen}
        workspace = Workspace.open(start, store=store, create=new, overrides=overrides)
        return cls(workspace, source_alone=bool(harness))

    @property
    def runs(self) -> int:
        """How many recorded runs the patches rest on."""
        return 0 if self.source_alone else self.store.run_count()

    def propose(self, flaws: Sequence[str] = (), *, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> Proposed:
        """Patches for flaws.

        Args:
            flaws: beginnings of flaw ids; all flaws that the runs and the source show now when empty.
            select, ignore: rules.

        Raises:
            StoreError: an id names no flaw.
        """
        rules = chosen_rules(self.workspace.settings, select, ignore)
        roots = self.workspace.roots()
        runs = [] if self.source_alone else [row.id for row in self.store.runs()]
        found = self.pipeline.diagnose(runs, rules, source=[roots])
        wanted = [flaw for flaw in found.flaws if (flaw.flaw.startswith(tuple(flaws)) if flaws else flaw.best.blames)]
        if flaws and not wanted:
            raise StoreError(
                f"no flaw begins with {', '.join(flaws)}", hint="`harnessfix check` lists the flaws of this code."
            )
        proposed = Proposed(flaws={flaw.flaw: flaw for flaw in wanted})
        for flaw in wanted:
            self._one(flaw, _model_of(flaw, list(found.models.values())), proposed)
        return proposed

    def _one(self, flaw: FlawRecord, model: HarnessModel, proposed: Proposed) -> None:
        proposed.root = root = Path(model.root)
        hashes = {file.path: file.sha256 for file in model.files}
        try:
            result = self.memory.judge(propose(root, flaw, hashes=hashes))
            other = self.memory.parameters_instead(result)
            if other is not None:
                changed = flaw.best.model_copy(update={"parameters": other})
                result = propose(root, flaw.model_copy(update={"best": changed}), hashes=hashes)
        except PatchError as error:
            result = Unrepaired(
                flaw=flaw.flaw, rule=flaw.best.rule, operator=flaw.best.operator, status="blocked", reason=str(error)
            )
        if isinstance(result, Patch):
            proposed.memory[result.id] = self.memory.lessons(result)
            self.store.patches.save(result, state="proposed")
            proposed.patches.append(result)
        else:
            proposed.unrepaired.append(result)

    def proof(self, patch: Patch) -> Validation | None:
        """What the last validation of this very patch came to; None when it was never validated."""
        found = [one for one in self.store.verdicts(flaw=patch.flaw) if one["id"] == patch.id]
        if not found:
            return None
        return Validation.model_validate({name: value for name, value in found[-1].items() if name != "id"})

    def apply(self, patches: Sequence[Patch], *, unsafe: bool) -> tuple[list[Patch], list[tuple[Patch, str]]]:
        """Apply patches one after another; a later one on the same file is made anew on the changed file.

        Args:
            patches: as proposed.
            unsafe: whether unsafe ones are applied too.

        Returns:
            What was applied, and what was not with the reason.
        """
        done: list[Patch] = []
        left: list[tuple[Patch, str]] = []
        for patch in patches:
            if patch.safety is not Safety.SAFE and not unsafe:
                left.append((patch, "it is unsafe: look at it, then name its flaw or give --unsafe-fixes"))
                continue
            try:
                fresh = self._fresh(patch, done)
                apply(self.root, fresh)
                self.store.patches.save(fresh, state="applied")
                done.append(fresh)
            except HarnessfixError as error:
                left.append((patch, str(error)))
        return done, left

    def _fresh(self, patch: Patch, done: Sequence[Patch]) -> Patch:
        touched = {file.path for earlier in done for file in earlier.files}
        if touched.isdisjoint(file.path for file in patch.files):
            return patch
        proposed = Repairs(self.workspace, source_alone=self.source_alone).propose([patch.flaw])
        if not proposed.patches:
            reasons = [none.reason for none in proposed.unrepaired] or ["the flaw is gone already"]
            raise PatchError(reasons[0])
        return proposed.patches[0]

    def undo(self, flaws: Sequence[str] = ()) -> list[Patch]:
        """Take applied patches back, the newest first; those of `flaws` (beginnings of flaw or patch ids), or all."""
        names = tuple(flaws)
        recover(self.root)  # what was interrupted half-way may be all that there is to take back
        wanted = [p for p in applied(self.root) if not names or p.flaw.startswith(names) or p.id.startswith(names)]
        undone = [undo(self.root, patch.id) for patch in reversed(wanted)]
        for patch in undone:
            self.store.patches.save(patch, state="undone")
        return undone

    @property
    def root(self) -> Path:
        """Folder that patches are relative to."""
        return Path(self.pipeline.model(self.workspace.roots()).root)


def _model_of(flaw: FlawRecord, models: Sequence[HarnessModel]) -> HarnessModel:
    path = flaw.best.anchors[0].path
    return next((model for model in models if any(file.path == path for file in model.files)), models[0])
