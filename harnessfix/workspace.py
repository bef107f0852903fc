"""Where work happens: the settings that apply here, the store that is nearest, the harness they name."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harnessfix_ir.harness import HarnessModel

if TYPE_CHECKING:
    from harnessfix.settings import Settings
    from harnessfix.store import Store


@dataclass(frozen=True)
class Workspace:
    """Settings and store of one folder.

    Args:
        settings: as found upward from the folder.
        store: open.
    """

    settings: "Settings"
    store: "Store"

    @classmethod
    def open(
        cls,
        start: Path,
        *,
        store: str | None = None,
        create: bool = False,
        overrides: Mapping[str, object] | None = None,
    ) -> "Workspace":
        """The workspace around `start`.

        Args:
            start: a folder.
            store: path or URL; else the configured one, else the nearest `.harnessfix/`, else (with `create`) a new one
                beside the configuration.
            create: whether a store may be made.
            overrides: settings from the command line.

        Raises:
            SettingsError: the configuration cannot be used.
            StoreError: there is no store, or it cannot be opened.
        """
        from harnessfix.settings import load_settings
        from harnessfix.store import Store

        settings = load_settings(start, overrides or {})
        opened = cls(settings, Store.open(place_of_store(start, settings, store), create=create))
        opened.take_received()
        return opened

    def take_received(self) -> None:
        """Make runs of what a receiver got and no run holds yet."""
        from harnessfix.store.inbox import inbox_of

        if inbox_of(self.store.place, self.folder).exists():
            from harnessfix.receiving.inbox_runs import take_received

            take_received(self.store, self.folder)

    @property
    def folder(self) -> Path:
        """`.harnessfix` beside the settings: caches and applied patches."""
        return self.settings.root / ".harnessfix"

    @property
    def cache_folder(self) -> Path:
        """Where facts of source files are cached."""
        return self.folder / "cache"

    @property
    def spool_folder(self) -> Path:
        """Where recordings lie until they are stored."""
        return self.folder / "spool"

    def roots(self, names: Sequence[str] = (), python: str | None = None) -> tuple[Path, ...]:
        """Folders of the harness: `names` if given, else those of the settings.

        Args:
            names: paths or names of installed packages.
            python: interpreter that knows the packages; this one when None.
        """
        return harness_roots(self.settings, names, python)

    def run_id(self, asked: str) -> str:
        """Id of the run that someone means: the beginning of an id, `latest`, or a task, whose newest run it then is.

        Raises:
            StoreError: none or several are meant.
        """
        from harnessfix_ir.errors import StoreError

        try:
            return self.store.resolve_run(asked)
        except StoreError:
            of_task = self.store.runs(task=asked, limit=1)
            if not of_task:
                raise
            return of_task[0].id

    def model(self, roots: Sequence[Path]) -> HarnessModel:
        """The harness model of these folders; facts of unchanged files come from the cache."""
        from harnessfix_ir.source import read_harness

        return read_harness(roots, cache_dir=self.cache_folder / "facts", exclude=tuple(self.settings.exclude))


def harness_roots(settings: "Settings", names: Sequence[str] = (), python: str | None = None) -> tuple[Path, ...]:
    """Folders of the harness: `names` if given, else those of the settings.

    Args:
        settings: whose paths are relative to their root; a name that is no path there is a package.
        names: paths relative to the current folder, or names of installed packages.
        python: interpreter that knows the packages; this one when None.

    Raises:
        HarnessfixError: one of them is neither.
    """
    from harnessfix_ir.source.resolve import locate_harness

    found = []
    for name in names or settings.harness:
        beside = settings.root / name
        here = str(beside) if not names and beside.exists() else name
        found.append(locate_harness(here, python).resolve())
    return tuple(dict.fromkeys(found))


def place_of_store(start: Path, settings: "Settings", store: str | None) -> str | Path:
    """Where the store of a folder is: as asked, as configured, the nearest, or where a new one belongs."""
    from harnessfix.store import default_store_path, find_store

    return store or settings.store or find_store(start) or default_store_path(settings.root)


def model_digest(model: HarnessModel) -> str:
    """Content address of a harness: changes when any of its files does."""
    content = "\n".join(f"{file.path}\0{file.sha256}\0{file.error}" for file in model.files)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
