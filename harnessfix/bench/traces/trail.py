"""TRAIL on GAIA: exceptions in real runs of smolagents 1.10.0. Whose was each, on which layer, raised by what?

`harness_faults.json.gz` holds the truth: an object per exception event, with its `trace`, `span`, `fault_of` (harness,
model, environment; `wrapper` where an outer span repeats an inner one's, `mixed` and `?` where it is not decided),
`layer` and `anchor` (`file:line::qualified.name`). The people who annotated the set were asked for errors of the agent;
`annotations/` holds the spans that they named.

https://arxiv.org/abs/2505.08638
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessfix.bench.environments import interpreter
from harnessfix.diagnoser.attribution.exceptions import from_exception
from harnessfix.diagnoser.attribution.symptom import Sort, Symptom
from harnessfix.rules.selection import select_rules
from harnessfix_ir.errors import HarnessfixError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.source import locate_harness, read_harness
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import StepKind, Verdict

from .reading import Read, read

PINS = ("smolagents==1.10.0",)
PACKAGE = "smolagents"
TRUTH = "harness_faults.json.gz"
DECIDED = ("harness", "model", "environment")


@dataclass
class Event:
    """One exception event.

    Args:
        name: trace and span.
        fault_of, layer, function: the truth.
        verdict: whose it is said to be; by a finding of the step, else by what raised it.
        rules: codes of the findings of the step.
        found_layer: of what raised it, else of the first finding that blames the harness.
        found_function: where it is said to have been raised.
    """

    name: str
    fault_of: str
    layer: str
    function: str
    verdict: str = ""
    rules: str = ""
    found_layer: str = ""
    found_function: str = ""


def count(folder: Path) -> int:
    """Runs that hold an exception event or an annotation."""
    return len(_files(folder))


def measure(
    folder: Path, repositories: Path | None, tell: Callable[[str], None]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Figures, and a case for each event."""
    by_trace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in _truth(folder / TRUTH):
        by_trace[str(event["trace"])].append(event)
    model, rules = read_harness([locate_harness(PACKAGE, str(interpreter(PINS)))]), select_rules()
    events: list[Event] = []
    said, every_call, true = set(), set(), set()
    for path in _files(folder):
        tell(path.name[:8])
        trace = path.name.partition(".")[0]
        for one in read(path, "trail", model, rules):
            spans = {span: step for step in one.run.steps for span in step.source.span_ids}
            events += [_event(one, spans.get(str(truth["span"])), truth) for truth in by_trace.get(trace, ())]
            said |= {(trace, span) for step in _blamed(one) for span in step.source.span_ids[:1]}
            every_call |= {(trace, span) for span, step in spans.items() if step.kind is StepKind.MODEL_CALL}
        true |= {(trace, span) for span in _annotated(folder / "annotations" / f"{trace}.json")}
    figures = {
        **metrics(events),
        "trail.span_f1": _f1(said, true),
        "trail.floor_span_f1_every_model_call": _f1(every_call, true),
    }
    return figures, [vars(event) for event in events]


def metrics(events: Sequence[Event]) -> dict[str, float]:
    """Rates between 0 and 1; an event that repeats another one's or of which the truth is open is in none."""
    harness = [event for event in events if event.fault_of == "harness"]
    decided = [event for event in events if event.fault_of in DECIDED]
    blamed = [event for event in decided if event.verdict == Verdict.HARNESS.value]
    return {
        "trail.harness_recall": _rate(event.verdict == Verdict.HARNESS.value for event in harness),
        "trail.harness_precision": _rate(event.fault_of == "harness" for event in blamed),
        "trail.found_by_rule": _rate(bool(event.rules) for event in harness),
        "trail.layer": _rate(event.found_layer == event.layer for event in harness),
        "trail.function": _rate(event.found_function == event.function for event in harness),
        "trail.floor_harness_always": _rate(event.fault_of == "harness" for event in decided),
        "trail.events": float(len(events)),
        "trail.harness_events": float(len(harness)),
    }


def _files(folder: Path) -> list[Path]:
    found = sorted((folder / "traces").glob("*.json.gz"))
    if not found:
        raise HarnessfixError(f"{folder}: no traces/*.json.gz in it")
    return found


def _truth(path: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise HarnessfixError(f"{path}: {error}") from error
    return found


def _annotated(path: Path) -> list[str]:
    """Spans that people named; the file is JSON but for stray commas in some, which are left out."""
    try:
        return [str(error["location"]) for error in json.loads(path.read_text("utf-8"))["errors"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _event(one: Read, step: TraceStep | None, truth: dict[str, Any]) -> Event:
    event = Event(
        name=f"{truth['trace'][:8]} {truth['span']}",
        fault_of=str(truth["fault_of"]),
        layer=str(truth["layer"]).replace(" env", "").replace(" ", "_"),
        function=str(truth["anchor"]).rpartition("::")[2],
    )
    if step is None:
        return event
    found = [diagnosis for diagnosis in one.diagnoses if _is_about(diagnosis, step)]
    found.sort(key=lambda diagnosis: -diagnosis.confidence)
    causes = list(from_exception(one.run, Symptom(Sort.EXCEPTION, step, "", step)))
    verdicts = [diagnosis.verdict for diagnosis in found] + [cause.verdict for cause in causes]
    event.verdict = verdicts[0].value if verdicts else ""
    event.rules = ", ".join(diagnosis.rule for diagnosis in found)
    layers = [cause.layer for cause in causes if cause.layer is not None]
    layers += [diagnosis.layer for diagnosis in found if diagnosis.verdict is Verdict.HARNESS]
    event.found_layer = layers[0].value if layers else ""
    event.found_function = step.anchors[0].qualname if step.anchors else ""
    return event


def _is_about(diagnosis: Diagnosis, step: TraceStep) -> bool:
    return step.id in (diagnosis.responsible_step, diagnosis.symptom_step, *diagnosis.path)


def _blamed(one: Read) -> list[TraceStep]:
    """Steps that a finding holds responsible, and those that failed."""
    named = {diagnosis.responsible_step for diagnosis in one.diagnoses}
    return [step for step in one.run.steps if step.id in named or step.error is not None]


def _f1(said: set[tuple[str, str]], true: set[tuple[str, str]]) -> float:
    return round(2 * len(said & true) / (len(said) + len(true)), 4) if said or true else 0.0


def _rate(hits: Iterable[bool]) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 4) if found else 0.0
