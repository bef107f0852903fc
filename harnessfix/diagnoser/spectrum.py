"""Spectrum-based fault localisation: code that failed runs went through and passed ones did not.

Ochiai's coefficient over straight stretches of code, or over functions where the capture does not tell lines (Abreu,
Zoeteweij and van Gemund 2007: it beats Tarantula and Jaccard throughout). What it finds is what failed runs have in
common, which may as well be what the failure led to; so this is a lead, and silent when there are few runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Suspect
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Route

LEAST_RUNS = 2  # failed ones, and passed ones
LEAST_SCORE, LEAST_CONFIDENCE = 0.6, 0.3
MOST_PASSED = 0.5  # of the passed runs may have gone there too
MOST_SUSPECTS, MOST_PLACES = 3, 4

Place = tuple[str, int]
"""File and first line of a stretch of code, or of a function."""


def covered(run: Htir, model: HarnessModel) -> Iterator[Place]:
    """Places that a run went through, in files that are as they were when it was recorded."""
    recorded = run.run.attributes.get("files")
    was = recorded if isinstance(recorded, dict) else {}
    now = {file.path: file.sha256 for file in model.files}
    same = {path for path, digest in now.items() if was.get(path, digest) == digest}
    if run.reached:
        yield from ((path, line) for path, reached in run.reached.items() if path in same for line in reached.hit)
        return
    seen: set[Place] = set()
    for step in run.steps:
        for anchor in step.anchors:
            place = anchor.path, anchor.start_line
            if anchor.kind is AnchorKind.FUNCTION and anchor.path in same and place not in seen:
                seen.add(place)
                yield place


@dataclass
class _Counts:
    failed: int = 0
    passed: int = 0
    runs: int = 0
    """Digests of the runs, added up without carry: equal for places that the same runs went through."""


class Spectrum:
    """Counts of runs by place; its size depends on the harness, not on how many runs there are."""

    def __init__(self) -> None:
        self._places: dict[Place, _Counts] = {}
        self.failed = self.passed = 0

    def take(self, run_id: str, places: Iterable[Place], *, failed: bool) -> None:
        """Add one run."""
        digest = int.from_bytes(blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        self.failed += failed
        self.passed += not failed
        for place in places:
            counts = self._places.setdefault(place, _Counts())
            counts.failed += failed
            counts.passed += not failed
            counts.runs ^= digest

    def suspects(self, model: HarnessModel) -> list[Suspect]:
        """Places by how well they tell failed runs from passed ones, best first; those with the same runs together."""
        if self.failed < LEAST_RUNS or self.passed < LEAST_RUNS:
            return []
        groups: dict[tuple[int, int, int], list[Place]] = {}
        for place, counts in self._places.items():
            groups.setdefault((counts.failed, counts.passed, counts.runs), []).append(place)
        found = [self._suspect(failed, passed, places, model) for (failed, passed, _), places in groups.items()]
        kept = [one for one in found if one is not None]
        kept.sort(key=lambda one: (-one.confidence, one.anchors[0].path, one.anchors[0].start_line))
        return kept[:MOST_SUSPECTS]

    def _suspect(self, failed: int, passed: int, places: list[Place], model: HarnessModel) -> Suspect | None:
        if failed < LEAST_RUNS or passed > MOST_PASSED * self.passed:
            return None
        score = failed / sqrt(self.failed * (failed + passed))
        if score < LEAST_SCORE:
            return None
        anchors = list(_one_a_function(sorted(places), model))
        few = (1 - 1 / (self.failed + 1)) * (1 - 1 / (self.passed + 1))
        confidence = score * few / sqrt(len(anchors))
        if confidence < LEAST_CONFIDENCE:
            return None
        return Suspect(
            score=round(score, 3),
            confidence=round(confidence, 3),
            failed=failed,
            passed=passed,
            of_failed=self.failed,
            of_passed=self.passed,
            anchors=tuple(anchors[:MOST_PLACES]),
            more=max(0, len(anchors) - MOST_PLACES),
        )


def _one_a_function(places: list[Place], model: HarnessModel) -> Iterator[Anchor]:
    """The first place in each function, as an anchor."""
    seen: set[Place] = set()
    for path, line in places:
        function = next((e for e in model.at(path, line) if e.role is ElementRole.FUNCTION), None)
        key = (path, function.anchor.start_line) if function is not None else (path, line)
        if key not in seen:
            seen.add(key)
            yield Anchor(
                path=path,
                qualname=function.anchor.qualname if function is not None else "<module>",
                start_line=line,
                end_line=line,
                kind=AnchorKind.CALL,
                route=Route.PROBE,
                evidence=Evidence.HEURISTIC,
                reason="failed runs went through here",
            )
