"""The memory of repairs: what the store keeps of them, and what it says of a patch before it is proposed."""

import time
from datetime import UTC, datetime

from pydantic import ValidationError

from harnessfix.store import Store
from harnessfix_ir.document import JsonValue
from harnessfix_ir.errors import BadInputError
from harnessfix_repairs.memory import Advice, Remembered, consult, refused
from harnessfix_repairs.patch import Patch, Unrepaired

SCHEMA = "harnessfix.memory/1"
LESSONS = 3


class Memory:
    """Remembered repairs of one store; the latest word on a patch counts."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: list[Remembered] | None = None
        self._advice: dict[str, Advice] = {}

    def all(self) -> list[Remembered]:
        """All that is remembered, oldest first."""
        if self._known is None:
            self._known = [_read(found) for found in self.store.memory()]
        return self._known

    def add(self, record: Remembered) -> None:
        """Remember what became of a patch, in place of what was remembered of it."""
        state = record.outcome.value
        self.store.memory.save(record, id=record.patch, flaw=record.flaw, operator=record.operator, state=state)
        self._known = None

    def refuse(self, patch_id: str, reason: str) -> Remembered:
        """Remember that a proposed patch is not wanted. Raises `StoreError` when there is no such patch."""
        found = self.store.patches.one(patch_id)
        found.pop("id", None)
        patch = Patch.model_validate({**found, "id": self.store.patches.one(patch_id)["id"]})
        record = refused(patch, reason, when_ns=time.time_ns())
        self.add(record)
        return record

    def forget(self, patch_id: str) -> list[str]:
        """Forget what is remembered of patches whose id begins so; returns their ids."""
        gone = [record.patch for record in self.all() if patch_id and record.patch.startswith(patch_id)]
        self.store.memory.forget(gone)
        self._known = None
        return gone

    def document(self) -> dict[str, JsonValue]:
        """All of it as a document that `take` reads again, in this store or another."""
        return {"schema": SCHEMA, "repairs": [record.model_dump(mode="json") for record in self.all()]}

    def take(self, document: object, name: str) -> int:
        """Add the repairs of an exported document; how many. Raises `BadInputError` naming the file."""
        repairs = document.get("repairs") if isinstance(document, dict) else None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA or not isinstance(repairs, list):
            raise BadInputError(f"{name} is no memory of repairs", hint="`harnessfix memory --format json` writes one.")
        try:
            records = [Remembered.model_validate(each) for each in repairs]
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise BadInputError(f"{name}: {place}: {error.errors()[0]['msg']}", hint="Export it again.") from None
        for record in records:
            self.add(record)
        return len(records)

    # -- before a patch is proposed ------------------------------------------------------------------------------

    def judge(self, result: Patch | Unrepaired) -> Patch | Unrepaired:
        """The patch, unless the very same repair of the same code was rejected before."""
        if not isinstance(result, Patch):
            return result
        advice = self._advice[result.id] = consult(self.all(), result.spec)
        if advice.before is None:
            return result
        before = advice.before
        said = f"{before.outcome.value} on {_day(before.when_ns)}" + (f": {before.reason}" if before.reason else "")
        return Unrepaired(
            flaw=result.flaw,
            rule=result.rule,
            operator=result.operator,
            status="rejected-before",
            reason=f"the same repair of the same code was {said} (allow it again: harnessfix memory --forget "
            f"{before.patch})",
            details=before.evidence,
        )

    def parameters_instead(self, result: Patch | Unrepaired) -> dict[str, JsonValue] | None:
        """Parameters that were accepted for code whose repair with the present ones was rejected; None without any."""
        if isinstance(result, Patch) or result.status != "rejected-before":
            return None
        advice = next((one for one in self._advice.values() if one.before and one.before.flaw == result.flaw), None)
        if advice is None or advice.before is None or not advice.accepted:
            return None
        return advice.parameters if advice.parameters != advice.before.parameters else None

    def lessons(self, patch: Patch) -> tuple[str, ...]:
        """What earlier repairs say of a patch that is proposed, the closest first."""
        advice = self._advice.get(patch.id) or consult(self.all(), patch.spec)
        return advice.reasons[:LESSONS]


def _read(found: dict[str, JsonValue]) -> Remembered:
    return Remembered.model_validate({name: value for name, value in found.items() if name != "id"})


def _day(when_ns: int) -> str:
    return datetime.fromtimestamp(when_ns / 1e9, UTC).date().isoformat() if when_ns else "an unknown day"
