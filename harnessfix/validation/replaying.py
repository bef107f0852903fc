"""Recorded runs as tasks: the same command again, its model's answers taken from the recording.

Where the recording holds HTTP exchanges, these are played back. Where the model is asked in another way (a scripted
model, a library of its own), the function that asks it is not called and gives its recorded reply, when that is plain
data: texts, numbers, lists, dictionaries, tuples, and objects that hold nothing else and whose class the program has
loaded. Such an object is made by putting the recorded fields into it; none of its code is run. What its model calls
were given is compared with what was recorded. Where a reply is more than plain data, and where the unpatched harness
leaves the recording because the function does more than reply, the model is asked again and only compared.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harnessfix.store import RECORDED
from harnessfix.workspace import Workspace
from harnessfix_collectors.document import FORMAT
from harnessfix_collectors.probe.exchanges import Exchange, Played, exchanges_of, first_difference, played_of
from harnessfix_collectors.probe.replies import replies_of
from harnessfix_collectors.readers import read_bytes
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import StepKind
from harnessfix_repairs.validation.runner import Replayed

SHOWN = 60
COMPARED = "asked again, and what it is given was compared"
MODEL_PATHS = ("/completions", "/responses", "/messages", "/embeddings", "/converse", "/converse-stream", "/invoke")
ASKED = ("messages", "input", "prompt", "contents", "inputText")


@dataclass(frozen=True)
class Replay:
    """One recorded run that can be run again.

    Args:
        run: its id.
        task: its name for people.
        command: as recorded.
        cwd: folder that it ran in, None when unknown.
        exchanges: those to play back, in order.
        replies: by function (`path:qualname`), what it returned call by call, to be given instead of calling it.
        asked: what its model calls were given, one text a call; compared where there is no exchange.
        notes: what of it cannot be played back.
    """

    run: str
    task: str
    command: tuple[str, ...]
    cwd: Path | None
    exchanges: tuple[Exchange, ...]
    asked: tuple[str, ...]
    notes: tuple[str, ...] = ()
    replies: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    def asked_again(self) -> "Replay":
        """The same with the functions called and compared."""
        return replace(self, replies={})

    def calling(self, places: Collection[str]) -> "Replay":
        """The same with these functions (`path:qualname`) called: what a patch changes has to run."""
        return replace(self, replies={place: told for place, told in self.replies.items() if place not in places})


def replay_of(workspace: Workspace, asked: str, *, tools: bool = False) -> Replay:
    """The replay of a run of the store.

    Args:
        workspace: whose store holds it.
        asked: beginning of its id, `latest`, or its task.
        tools: whether exchanges that ask no model, and what tools returned, are played back too.

    Raises:
        StoreError: no run is meant, or several.
        BadInputError: the run cannot be started again.
    """
    run_id = workspace.run_id(asked)
    data, format_name, filename = workspace.store.blob(run_id)
    recording = workspace.store.recording(run_id, lambda data, name, file: read_bytes(data, file, name))
    command = recording.run.command
    if format_name == FORMAT and filename != RECORDED:
        command = _test_of(workspace.settings.root, filename)
    if format_name != FORMAT or not command:
        raise BadInputError(
            f"run {run_id[:8]} cannot be replayed: it came from {filename or format_name}, "
            "and what a file says is not run",
            hint="`harnessfix record -- COMMAND` records a run that can be.",
        )
    found = [one for one in exchanges_of(data) if tools or asks_model(one)]
    lost = [f"request {one.number}: {one.playable}" for one in found if one.playable]
    playable = tuple(one for one in found if not one.playable)
    given = () if found else tuple(model_inputs(recording))
    if not found and not given:
        raise BadInputError(
            f"run {run_id[:8]} cannot be replayed: no model was asked in it",
            hint="Is the function that asks the model part of the harness? See --harness.",
        )
    replies = replies_of(data, models=bool(given), tools=tools)
    notes = [*lost, *(f"{place} is {COMPARED}: {why}" for place, why in replies.lost.items())]
    if given and not replies.given and not replies.lost:
        notes.append(f"the model is no function of the harness, so it was {COMPARED}")
    task = recording.run.task or run_id[:8]
    return Replay(run_id, task, command, _cwd(data), playable, given, tuple(notes), replies.given)


def asks_model(exchange: Exchange) -> bool:
    """Whether an exchange asks a model: by its address, or by what it sends."""
    path = exchange.url.partition("?")[0].rstrip("/")
    if path.endswith(MODEL_PATHS) or ":generateContent" in path or ":streamGenerateContent" in path:
        return True
    try:
        body = json.loads(exchange.asked or "")
    except ValueError:
        return False
    return isinstance(body, dict) and any(key in body for key in ASKED) and ("model" in body or "contents" in body)


def model_inputs(recording: Recording) -> Iterable[str]:
    """What each innermost model call was given, in order."""
    above = {step.parent for step in recording.steps if step.kind is StepKind.MODEL_CALL}
    for step in recording.steps:
        if step.kind is StepKind.MODEL_CALL and step.id not in above:
            yield _given(step, recording.texts)


@dataclass(frozen=True)
class Rerun:
    """A replay that was run.

    Args:
        replayed: what it came to, `reach` still empty.
        times: when each request was made, Unix time in nanoseconds.
    """

    replayed: Replayed
    times: tuple[int, ...]

    def reach(self, step: TraceStep) -> int:
        """How many requests were made before a step asked or, when it is no model call, ended."""
        if step.kind is StepKind.MODEL_CALL:
            return sum(time < (step.started_ns or 0) for time in self.times)
        return sum(time <= (step.ended_ns or step.started_ns or 0) for time in self.times)

    def after_leaving(self, step: TraceStep) -> bool:
        """Whether a step began after the first request that differs, so that it is no part of the proof."""
        if not self.replayed.difference or self.replayed.held >= len(self.times):
            return False
        return (step.started_ns or 0) > self.times[self.replayed.held]


def rerun_of(replay: Replay, data: bytes, htir: Htir) -> Rerun:
    """What running it again came to, from the new recording's bytes and the run compiled."""
    if replay.exchanges:
        return _over_http(replay, played_of(data), htir)
    calls = [step for step in htir.steps if step.kind is StepKind.MODEL_CALL]
    above = {step.parent for step in calls}
    calls = [step for step in calls if step.id not in above]
    return _compared(replay, calls, htir)


