"""Anchors: from each step to the places of the harness that a person would edit.

What ran is known best where the run recorded it (a probe, a stack, `code.*` attributes); those anchors are completed
from the harness model. The other routes work without any code information: the name a tool is registered under, the
literal or template that worded a text, the configuration key that holds it. Anchors are ranked by route, guesses
last; ties are kept with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Route, StepKind

from .routes.askers import AskerRoute
from .routes.code import CodeRoute
from .routes.literals import LiteralRoute
from .routes.names import NameRoute
from .routes.reach import Reach
from .routes.registration import RegistrationRoute
from .routes.roles import RoleRoute
from .routes.wording import WordingIndex
from .surroundings import Surroundings

MOST_ANCHORS, MOST_WITH_TIES = 5, 12
# What ran was recorded in several ways; of those the step itself says which is nearest.
_RECORDED = (Route.STACK, Route.PROBE, Route.CODE_ATTRIBUTE)
_ROUTES = {route: 0 if route in _RECORDED else rank for rank, route in enumerate(Route)}


@dataclass(frozen=True)
class AnchorIndex:
    """The routes of one harness, each with its index; made once, used for every run of that harness."""

    code: CodeRoute
    registration: RegistrationRoute
    wordings: WordingIndex
    names: NameRoute
    roles: RoleRoute
    askers: AskerRoute

    @classmethod
    def of(cls, model: HarnessModel) -> "AnchorIndex":
        """Index a harness model; the index of the model asked for last is kept."""
        global _latest
        if _latest is None or _latest[0] is not model:
            _latest = (model, cls._made(model))
        return _latest[1]

    @classmethod
    def _made(cls, model: HarnessModel) -> "AnchorIndex":
        reach = Reach(model)
        return cls(
            CodeRoute(model),
            RegistrationRoute(model, reach),
            WordingIndex(model),
            NameRoute(model, reach),
            RoleRoute(model, reach),
            AskerRoute(model, reach),
        )


# Runs of one harness are compiled one after another; only what follows from the model alone is kept.
_latest: tuple[HarnessModel, AnchorIndex] | None = None


def anchor_steps(
    steps: Sequence[TraceStep],
    texts: Mapping[str, str],
    model: HarnessModel,
    fresh: Mapping[int, Sequence[int]],
) -> list[TraceStep]:
    """Steps with their anchors completed, best first: `MOST_ANCHORS` each, and what is as good as the last of them.

    Args:
        steps: of one run.
        texts: digest to text.
        model: the harness.
        fresh: for model calls, by index of the step, which input parts were not in the request before.
    """
    index = AnchorIndex.of(model)
    literals = LiteralRoute(index.wordings, texts)
    for i, step in enumerate(steps):
        literals.vote(step, fresh.get(i))
    anchored: list[TraceStep] = []
    around = Surroundings(texts)
    for i, step in enumerate(steps):
        found = [
            *index.code.anchors(step),
            *index.registration.anchors(step),
            *literals.anchors(step, fresh.get(i)),
        ]
        asked: list[Anchor] = []
        if not any(_is_registered(anchor) for anchor in found):
            found.extend(index.roles.anchors(step))
            found.extend(index.names.anchors(step, around.raised(step), in_tool=around.in_tool(step)))
            if step.kind is StepKind.MODEL_CALL:
                asked.extend(index.askers.anchors(step))
        if step.kind is StepKind.ERROR and all(anchor.route is Route.STATIC for anchor in found):
            again, inherited = list(around.before(step)), list(around.inherited(step))
            found = [*again, *inherited, *found] if again or around.in_tool(step) else found or inherited
        # Texts lead to what worded them; who asked is another question, and its answer is not cut off by them.
        best = tuple(ranked([*_best(ranked(found)), *asked]))
        around.add(step, best, asked)
        anchored.append(step if best == step.anchors else step.model_copy(update={"anchors": best}))
    return anchored


def _is_registered(anchor: Anchor) -> bool:
    """Whether it says what ran, or which of the tools."""
    known = anchor.evidence.rank < Evidence.HEURISTIC.rank
    return known and _ROUTES[anchor.route] <= _ROUTES[Route.TOOL_REGISTRATION]


def _best(anchors: Sequence[Anchor]) -> Sequence[Anchor]:
    """The first of ranked anchors; a tie is not cut."""
    end = MOST_ANCHORS
    while end < min(len(anchors), MOST_WITH_TIES) and _grade(anchors[end]) == _grade(anchors[end - 1]):
        end += 1
    return anchors[:end]


def _grade(anchor: Anchor) -> tuple[Route, Evidence, str]:
    return anchor.route, anchor.evidence, anchor.reason


def ranked(anchors: Iterable[Anchor]) -> list[Anchor]:
    """Best first: what is known before guesses, then by route, then by rung; one anchor for one place."""
    ordered = sorted(
        anchors,
        key=lambda anchor: (
            anchor.evidence.rank >= Evidence.HEURISTIC.rank,
            _ROUTES[anchor.route],
            anchor.evidence.rank,
        ),
    )
    seen: set[tuple[str, int, int]] = set()
    kept = []
    for anchor in ordered:
        place = anchor.path, anchor.start_line, anchor.end_line
        if place not in seen:
            seen.add(place)
            kept.append(anchor)
    return kept
