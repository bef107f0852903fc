"""What `harnessfix record` writes: one document for all processes of a recorded program.

A program that runs several agents one after another gives one run for each.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harnessfix_collectors.call_ids import with_call_ids
from harnessfix_collectors.document import FORMAT, SCHEMA
from harnessfix_collectors.files import TraceFile
from harnessfix_collectors.merge import merge_duplicates
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.probe.draft import Draft
from harnessfix_collectors.probe.drafts import Drafter
from harnessfix_collectors.probe.expand import BoundedPool
from harnessfix_collectors.probe.lines import SpoolDocument, integer, mapping, read_lines, string
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.reached import reached_of
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Source, TraceStep
from harnessfix_ir.vocabulary import Outcome, Status, StepKind

from .base import Reader
from .episodes import episodes

TASK_NAMES = (
    "task",
    "question",
    "instruction",
    "goal",
    "user_input",
    "user_prompt",
    "input",
    "query",
    "prompt",
    "problem",
    "request",
    "message",
)
LONG = 200
COUNTED = {
    "handled": "an exception was caught at",
    "cut": "something was cut at",
    "fell": "a value that was false was replaced at",
    "tick": "a round began of the loop at",
    "loop": "a loop ended at",
}


class ProbeSpool(Reader):
    """The document that the probe and `record` make together."""

    name = FORMAT
    title = "harnessfix recording"
    priority = 50

    maps = "Everything: functions, calls, exceptions, handlers, loops, limits and children of the recorded program."
    keeps = "Lines that no step claims are counted."

    def recognises(self, opening: Opening) -> bool:
        """By the schema in its first line."""
        return opening.head.startswith(b'{"t": "recording"') and b"harnessfix.probe/" in opening.head[:200]

    def foreign(self, data: bytes) -> bytes:
        """Without the folders of its harness: they are of another machine, and no file says what is read here."""
        header = read_lines(data, self.name).header
        # The first header counts, whatever the file says after it.
        return json.dumps({**header, "harness": []}).encode() + b"\n" + data if header.get("harness") else data

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording for each agent that ran, one in all when none or one did."""
        filename = file.name
        document = read_lines(file.data(), filename)
        if not document.header:
            raise BadInputError(f"{filename}: its first line is not a recording's header", hint="Was the file cut?")
        if document.header.get("schema") != SCHEMA:
            raise BadInputError(
                f"{filename}: recorded as {document.header.get('schema')}, which is newer or older than {SCHEMA}",
                hint="Record the run again with this harnessfix.",
            )
        pool = BoundedPool()
        found = episodes(list(Drafter(document, pool).drafts()))
        for number, members in enumerate(found, 1):
            yield _recording(document, members, number if len(found) > 1 else 0, filename, pool.texts)


def _recording(
    document: SpoolDocument, members: Sequence[Draft], number: int, filename: str, texts: dict[str, str]
) -> Recording:
    ids = {draft.key: f"s{place}" for place, draft in enumerate(members, 1)}
    merged = merge_duplicates([_step(draft, ids, filename) for draft in members])
    steps = with_call_ids(merged, texts)
    cited = (part.text for step in steps for part in (*step.input, *step.output))
    return Recording(
        run=_run(document, members, number),
        steps=steps,
        texts={key: texts[key] for key in dict.fromkeys(cited)},
        reached={path: reached_of(lines) for path, lines in document.reached.items()},
        incomplete=tuple(_incomplete(document)),
    )


