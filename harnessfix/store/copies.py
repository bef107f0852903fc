"""A copy of the blocks in a folder or an object store, for workers that read them in masses.

Each block is one file, `ab/ab12….zst`: the zstd frame as the store holds it, under the SHA-256 of the original bytes.
"""

import hashlib
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import zstandard

from harnessfix_ir.errors import SettingsError, StoreError

from . import blobs

MOST = 1 << 33  # bytes of one block, unpacked
HINT = "Write it again with `harnessfix store copy-blocks`."


class _Files(Protocol):
    def get(self, path: str) -> bytes | None: ...

    def put(self, path: str, data: bytes) -> None: ...

    def has(self, path: str) -> bool: ...


class BlockCopy:
    """Blocks under an address; may be sent to other processes.

    Args:
        address: a folder, or a URL as obstore knows them (`s3://bucket/prefix`, `gs://…`, `az://…`).
    """

    def __init__(self, address: str) -> None:
        self.address = address if "://" in address else str(Path(address).absolute())

    def __call__(self, digest: str) -> bytes:
        """The original bytes under a digest. Raises `StoreError` when they are missing or damaged."""
        frame = _files(self.address).get(_path(digest))
        if frame is None:
            raise StoreError(f"{self.address}: the block {digest[:12]}… is missing", hint=HINT)
        try:
            size = zstandard.frame_content_size(frame)
        except zstandard.ZstdError:
            size = -1
        data = blobs.decompress(frame, size) if 0 <= size <= MOST else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"{self.address}: the block {digest[:12]}… is damaged", hint=HINT)
        return data

    def has(self, digest: str) -> bool:
        """Whether the block is there."""
        return _files(self.address).has(_path(digest))

    def put(self, digest: str, frame: bytes) -> None:
        """Write one block, whole or not at all."""
        _files(self.address).put(_path(digest), frame)


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """What the object store complains about, as a `StoreError`; a missing object stays a `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # its exceptions have no common base but this one
        raise StoreError(f"{address}: {str(error)[:300]}", hint="Check the address and the credentials.") from error


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest}.zst"


@cache
def _files(address: str) -> _Files:
    return _Objects(address) if "://" in address else _Folder(Path(address))


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._folder / path}: {error.strerror}", hint="Check its permissions.") from error

    def put(self, path: str, data: bytes) -> None:
        target = self._folder / path
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StoreError(f"{target}: {error.strerror}", hint="Check the permissions and the free space.") from error

    def has(self, path: str) -> bool:
        return (self._folder / path).is_file()


class _Objects:
    def __init__(self, address: str) -> None:
        try:
            self._obstore: Any = importlib.import_module("obstore")
            stores: Any = importlib.import_module("obstore.store")
        except ImportError as error:
            raise SettingsError(
                f"{address}: object stores are not supported here", hint="pip install 'harnessfix[objects]'"
            ) from error
        self._address = address
        with _explained(address):
            self._store = stores.from_url(address)

    def get(self, path: str) -> bytes | None:
        try:
            with _explained(self._address):
                return bytes(self._obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None

    def put(self, path: str, data: bytes) -> None:
        with _explained(self._address):
            self._obstore.put(self._store, path, data)

    def has(self, path: str) -> bool:
        try:
            with _explained(self._address):
                self._obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True
