"""From the files of a harness to its model: all of it linked anew, or what an edit touches."""

from collections.abc import Sequence
from pathlib import Path

from harnessfix_ir.harness import HarnessModel, SourceFile

from .cache import FactCache
from .facts import FileFacts
from .kept import KeptLinks, LostLinksError, keep_links, open_links
from .link.model import Linked, Linker
from .source_file import Source
from .stored import Parts

_MOST_EDITED = 0.3
"""Share of edited files above which it is cheaper to link the whole harness anew."""


def link_sources(
    sources: Sequence[Source], base: Path, cache: FactCache, key: str, links_file: Path | None
) -> HarnessModel:
    """The model of some files.

    Args:
        sources: every file, in order.
        base: folder that the model's paths are relative to.
        cache: where facts and models are kept.
        key: of the model in the cache.
        links_file: where it is kept how these files were linked last; None for nowhere.
    """
    tree = _Tree(sources, base, cache)
    if links_file is None:
        return tree.link(None)[0].model()
    with open_links(links_file) as database:
        before: KeptLinks | None
        try:
            before = KeptLinks(database)
            parts, linked = tree.link(before)
        except (LostLinksError, ValueError):  # nothing of use is kept, or a lone surrogate that cannot be
            before = None
            parts, linked = tree.link(None)
        cache.put_model(key, parts)
        keep_links(database, key, tree.identities, linked, before)
    return parts.model()


class _Tree:
    def __init__(self, sources: Sequence[Source], base: Path, cache: FactCache) -> None:
        self._sources = {source.found.path: source for source in sources}
        self._base, self._cache = base, cache
        self.identities = {path: source.identity(base) for path, source in self._sources.items()}
        self._facts: dict[str, FileFacts] = {}

    def link(self, before: KeptLinks | None) -> tuple[Parts, Linked]:
        """The parts of the model, and what was linked anew.

        Raises:
            LostLinksError: when `before` is of no use.
        """
        modules = {path: source.module for path, source in self._sources.items()}
        if before is None:
            linked = Linker(modules, self._facts_of, forget=self._cache.folder is None).link()
            chunks = [linked.chunks[path] for path in modules]
            return Parts(str(self._base), [*map(self._file, modules)], chunks), linked
        old, edited = self._old(before)
        known = {chunk.path: (file, chunk) for file, chunk in zip(old.files, old.chunks)}
        if not modules.keys() - edited <= known.keys():
            raise LostLinksError("the model that was linked is not the one that is kept")
        moved = before.identities.keys() != modules.keys()
        linked = Linker(modules, self._facts_of, before, edited, moved=moved).link()
        new = linked.chunks
        parts = old.with_changed(
            [self._file(path) if path in edited else known[path][0] for path in modules],
            [new[path] if path in new else known[path][1] for path in modules],
            edited.union(new),
        )
        return parts, linked

    def _old(self, before: KeptLinks) -> tuple[Parts, set[str]]:
        """The parts of the last model, and which paths were edited since."""
        was, now = before.identities, self.identities
        edited = {path for path in (*was, *now) if was.get(path) != now.get(path)}
        parts = None if len(edited) > _MOST_EDITED * len(now) else self._cache.get_parts(before.model)
        if parts is None:
            raise LostLinksError("too little is as it was")
        return parts, edited

    def _facts_of(self, path: str) -> FileFacts:
        facts = self._facts[path] = self._sources[path].facts(self._cache)
        return facts

    def _file(self, path: str) -> SourceFile:
        facts = self._facts[path]
        return SourceFile(
            path=facts.path,
            sha256=facts.sha256,
            language=facts.language,
            lines=facts.lines,
            error=facts.error,
            suppressions=facts.suppressions,
            base="" if facts.base == str(self._base) else facts.base,
        )