def _step(draft: Draft, ids: dict[str, str], filename: str) -> TraceStep:
    spans = () if draft.key.startswith(("raise-", "except-", "fell-", "complaint-")) else (draft.key,)
    return TraceStep(
        id=ids[draft.key],
        parent=ids.get(draft.up) if draft.up is not None else None,
        kind=draft.kind,
        name=draft.name,
        agent=draft.agent,
        started_ns=draft.started_ns,
        ended_ns=draft.ended_ns,
        input=tuple(draft.input),
        output=tuple(draft.output),
        status=draft.status,
        error=draft.error,
        finish_reason=draft.finish_reason,
        usage=draft.usage,
        effects=tuple(draft.effects),
        anchors=tuple(draft.anchors),
        events=tuple(draft.events),
        source=Source(format=ProbeSpool.name, file=filename, span_ids=spans),
        attributes=draft.attributes,
        missing=tuple(draft.missing),
    )


def _run(document: SpoolDocument, members: Sequence[Draft], number: int) -> RunInfo:
    header, ended = document.header, document.ended or {}
    trace = string(header.get("trace")) or "recording"
    task = next((draft for draft in members if draft.kind is StepKind.TASK), None)
    command = tuple(str(word) for word in _list(header.get("command")))
    name = _task_name(task, document) if task is not None else ""
    last = next((draft for draft in reversed(members) if draft.kind is StepKind.TASK and draft.up is None), task)
    outcome, by = _outcome(last, ended.get("code"), alone=number == 0)
    first = document.processes[0] if document.processes else {}
    return RunInfo(
        id=f"{trace}-{number}" if number else trace,
        name=name or " ".join(command[:6]),
        task=string(header.get("task")) or name,
        started_ns=task.started_ns if task is not None and number else integer(first.get("time", header.get("time"))),
        ended_ns=last.ended_ns if last is not None and number else integer(ended.get("time")),
        outcome=outcome,
        outcome_by=by,
        exit_code=integer(ended.get("code")),
        command=command,
        harness=tuple(str(root) for root in _list(header.get("harness"))),
        program=tuple(word for word in _list(header.get("program")) if isinstance(word, str)),
        format=ProbeSpool.name,
        attributes={
            "cwd": string(first.get("cwd")),
            "python": string(first.get("python")),
            "processes": len(document.processes),
            "files": _files(document, members),
        },
    )


def _outcome(task: Draft | None, code: Any, *, alone: bool) -> tuple[Outcome, str]:
    if alone and isinstance(code, int):
        return (Outcome.PASSED if code == 0 else Outcome.FAILED), "exit"
    if task is not None and task.status is Status.ERROR:
        return Outcome.FAILED, "exception"
    return Outcome.UNKNOWN, ""


def _task_name(task: Draft, document: SpoolDocument) -> str:
    """The task in the agent's own words: the first argument with a telling name, else the first text."""
    given = mapping(document.spans[task.key].start.get("args")) if task.key in document.spans else {}
    for name in (*(name for name in TASK_NAMES if name in given), *given):
        value = given[name]
        if isinstance(value, dict) and "$" in value:
            value = document.texts.get(str(value["$"]))
        if name != "self" and isinstance(value, str) and value.strip():
            return value.strip().splitlines()[0][:LONG]
    return ""


def _files(document: SpoolDocument, members: Sequence[Draft]) -> dict[str, Any]:
    """SHA-256 of each harness file that a step leads to, so that later changes to it can be told."""
    wanted = {anchor.path for draft in members for anchor in draft.anchors}
    python = {path: sha for path, sha in mapping(document.plan.get("files")).items() if path in wanted}
    return python | mapping(document.plan.get("others"))


def _incomplete(document: SpoolDocument) -> Iterator[str]:
    yield from dict.fromkeys(document.trouble)
    if document.ended is None:
        yield "the recorder was ended before it could say how the program ended"
    if document.redacted:
        yield f"{document.redacted:,} secrets were redacted when they were recorded"
    for (number, what), (times, most) in document.counts.items():
        element = document.element(number)
        place = f"{element.get('path')}:{element.get('line')}"
        subject = f"{element.get('fn')} was called" if what == "span" else f"{COUNTED.get(what, what)} {place}"
        yield f"{subject} {times:,} times; the first {most:,} were recorded, the rest counted"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
