"""`read_harness`: roots in, harness model out."""

from collections.abc import Sequence
from pathlib import Path

from harnessfix_ir.harness import HarnessModel

from .cache import FactCache
from .collector import no_collections
from .files import Found, Root, find_files
from .linking import link_sources
from .source_file import Source


def read_harness(roots: Sequence[Path], *, cache_dir: Path | None = None, exclude: Sequence[str] = ()) -> HarnessModel:
    """Read the source, prompts and configuration below some folders without running anything.

    Args:
        roots: project folders, package folders (those with an `__init__.py`, or installed; their paths begin with
            the package's name) or single files. Paths are relative to the first root's base; when two roots hold the
            same relative path, the later one's paths begin with its folder's name.
        cache_dir: where facts are kept by content, so that unchanged files are not parsed again; None for no cache.
        exclude: glob patterns of paths or names to leave out.

    Returns:
        The model; a file that cannot be read is in `files` with its `error` and has no elements.
    """
    with no_collections():
        return _read_all(roots, cache_dir, exclude)


def _read_all(roots: Sequence[Path], cache_dir: Path | None, exclude: Sequence[str]) -> HarnessModel:
    found = _all_files(roots, exclude)
    packages = frozenset(f.path.rpartition("/")[0] for f in found if f.path.endswith("/__init__.py"))
    cache = FactCache(cache_dir)
    sources = [Source.read(file, packages) for file in found]
    key = cache.model_key([(source.found.path, source.found.base, source.digest, source.problem) for source in sources])
    model = cache.get_model(key)
    if model is not None:
        return model
    base = found[0].base if found else (Root.of(roots[0]).base if roots else Path.cwd())
    return link_sources(sources, base, cache, key, cache.links_file(roots, base))


def _all_files(roots: Sequence[Path], exclude: Sequence[str]) -> list[Found]:
    found: list[Found] = []
    taken: set[str] = set()
    real: set[str] = set()
    for given in roots:
        root = Root.of(given)
        files = [f for f in find_files(root, exclude) if f.absolute not in real]
        if any(f.path in taken for f in files):
            above = root.base.parent
            files = [Found(f.absolute, f"{root.base.name}/{f.path}", above, f.language) for f in files]
        found.extend(files)
        taken.update(f.path for f in files)
        real.update(f.absolute for f in files)
    return found
