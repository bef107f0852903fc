"""Arguments too short for fingerprints: what a model asked for, whole, in what the step that it asked was given.

Equality of a whole value is the test: with an argument of the call, with its arguments in another spelling or inside
another record or, where the model wrote its command as text, with what a code block, a tag or a line of it holds.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from harnessfix_ir.compiler.occurrences import IN, OUT, Production, Sink, may_feed, part_of
from harnessfix_ir.compiler.pairing import Pairing, is_wrapped, loaded, same_json
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.vocabulary import Evidence, LinkKind, StepKind

from .matching import MatchLink
from .normal import normalise
from .relation import Piece, Relation

LONGEST_COMMAND = 400
MOST_PLACES = 64
SHOWN = 40
_LOOKED_AT = {(StepKind.TOOL_CALL, IN), (StepKind.PARSE, OUT)}
_WORD = re.compile(r"[A-Za-z]{2}")
_LABEL = re.compile(r"\s*(\w[\w ]{0,30}:|[$>])?[ \t]*")
_FENCE = re.compile(r"(```|~~~)[^\n`]*\n\s*\Z")


def find_asked(view: RunView, ids: TextIds, left: Sequence[Sink], pairings: Sequence[Pairing]) -> Iterator[MatchLink]:
    """Links from model calls to the arguments of the tools that they asked for.

    Args:
        view, ids: the run.
        left: sinks that no other link explains; only what tools are given and parsers give off is looked at.
        pairings: which step ran which call. For other steps it is the call of the model before, of the same agent.
    """
    pairing_of = {pairing.tool: pairing for pairing in pairings}
    before = _Turns(view)
    for sink in left:
        if (view.steps[sink.step].kind, sink.side) not in _LOOKED_AT:
            continue
        pairing = pairing_of.get(sink.step)
        found = _of_call(view, ids, pairing, sink) if pairing is not None else _of_words(view, ids, before, sink)
        if found is not None:
            yield found


class _Turns:
    """The model calls of each agent in each task, by the time of their end."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._turns: dict[tuple[str, int], list[int]] = {}
        for i in sorted(range(len(view.steps)), key=lambda i: view.end[i]):
            if view.steps[i].kind is StepKind.MODEL_CALL:
                self._turns.setdefault((view.agent_of[i], view.task_of[i]), []).append(i)

    def before(self, i: int) -> int | None:
        """The last model call that ended before a step, None for a step that another tool runs."""
        view = self._view
        parent = view.parent[i]
        if parent >= 0 and view.steps[parent].kind is StepKind.TOOL_CALL:
            return None
        turns = self._turns.get((view.agent_of[i], view.task_of[i]), [])
        at = bisect_left(turns, view.begin[i], key=lambda turn: view.end[turn])
        return turns[at - 1] if at else None


def _of_call(view: RunView, ids: TextIds, pairing: Pairing, sink: Sink) -> MatchLink | None:
    asked = ids.held(view.steps[pairing.turn].output[pairing.part])
    relation = argument_of(asked, ids.text[sink.text], part_of(view.steps[sink.step], sink).name)
    source = Production(view.end[pairing.turn], pairing.turn, OUT, pairing.part)
    if relation is None or not may_feed(view, source, sink):
        return None
    evidence = Evidence.DERIVED if pairing.evidence is Evidence.OBSERVED else pairing.evidence
    return MatchLink(source, sink, relation, evidence)


def _of_words(view: RunView, ids: TextIds, turns: _Turns, sink: Sink) -> MatchLink | None:
    turn = turns.before(sink.step)
    if turn is None or len(ids.text[sink.text]) > LONGEST_COMMAND:
        return None
    for number, part in enumerate(view.steps[turn].output):
        source = Production(view.end[turn], turn, OUT, number)
        if part.kind != "text" or not may_feed(view, source, sink):
            continue
        found = command_of(ids.held(part), ids.text[sink.text])
        if found is not None:
            return MatchLink(source, sink, *found)
    return None


def argument_of(asked: str, given: str, name: str | None) -> Relation | None:
    """How a tool's argument relates to the call that asked for it; None unless it is equal to a whole value of it.

    Args:
        asked: the arguments of the call, JSON.
        given: the argument as the tool was given it, or all of them as a record.
        name: of the argument, where one is known.
    """
    wanted, value = loaded(asked), loaded(given)
    if not isinstance(wanted, dict):
        return None
    if same_json(wanted, value):
        return _relation(asked, given, (0, len(asked)), "re-serialised; nothing lost")
    keys: Iterable[str] = (name,) if name is not None and name in wanted else wanted
    for key in keys:
        if wanted[key] == given or (not isinstance(wanted[key], str) and same_json(wanted[key], value)):
            place = _place(asked, key, wanted[key])
            return _relation(asked, given, place, f"its argument {key[:SHOWN]!r}: whole")
    if is_wrapped(wanted, value):
        return _relation(asked, given, (0, len(asked)), "re-serialised; inside another record")
    return None


def command_of(said: str, given: str) -> tuple[Relation, Evidence] | None:
    """Where a model's text holds a command by itself, and how sure that is; the last place of the surest kind.

    Args:
        said: the model's text.
        given: the command as the tool was given it.
    """
    words = given.strip()
    best: tuple[int, int, str, Evidence] | None = None
    at = said.rfind(words) if words else -1
    for _ in range(MOST_PLACES):
        if at < 0:
            break
        found = _held_by(said, at, at + len(words))
        if found is not None and (best is None or (found[1] is Evidence.DERIVED) > (best[3] is Evidence.DERIVED)):
            best = (at, at + len(words), *found)
        at = said.rfind(words, 0, at + len(words) - 1)
    if best is None:
        return None
    start, end, detail, evidence = best
    lead = len(given) - len(given.lstrip())
    piece = Piece((start, end), (lead, lead + len(words)), True)
    size = len(normalise(words))
    share = size / max(len(normalise(said)), 1)
    return Relation(LinkKind.COPIED, (piece,), detail, size, share, 1.0), evidence


def _held_by(said: str, start: int, end: int) -> tuple[str, Evidence] | None:
    """What of a text holds the range and nothing else."""
    before, after = said[:start], said[end:].lstrip()
    line = before.rpartition("\n")[2]
    if not before.strip() and not after:
        return "whole", Evidence.DERIVED
    if _FENCE.search(before[-200:]) and after[:3] in ("```", "~~~"):
        return "the whole of a code block", Evidence.DERIVED
    if before.rstrip().endswith(">") and after.startswith("</"):
        return "the whole of a tag", Evidence.DERIVED
    if before.endswith("`") and after.startswith("`"):
        return "what stands in backquotes", Evidence.HEURISTIC
    rest = said[end:].partition("\n")[0]
    if not rest.strip() and _LABEL.fullmatch(line) and _WORD.search(said[start:end]):
        return "a line by itself", Evidence.HEURISTIC
    return None


def _relation(asked: str, given: str, source: tuple[int, int], detail: str) -> Relation:
    piece = Piece(source, (0, len(given)), False)
    return Relation(LinkKind.TRANSFORMED, (piece,), detail, len(normalise(given)), 1.0, 1.0)


def _place(asked: str, key: str, value: object) -> tuple[int, int]:
    """Where a value stands in the arguments; all of them where its spelling is not found."""
    behind = max(asked.find(json.dumps(key)), 0)
    for ascii_only in (False, True):
        spelled = json.dumps(value, ensure_ascii=ascii_only)
        at = asked.find(spelled, behind + len(key))
        if at >= 0:
            quotes = isinstance(value, str)
            return at + quotes, at + len(spelled) - quotes
    return 0, len(asked)
