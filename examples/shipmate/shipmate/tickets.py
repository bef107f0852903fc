"""The ticket list that the tracker's sync job leaves in a workspace."""

import json
import time
from pathlib import Path
from typing import Any

READS = 3


class TicketError(Exception):
    """The tickets cannot be asked that."""


class Tickets:
    """Tickets of `tickets.json`: a list of objects that share their fields."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def where(self, field: str, value: str) -> list[dict[str, Any]]:
        """Tickets whose `field` is `value`. Raises `TicketError` for a field that tickets do not have."""
        rows = self.load()
        names = sorted({name for row in rows for name in row})
        if field not in names:
            raise TicketError(f"tickets have no field {field!r}, only {', '.join(names)}")
        return [row for row in rows if str(row.get(field)) == value]

    def load(self) -> list[dict[str, Any]]:
        """All tickets. The sync job rewrites the file in place, so a half-written one is read again."""
        for attempt in range(1, READS + 1):
            try:
                rows: list[dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))
                return rows
            except (OSError, json.JSONDecodeError) as error:
                if attempt == READS:
                    raise TicketError(f"{self.path.name} is still unreadable after {READS} reads") from error
                time.sleep(0.01)
        return []
