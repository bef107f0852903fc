"""A published run, compiled and diagnosed with the source of its harness; nothing is stored."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix.diagnoser import diagnose_run
from harnessfix.rules import Rule
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir


@dataclass
class Read:
    """One run.

    Args:
        run: compiled.
        diagnoses: what the rules said of it.
    """

    run: Htir
    diagnoses: list[Diagnosis]


def read(path: Path, format_name: str, model: HarnessModel, rules: Sequence[Rule]) -> Iterator[Read]:
    """The runs of a file, packed or not. Raises `BadInputError` where it is not of that format."""
    from harnessfix_collectors.readers import read_bytes

    data = path.read_bytes()
    name = path.name.removesuffix(".gz")
    for recording in read_bytes(gzip.decompress(data) if name != path.name else data, name, format_name):
        run = compile_run(recording, model)
        yield Read(run, diagnose_run(run, model, rules).diagnoses)
