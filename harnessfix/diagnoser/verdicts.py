"""Verdicts on many runs, each as small as it can be kept: a check of a hundred thousand failed runs has as many."""

import zlib
from collections.abc import Iterable, Iterator, MutableMapping

from harnessfix_ir.attribution import Attribution


class Verdicts(MutableMapping[str, Attribution]):
    """Run id to verdict, in the order they were put in; opened when they are looked at."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def __getitem__(self, run_id: str) -> Attribution:
        return Attribution.model_validate_json(zlib.decompress(self._kept[run_id]))

    def __setitem__(self, run_id: str, verdict: Attribution) -> None:
        self._kept[run_id] = zlib.compress(verdict.model_dump_json(exclude_defaults=True).encode(), 1)

    def __delitem__(self, run_id: str) -> None:
        del self._kept[run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def ordered(self, run_ids: Iterable[str]) -> "Verdicts":
        """The same in this order, without those that are not named."""
        out = Verdicts()
        out._kept = {run_id: self._kept[run_id] for run_id in run_ids if run_id in self._kept}
        return out

    def __len__(self) -> int:
        return len(self._kept)
