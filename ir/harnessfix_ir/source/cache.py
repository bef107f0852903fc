"""Facts kept on disk by content, so that an unchanged harness is not parsed again."""

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path

from harnessfix_ir.harness import HarnessModel

from .facts import FileFacts
from .stored import Parts, load_parts


@cache
def extractor() -> str:
    """Digest of the code that extracts and links: what other code kept is not used."""
    package = Path(__file__).parent
    whole = hashlib.sha256()
    for file in sorted([*package.rglob("*.py"), *package.parent.glob("*.py")]):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


MODELS = 8
"""Models that are kept: each edit makes one, and some are as large as the harness."""
LASTS = 60 * 86_400
"""Seconds after which facts and links are made anew; most of them are of texts that nobody has any more."""
DAY = 86_400


class FactCache:
    """Facts of files under `facts/`, whole models under `models/`, how files were linked under `links/`.

    A cache that cannot be written is no error. What is old is deleted when a model is added.

    Args:
        folder: where to keep them; None for no cache.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        written_by = "" if folder is None else extractor()
        self._version = f"{written_by}-{sys.version_info[0]}.{sys.version_info[1]}"

    def model_key(self, inputs: list[tuple[str, Path, str, str]]) -> str:
        """Key of the whole model: version, and path, base, digest and problem of every file."""
        if self.folder is None:
            return ""
        whole = hashlib.sha256(self._version.encode())
        for path, base, digest, problem in inputs:
            whole.update(f"{path}\0{base}\0{digest}\0{problem}\n".encode("utf-8", "surrogatepass"))
        return whole.hexdigest()

    def links_file(self, roots: Sequence[Path], base: Path) -> Path | None:
        """Where it is kept how the harness below some folders was linked last, in which paths begin at `base`.

        None for no cache.
        """
        if self.folder is None:
            return None
        names = "\0".join([self._version, str(base), *(str(root.expanduser().resolve()) for root in roots)])
        digest = hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / "links" / f"{digest}.sqlite"

    def get_model(self, key: str) -> HarnessModel | None:
        """The model kept under `key`, None when there is none that can be read."""
        parts = self.get_parts(key)
        return None if parts is None else parts.model()

    def get_parts(self, key: str) -> Parts | None:
        """The parts of the model kept under `key`, None when there are none that can be read."""
        data = self._read("models", key)
        if data is None:
            return None
        try:
            return load_parts(data, key, self._whole)
        except (ValueError, KeyError, TypeError, IndexError):
            return None

    def put_model(self, key: str, parts: Parts) -> None:
        """Keep a model."""
        if self.folder is None:
            return
        try:
            data = parts.dump()
        except ValueError:  # a literal with a lone surrogate is no JSON: such a harness is read anew each time
            return
        files = {self._write("models", key, data)}
        if parts.whole:
            # What holds the rest is younger than what needs it: it is forgotten later.
            files.add(whole := self._file("models", parts.whole))
            now = time.time_ns()
            with contextlib.suppress(OSError):
                os.utime(whole, ns=(now, now))
        self._forget(files)

    def get_facts(self, digest: str, path: str, module: str, base: str) -> FileFacts | None:
        """Facts of a file with that content under that path, None when there are none that can be read."""
        text = self._read("facts", self._facts_key(digest, path, module))
        if text is None:
            return None
        try:
            return FileFacts.load(text, path, base)
        except (ValueError, KeyError, TypeError):
            return None

    def put_facts(self, facts: FileFacts, module: str) -> None:
        """Keep the facts of a file."""
        if self.folder is not None:
            self._write("facts", self._facts_key(facts.sha256, facts.path, module), facts.dump())

    def _facts_key(self, digest: str, path: str, module: str) -> str:
        return hashlib.sha256(
            f"{self._version}\0{digest}\0{path}\0{module}".encode("utf-8", "surrogatepass")
        ).hexdigest()

    def _whole(self, key: str) -> bytes:
        data = self._read("models", key)
        if data is None:
            raise ValueError(f"{key} is not kept any more")
        return data

    def _read(self, kind: str, key: str) -> bytes | None:
        if self.folder is None:
            return None
        try:
            return self._file(kind, key).read_bytes()
        except OSError:
            return None

    def _write(self, kind: str, key: str, data: bytes) -> Path:
        target = self._file(kind, key)
        with contextlib.suppress(OSError):
            # Written aside and renamed: a reader never sees half a file.
            beside = target.with_suffix(f".{os.getpid()}.tmp")
            try:
                beside.write_bytes(data)
            except FileNotFoundError:
                beside.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(data)
            beside.replace(target)
        return target

    def _file(self, kind: str, key: str) -> Path:
        assert self.folder is not None
        return self.folder / kind / f"{key}.json"

    def _forget(self, new: Collection[Path]) -> None:
        """Delete all but the newest models and, with the first model of a day, what is older than `LASTS`."""
        assert self.folder is not None
        models = sorted(_ages(self.folder / "models"), reverse=True)
        old = [file for _, file in models[MODELS:]]
        if all(written < time.time() - DAY for written, file in models if file not in new):
            kept = (*_ages(self.folder / "facts"), *_ages(self.folder / "links"))
            old += [file for written, file in kept if written < time.time() - LASTS]
        for file in old:
            with contextlib.suppress(OSError):
                file.unlink()


def _ages(folder: Path) -> Iterator[tuple[float, Path]]:
    """The files below a folder, each with the time when it was written."""
    for above, _, names in os.walk(folder):
        for name in names:
            file = Path(above, name)
            with contextlib.suppress(OSError):
                yield file.stat().st_mtime, file
