"""What rules share that speak of a shape in the source: each names the shape and says in words what it does."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar

from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import Evidence

from ._query import as_anchor, hazards
from .base import Finding, Rule


class HazardRule(Rule):
    """A rule over the hazards of one shape; the runs that went through those lines raise it in the order of findings.

    Class attributes:
        hazard: name of the shape, as in `docs/facts.md`.
        confidence: that the shape is a flaw where it stands.
        reason: why these lines, in a few words.
    """

    hazard: ClassVar[str]
    confidence: ClassVar[float] = 0.6
    reason: ClassVar[str] = "has this shape"

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """One finding for each hazard of this shape that `concerns` the rule; those it does not tell apart are one."""
        numbers: Counter[str] = Counter()
        alike: dict[tuple[str, str], list[Element]] = {}
        for element in hazards(model, self.hazard):
            numbers[element.anchor.symbol] += 1
            if self.concerns(element, model):
                key = self.told_apart(element, numbers[element.anchor.symbol])
                alike.setdefault((element.anchor.symbol, key), []).append(element)
        for (_, key), elements in alike.items():
            also = ", ".join(str(element.anchor.start_line) for element in elements[1:])
            yield Finding(
                f"{self.words(elements[0])} The same stands at line {also}." if also else self.words(elements[0]),
                [as_anchor(element, self.reason) for element in elements],
                confidence=self.confidence,
                evidence=Evidence.DERIVED,
                key=key,
                parameters=self.parameters(elements[0]),
                operator=self.repaired_by(elements[0]),
            )

    @abstractmethod
    def words(self, element: Element) -> str:
        """What stands there and what it does."""

    def parameters(self, element: Element) -> Mapping[str, JsonValue]:
        """What the operator needs to know of this one."""
        return {}

    def repaired_by(self, element: Element) -> str | None:
        """Name of the operator for this one, empty for none, None for the rule's own."""
        return None

    def concerns(self, element: Element, model: HarnessModel) -> bool:
        """Whether the rule speaks of this one."""
        return True

    def told_apart(self, element: Element, number: int) -> str:
        """What tells two hazards of this shape in one function apart: their number, unless a rule knows better.

        Hazards of other shapes do not count: that one of them is mended must not make another flaw of this one.
        """
        return str(number) if number > 1 else ""
