"""Checks that cost no model call: made before any run, in order, the first failure ends them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harnessfix_ir.errors import PatchError
from harnessfix_repairs.audit import audit
from harnessfix_repairs.diff import apply_edits, parse
from harnessfix_repairs.operators import Refusal, all_operators
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.paths import inside
from harnessfix_repairs.relocate import relocated
from harnessfix_repairs.spec import sha256
from harnessfix_repairs.textfile import read_text

from .documents import GateResult, Outcome
from .worktree import Tree

StaticRules = Callable[[Path], Iterable[str]]
OwnCheck = Callable[[Tree], str]


class FreeGates:
    """The free checks of one patch.

    Args:
        root: the harness root, unpatched.
        patch: the patch.
    """

    def __init__(self, root: Path, patch: Patch) -> None:
        self.root, self.patch = root, patch
        self.results: list[GateResult] = []
        self.outcome: Outcome | None = None
        self.before: dict[str, str] = {}
        self.after: dict[str, str] = {}
        self.target_gone: bool | None = None

    def check_text(self) -> bool:
        """Applies, parses, keeps to its scope and its comments, is idempotent."""
        return self._applies() and self._in_scope() and self._idempotent()

    def check_source(self, rules: StaticRules, baseline: Tree, patched: Tree) -> bool:
        """Static rules: the target flaw is silent, and no other speaks that did not.

        Args:
            rules: flaw ids that the static rules find below a folder.
            baseline, patched: the two trees.
        """
        before, after = set(rules(baseline.path)), set(rules(patched.path))
        flaw = self.patch.flaw
        new = sorted(after - before)
        if flaw in after:
            return self._fail("static rules", Outcome.REJECTED_TARGET_NOT_FIXED, f"{self.patch.rule} is still found")
        if new:
            return self._fail("static rules", Outcome.REJECTED_NEW_FLAW, f"new findings: {', '.join(new)}")
        self.target_gone = flaw in before
        seen = f"{self.patch.rule} is gone" if self.target_gone else f"{self.patch.rule} is not found by source alone"
        return self._pass("static rules", seen)

    def check_own(self, checks: Sequence[tuple[str, OwnCheck]], patched: Tree) -> bool:
        """Checks of the harness's own, by name; each returns what is wrong, empty for nothing."""
        for name, check in checks:
            patched.reset()
            wrong = check(patched)
            if wrong:
                return self._fail(name, Outcome.REJECTED_OWN_CHECK, wrong)
            self._pass(name)
        return True

    def _applies(self) -> bool:
        try:
            edits = parse(self.patch.diff_bytes)
            for file in self.patch.files:
                data = inside(self.root, file.path).read_bytes()
                new = apply_edits(file.path, data, edits[file.path])
                if (sha256(data), sha256(new)) != (file.before, file.after):
                    raise PatchError(f"{file.path} changed since the patch was made")
                self.before[file.path] = read_text(file.path, data).text
                self.after[file.path] = read_text(file.path, new).text
        except (PatchError, OSError, KeyError) as error:
            return self._fail("applies", Outcome.REJECTED_DOES_NOT_APPLY, str(error))
        return self._pass("applies", f"{len(self.patch.files)} files, +{self.patch.added} -{self.patch.removed}")

    def _in_scope(self) -> bool:
        operator = all_operators().get(self.patch.operator)
        signatures = operator is not None and operator.changes_signatures
        violations = audit(self.patch.spec, self.before, self.after, signatures=signatures)
        broken = [str(one) for one in violations if "no longer parses" in one.reason]
        if broken:
            return self._fail("parses", Outcome.REJECTED_DOES_NOT_PARSE, "; ".join(broken))
        self._pass("parses")
        if violations:
            return self._fail("in scope", Outcome.REJECTED_OUT_OF_SCOPE, "; ".join(map(str, violations)))
        return self._pass("in scope", "comments kept")

    def _idempotent(self) -> bool:
        """The operator, asked again at the same places, has nothing more to do."""
        operator = all_operators().get(self.patch.operator)
        if operator is None:
            self.results.append(GateResult(name="idempotent", passed=None, detail="the operator is not installed"))
            return True
        for anchor in self.patch.spec.anchors:
            if anchor.path not in self.after:
                continue
            place = relocated(anchor, self.before[anchor.path], self.after[anchor.path])
            try:
                again = operator.edit(self.after, place, self.patch.spec)
            except Refusal:
                continue
            if any(self.after.get(path) != text for path, text in again.items()):
                return self._fail("idempotent", Outcome.REJECTED_NOT_IDEMPOTENT, f"{place.place} would be edited again")
        return self._pass("idempotent")

    def _pass(self, name: str, detail: str = "") -> bool:
        self.results.append(GateResult(name=name, passed=True, detail=detail))
        return True

    def _fail(self, name: str, outcome: Outcome, detail: str) -> bool:
        self.results.append(GateResult(name=name, passed=False, detail=detail))
        self.outcome = outcome
        return False
