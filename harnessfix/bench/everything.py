"""All measurements, one after another: a row for each figure that has an aim, as soon as it is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harnessfix_ir.errors import HarnessfixError

from .catalogue import Asked, Measurement, Progress

COLUMNS = f"{'measurement':<14} {'figure':<28} {'value':>10}  {'aim':<10} met"


@dataclass
class Whole:
    """What became of them.

    Args:
        documents: of the measurements that were made.
        skipped: name to why, and how to run it.
        failed: name to what went wrong.
    """

    documents: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As one JSON document."""
        return {"bench": "all", "benches": self.documents, "skipped": self.skipped, "failed": self.failed}


def run_all(
    measurements: Sequence[Measurement],
    asked: Asked,
    material: Path | None,
    whole: Whole,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Iterator[str]:
    """Lines of the table, as they are known; what was measured is added to `whole`.

    Args:
        measurements: in order.
        asked: sizes and repositories; `folder` does not count.
        material: folder that holds the folders of cases.
        whole: an empty one.
        progress: opens the progress of one measurement.
    """
    yield COLUMNS
    for one in measurements:
        folder = material / one.material if material is not None and one.material else None
        if one.material and (folder is None or not folder.is_dir()):
            why = f"skipped: it needs a folder of cases: {one.usage}"
        elif one.repositories and asked.repositories is None:
            why = f"skipped: it needs the repositories of its cases: {one.usage}"
        else:
            why = ""
        if why:
            whole.skipped[one.name] = why
            yield f"{one.name:<14} {why}"
            continue
        try:
            with progress(one.name) as bar:
                document = one.measure(replace(asked, folder=folder), bar)
        except (HarnessfixError, OSError, RuntimeError, ValueError, ImportError, AssertionError) as error:
            whole.failed[one.name] = f"{type(error).__name__}: {error}"
            yield f"{one.name:<14} could not be measured: {whole.failed[one.name]}"
            continue
        whole.documents.append(document)
        yield from rows(one, document["metrics"])


def rows(one: Measurement, metrics: Mapping[str, float]) -> Iterator[str]:
    """A line for each figure that has an aim; the first ones of a measurement that has none."""
    aimed = {name: aim for name, aim in one.aims.items() if name in metrics}
    for name, aim in aimed.items():
        bound, met = aim.value(metrics), aim.met(metrics[name], metrics)
        told = "" if bound is None else f"{'≥' if aim.at_least else '≤'} {bound:.4g}"
        mark = {True: "yes", False: "NO", None: ""}[met]
        yield f"{one.name:<14} {name:<28} {metrics[name]:>10.4g}  {told:<10} {mark}".rstrip()
    for name in list(metrics)[: 0 if aimed else 3]:
        yield f"{one.name:<14} {name:<28} {metrics[name]:>10.4g}"
