"""The job that reads one trace file into the store, wherever it is executed."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix.store import RECORDED, Store, foreign_name
from harnessfix_collectors.document import FORMAT
from harnessfix_collectors.files import TraceFile, Trouble
from harnessfix_collectors.pieces import pieces
from harnessfix_collectors.readers import read_bytes, reader_of
from harnessfix_collectors.redaction import Scrubber
from harnessfix_collectors.unfinished import document_of, is_recording, running
from harnessfix_ir.errors import BadInputError


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


@dataclass(frozen=True)
class ImportFile:
    """Reads files into a store; a file that is read twice changes nothing the second time.

    Args:
        store: to write to; another process opens it anew.
        format_name: of the files; recognised by their content when None.
        redact: whether secrets are replaced; patterns: of further ones.
        spool: where this workspace records to; a recording that was cut off there is its own.
    """

    store: Store
    format_name: str | None = None
    redact: bool = True
    patterns: Sequence[str] = ()
    spool: Path | None = None

    def __call__(self, path: Path) -> Imported:
        """Store the runs of a file, a large one piece by piece, without the secrets in it; or those of the spool folder
        of a recording that was cut off.

        Raises:
            BadInputError: nothing of it could be read; the message names the file and the place.
        """
        if self.spool is not None and path.resolve().parent == self.spool.resolve():
            return self._own(path)
        return self._foreign(TraceFile.of(document_of(path), path.name) if is_recording(path) else TraceFile.at(path))

    def _own(self, path: Path) -> Imported:
        """A recording of this workspace that was cut off or set aside: stored as if nothing had been, then removed."""
        whole = not is_recording(path)
        data = TraceFile.at(path).data() if whole else document_of(path)
        runs = keep(self.store, data, FORMAT, RECORDED)
        alive = () if whole else running(path)
        if whole:
            path.unlink()
        elif not alive:
            shutil.rmtree(path, ignore_errors=True)
        return Imported(tuple(runs), FORMAT, notes=(_goes_on(path, alive),) if alive else ())

    def _foreign(self, file: TraceFile) -> Imported:
        reader = reader_of(file, self.format_name)
        trouble, runs = Trouble(file.name), list[str]()
        scrubber = Scrubber(self.patterns) if self.redact else None
        for piece in pieces(file, reader, trouble):
            data = reader.foreign(piece.data())
            clean = reader.scrub(data, scrubber) if scrubber else data
            runs += keep(self.store, clean, reader.name, foreign_name(file.name))
        if not runs and trouble.notes:
            raise BadInputError(trouble.notes[0], hint="Nothing else of the file could be read.")
        return Imported(tuple(runs), reader.name, scrubber.count if scrubber else 0, trouble.notes)


def _goes_on(folder: Path, alive: Sequence[int]) -> str:
    processes = ", ".join(map(str, alive))
    return f"{folder}: its program seems to run still (process {processes}): import it again once that has ended"


def keep(store: Store, data: bytes, format_name: str, filename: str) -> list[str]:
    """Store the runs in some bytes; returns their ids."""
    recordings = list(read_bytes(data, filename, format_name))
    return store.add(data, format=format_name, filename=filename, recordings=recordings)
