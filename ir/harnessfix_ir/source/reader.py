"""`read_harness`: roots in, harness model out."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from harnessfix_ir.harness import HarnessModel

from .cache import FactCache
from .collector import no_collections
from .facts import FileFacts
from .files import Found, Root, byte_lines, decode, find_files, read_bytes, sha256
from .link.model import build_model
from .modules import module_name
from .text_files import read_prompt_file, read_settings_file


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
    inputs = [(f, *read_bytes(f)) for f in found]
    digests = [(f, data, problem, sha256(data)) for f, data, problem in inputs]
    key = cache.model_key([(f.path, f.base, digest, problem) for f, _, problem, digest in digests])
    model = cache.get_model(key)
    if model is not None:
        return model
    files = [_facts(f, data, problem, digest, packages, cache) for f, data, problem, digest in digests]
    base = found[0].base if found else (Root.of(roots[0]).base if roots else Path.cwd())
    model, chunks = build_model(files, base)
    cache.put_model(key, model, chunks)
    return model


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


def _facts(
    found: Found, data: bytes, problem: str, digest: str, packages: frozenset[str], cache: FactCache
) -> FileFacts:
    module = module_name(found.path, packages) if found.language == "python" else ""
    base = str(found.base)
    if problem:
        return FileFacts(found.path, base, module, digest, found.language, 0, error=problem)
    kept = cache.get_facts(digest, found.path, module, base)
    if kept is not None:
        return kept
    facts = _read(found, data, digest, module, base)
    cache.put_facts(facts, module)
    return facts


def _read(found: Found, data: bytes, digest: str, module: str, base: str) -> FileFacts:
    lines = byte_lines(data)
    facts = FileFacts(found.path, base, module, digest, found.language, len(lines))
    try:
        text = decode(data, found.language)
        if found.language == "python":
            from .extract import extract

            extract(facts, text, lines)
        elif found.language == "text":
            read_prompt_file(facts, text, lines)
        else:
            read_settings_file(facts, text, lines)
    except SyntaxError as error:
        _fail(facts, f"line {error.lineno or 1}: {error.msg}{_later_python(error)}")
    except ValueError as error:
        _fail(facts, str(error))
    except (RecursionError, MemoryError):
        _fail(facts, "line 1: nested too deeply")
    return facts


# What Python 3.12 added: type parameters, `type` statements, and quotes of the same kind inside f-strings.
_LATER = re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[|^\s*type\s+\w+|\b[rR]?[fF][rR]?[\"'].*\{")


def _later_python(error: SyntaxError) -> str:
    """A remark for a line that only a Python later than this one understands, empty for others."""
    if sys.version_info >= (3, 12) or not _LATER.search(error.text or ""):
        return ""
    return f" (perhaps Python later than {sys.version_info[0]}.{sys.version_info[1]}, on which harnessfix runs here)"


def _fail(facts: FileFacts, error: str) -> None:
    facts.error = error
    facts.drafts.clear()
    facts.calls.clear()
    facts.functions.clear()
    facts.classes.clear()
    facts.hashes.clear()
