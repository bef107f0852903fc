"""What a result depends on, as digests: the programs that make it, the harness, the run.

A result is kept under them and taken again as long as they stay. Programs are known by their source, so that a change
to one rule asks that rule again and no other.
"""

import hashlib
import inspect
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import harnessfix.diagnoser
import harnessfix.rules
import harnessfix_collectors
import harnessfix_ir
from harnessfix.rules import Rule
from harnessfix.store import RunFacts
from harnessfix_ir.harness import HarnessModel

LENGTH = 32


def digest_of(*parts: object) -> str:
    """32 hex digits over values that JSON can hold."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:LENGTH]


@cache
def compiler_version() -> str:
    """The programs that make HTIR of bytes: readers, dialects and the compiler, third-party readers included."""
    collectors = Path(harnessfix_collectors.__file__).parent
    files = [*_sources(harnessfix_ir.__file__), *collectors.glob("*.py")]
    files += (collectors / "probe").glob("*.py")  # not what runs in the program: its doings are in the bytes
    for folder in ("readers", "dialects", "otlp"):
        files += (collectors / folder).rglob("*.py")
    return digest_of(content_of(files), _foreign("harnessfix.readers"), _foreign("harnessfix.dialects"))


@cache
def rule_version(rule: Rule) -> str:
    """One rule: its own file, what the settings change of it, what rules share, and the programs that ask it."""
    tuning = [sorted(rule.tuning.numbers.items()), list(rule.tuning.exclude), rule.tuning.confidence]
    return digest_of(_shared_by_rules(), rule.code, content_of([Path(inspect.getfile(type(rule)))]), tuning)[:12]


def rule_versions(rules: Iterable[Rule]) -> dict[str, str]:
    """Rule code to version."""
    return {rule.code: rule_version(rule) for rule in rules}


@cache
def _shared_by_rules() -> str:
    files = [*Path(harnessfix.rules.__file__).parent.glob("*.py"), *_sources(harnessfix.diagnoser.__file__)]
    return digest_of(content_of(files), compiler_version())


def model_key(model: HarnessModel) -> str:
    """Content address of a harness: changes when any of its files does."""
    return digest_of(model.root, [[file.path, file.sha256, file.error] for file in model.files])


def htir_key(run: RunFacts, model: str) -> str:
    """Content address of a run's HTIR.

    Args:
        run: with the outcome that its labels say, which HTIR holds.
        model: key of the harness model.
    """
    return digest_of(run.id, run.blob, run.format, run.filename, run.outcome, run.outcome_by, compiler_version(), model)


def _sources(package: str | None) -> list[Path]:
    return list(Path(str(package)).parent.rglob("*.py"))


def content_of(files: Iterable[Path]) -> list[list[str]]:
    """Name and digest of each file."""
    return [[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in sorted(files)]


def _foreign(group: str) -> list[list[str]]:
    found = entry_points(group=group)
    return sorted([each.value, each.dist.version if each.dist else ""] for each in found)