def _over_http(replay: Replay, played: Sequence[Played], htir: Htir) -> Rerun:
    first = first_difference(played)
    found = Replayed(
        answers=len(replay.exchanges),
        held=len(played) if first is None else played.index(first),
        difference="" if first is None else first.difference,
        step="" if first is None else _step_of(htir, first.step),
    )
    return Rerun(found, tuple(one.time_ns for one in played))


def _compared(replay: Replay, calls: Sequence[TraceStep], htir: Htir) -> Rerun:
    given = [_given(step, htir.texts) for step in calls]
    pairs = list(zip(replay.asked, given, strict=False))
    held = next((number for number, (was, now) in enumerate(pairs) if was != now), len(pairs))
    difference = _difference(replay.asked, given, held)
    step = calls[held].id if difference and held < len(calls) else ""
    found = Replayed(answers=len(replay.asked), held=held, difference=difference, step=step)
    return Rerun(found, tuple(step.started_ns or 0 for step in calls))


def _difference(recorded: Sequence[str], given: Sequence[str], held: int) -> str:
    if held == len(recorded):
        return "" if held == len(given) else f"one more request than was recorded: {given[held][:SHOWN]!r}"
    if held == len(given):
        return ""
    was, now = recorded[held], given[held]
    at = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    shown = f"recorded {was[at : at + SHOWN]!r}, now {now[at : at + SHOWN]!r}"
    return f"request {held + 1} differs at character {at:,} of what the model is given: {shown}"


def _step_of(htir: Htir, span: str) -> str:
    return next((step.id for step in htir.steps if span and span in step.source.span_ids), "")


def _given(step: TraceStep, texts: Mapping[str, str]) -> str:
    return "\n".join(f"{part.role} {part.name or ''}: {texts.get(part.text, '')}" for part in step.input)


def _test_of(root: Path, name: str) -> tuple[str, ...]:
    """The command of a test of this project, as the pytest plugin names it; empty for anything else."""
    file, mark, _ = name.partition("::")
    known = mark and not name.startswith("-") and ".." not in Path(file).parts and (root / file).is_file()
    return ("python", "-m", "pytest", "-q", name) if known else ()


def _cwd(data: bytes) -> Path | None:
    for line in data.split(b"\n", 20)[:20]:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("t") == "run" and isinstance(told.get("cwd"), str):
            return Path(told["cwd"])
    return None
