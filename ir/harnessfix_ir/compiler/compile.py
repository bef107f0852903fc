"""From a recording to HTIR: repair, merge, link, anchor."""

from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording
from harnessfix_ir.source.collector import no_collections
from harnessfix_ir.steps import StepEvent, TraceLink, TraceStep

from .anchoring import anchor_steps
from .links.control import control_links
from .links.data import data_links, find_data
from .links.omission import omission_links
from .links.state import state_links
from .links.temporal import temporal_links
from .merging import merge_duplicates
from .pairing import pair_calls
from .repair import repair
from .requests import chain_requests, prefix_events
from .textids import TextIds
from .view import RunView


def compile_run(recording: Recording, model: HarnessModel | None = None) -> Htir:
    """Compile one run: a pure function of its arguments.

    Args:
        recording: as a collector made it; whatever is wrong with its structure is repaired and put on record.
        model: the harness the run came from; without one, steps keep the anchors they bring.

    Returns:
        The steps with their anchors completed, and the links between them in order of target.
    """
    with no_collections():
        return _compile(recording, model)


def _compile(recording: Recording, model: HarnessModel | None) -> Htir:
    repaired = repair(recording)
    view = RunView(merge_duplicates(repaired.steps, repaired.texts), repaired.texts)
    ids = TextIds(repaired.texts)
    requests = chain_requests(view, ids)
    pairings = pair_calls(view, ids)
    data = find_data(view, ids, requests, pairings)
    links = [
        *temporal_links(view),
        *data_links(view, ids, data, pairings),
        *omission_links(view, ids, requests, data),
        *control_links(view, pairings),
        *state_links(view),
    ]
    steps = _with_events(view.steps, prefix_events(view, requests, ids))
    if model is not None and model.elements:
        fresh = {request.step: request.fresh for request in requests}
        steps = anchor_steps(steps, repaired.texts, model, fresh)
    return Htir(
        run=recording.run,
        steps=tuple(steps),
        links=tuple(_in_order(view, links)),
        texts=repaired.texts,
        reached=recording.reached,
        incomplete=tuple(dict.fromkeys(repaired.incomplete)),
    )


def _with_events(steps: list[TraceStep], events: dict[int, StepEvent]) -> list[TraceStep]:
    steps = list(steps)
    for i, event in events.items():
        steps[i] = steps[i].model_copy(update={"events": (*steps[i].events, event)})
    return steps


def _in_order(view: RunView, links: list[TraceLink]) -> list[TraceLink]:
    index = {step.id: i for i, step in enumerate(view.steps)}
    return sorted(links, key=lambda link: (index[link.target], index[link.source]))
