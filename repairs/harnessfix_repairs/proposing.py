"""Making a patch: reading the files, calling the operator at each place, holding the result to its specification."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.errors import PatchError, StaleFileError
from harnessfix_ir.findings import FlawRecord, RepairSpec

from .audit import audit
from .operators import Operator, Refusal, all_operators
from .patch import Patch, Unrepaired, patch_of
from .paths import inside, is_forbidden, is_generated, is_test_module
from .relocate import relocated
from .spec import make_spec
from .textfile import TextFile, read_text

MAX_BYTES = 2_000_000


class Proposal:
    """One attempt at a patch; see `patch.propose` for the arguments."""

    def __init__(
        self, root: Path, flaw: FlawRecord, hashes: Mapping[str, str] | None, forbidden: tuple[str, ...]
    ) -> None:
        self.root, self.flaw, self.hashes, self.forbidden = root, flaw, hashes or {}, forbidden
        self.data: dict[str, bytes] = {}
        self.files: dict[str, TextFile] = {}
        self.blocked: dict[str, str] = {}
        self.reasons: list[str] = []
        self.crashed = False

    def make(self) -> Patch | Unrepaired:
        """The patch, or why there is none."""
        best = self.flaw.best
        operator = all_operators().get(best.operator or "")
        if operator is None:
            name = best.operator
            none = f"no operator repairs {best.rule} (why: harnessfix explain {best.rule})"
            return self._no("skipped", f"no operator is called {name}" if name else none)
        for anchor in (*best.anchors, *self.flaw.clones):
            self._read(anchor)
        spec = make_spec(best, self.flaw.clones, self.data, forbidden=self.forbidden)
        texts = {path: file.text for path, file in self.files.items()}
        try:
            after = self._edit(operator, spec, texts)
            if after is None:
                return self._unedited()
            violations = audit(spec, texts, after, signatures=operator.changes_signatures)
            if violations:
                return self._no("out-of-scope", str(violations[0]), [str(violation) for violation in violations])
            changed = {path: self.files[path].bytes_of(text) for path, text in after.items() if text != texts[path]}
        except PatchError as error:
            return self._no("blocked", str(error))
        return patch_of(self.flaw, spec, self.data, changed, left=self.reasons)

    def _edit(self, operator: Operator, spec: RepairSpec, texts: dict[str, str]) -> dict[str, str] | None:
        """Texts after the edit of one place of the diagnosis and of all clones; None when nothing was edited."""
        anchors = [anchor for anchor in self.flaw.best.anchors if self._may(anchor)]
        now = None
        for anchor in anchors:
            now = self._at(operator, spec, anchor, texts, texts)
            if now is not None:
                places = self.flaw.best.places
                for other in places if anchor in places else ():
                    if other != anchor and self._may(other):
                        now = self._at(operator, spec, other, texts, now) or now
                self.reasons.clear()
                break
        for clone in self.flaw.clones:
            if self._may(clone):
                now = self._at(operator, spec, clone, texts, now or texts) or now
        return now

    def _at(
        self, operator: Operator, spec: RepairSpec, anchor: Anchor, original: Mapping[str, str], now: dict[str, str]
    ) -> dict[str, str] | None:
        """`now` with one more place edited; None when that place was left as it is."""
        place = relocated(anchor, original[anchor.path], now[anchor.path])
        try:
            changed = operator.edit(now, place, spec)
        except Refusal as refusal:
            self.reasons.append(f"{anchor.place}: {refusal}")
            return None
        except Exception as error:  # an operator, perhaps of a third party, met code it was not made for
            self.crashed = True
            self.reasons.append(f"{anchor.place}: {operator.name} failed with {type(error).__name__}: {error}")
            return None
        if not changed or all(now.get(path) == text for path, text in changed.items()):
            self.reasons.append(f"{anchor.place} is already as it should be")
            return None
        return {**now, **changed}

    def _read(self, anchor: Anchor) -> None:
        path = anchor.path
        if path not in self.files and path not in self.blocked:
            try:
                if is_forbidden(path, self.forbidden):
                    raise PatchError(f"{path} may not be touched (tests and task data are not the harness)")
                data = inside(self.root, path).read_bytes()
                if len(data) > MAX_BYTES:
                    raise PatchError(f"{path} is too large to be edited")
                file = read_text(path, data)
                if is_test_module(path, file.text):
                    raise PatchError(f"{path} holds tests, which are not the harness")
                if is_generated(file.text):
                    raise PatchError(f"{path} is generated: what is changed in it is lost; change what generates it")
            except PatchError as error:
                self.blocked[path] = str(error)
                return
            except OSError as error:
                self.blocked[path] = f"{path} cannot be read: {error.strerror}"
                return
            self.data[path], self.files[path] = data, file
        if path in self.data:
            self._refuse_stale(anchor)

    def _refuse_stale(self, anchor: Anchor) -> None:
        data = self.data[anchor.path]
        wanted = self.hashes.get(anchor.path)
        if wanted:
            fresh = hashlib.sha256(data).hexdigest() == wanted
        elif anchor.content_hash:
            lines = data.splitlines(keepends=True)[anchor.start_line - 1 : anchor.end_line]
            fresh = hashlib.sha256(b"".join(lines)).hexdigest()[:16] == anchor.content_hash
        else:
            return
        if not fresh:
            raise StaleFileError(f"{anchor.path} changed since it was read", hint="Diagnose again, then repair.")

    def _may(self, anchor: Anchor) -> bool:
        if anchor.path in self.blocked:
            self.reasons.append(self.blocked[anchor.path])
        return anchor.path in self.files

    def _unedited(self) -> Unrepaired:
        reasons = list(dict.fromkeys(self.reasons))
        status = "failed" if self.crashed else "blocked" if self.blocked and not self.files else "skipped"
        return self._no(status, reasons[0] if reasons else "there is no place to edit", reasons)

    def _no(self, status: str, reason: str, details: Iterable[str] = ()) -> Unrepaired:
        best = self.flaw.best
        return Unrepaired(
            flaw=self.flaw.flaw,
            rule=best.rule,
            operator=best.operator,
            status=status,
            reason=reason,
            details=tuple(details),
        )
