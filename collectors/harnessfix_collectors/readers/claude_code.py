"""Claude Code: session files (`~/.claude/projects/*/*.jsonl`), their web export, and `--output-format stream-json`.

One reply of the model may be spread over several lines that share `message.id`, with results between them; tool call
ids are not unique in a session, so results are matched to the oldest open call of an id. Sidechains are subagents.

https://code.claude.com/docs/en/sdk/sdk-headless
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.dialects.base import finish_reason
from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import StepDraft, Transcript, task_name
from harnessfix_collectors.values import as_text, dig, mapping, nanoseconds, objects, string, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part, Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import Reader

SUBAGENT_TOOLS = ("Task", "Agent")


class ClaudeCode(Reader):
    """One session a file."""

    name = "claude-code"
    title = "Claude Code session (.jsonl), web export, stream-json output"
    maps = "Replies are model calls, tool uses and results tool calls, sidechains episodes of subagents, errors steps."
    keeps = (
        "Ids, versions, git branch and `toolUseResult` with the step; summaries, snapshots and the like with the first."
    )
    priority = 10

    def recognises(self, opening: Opening) -> bool:
        """By a session id beside messages, or the export's `loglines`."""
        if opening.has("loglines.message"):
            return True
        kinds = opening.says("type", "user", "assistant", "system", "summary", "result")
        ids = (opening.has("sessionId") and opening.has("uuid")) or (opening.has("sessionId", "message.role"))
        return kinds and (ids or opening.has("session_id", "message.role") or opening.has("leafUuid", "message.role"))

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        session = _Session(file.name)
        for place, value in records(file, trouble):
            for line in objects(mapping(value).get("loglines")) or [value]:
                if isinstance(line, dict):
                    session.take(line)
                else:
                    session.others.append(line)
                    trouble(f"{place}: no object; it was kept as it is")
        if not session.lines:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no messages in it",
                hint="Expected a Claude Code session, one JSON object a line.",
            )
        yield session.recording(trouble)


class _Session:
    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.script = Transcript(ClaudeCode.name, filename, "Claude Code")
        self.lines = 0
        self.session = ""
        self.agents: dict[str, Transcript] = {}
        self.chain: dict[str, str] = {}
        self.replies: dict[tuple[int, str], StepDraft] = {}
        self.others: list[Any] = []
        self.first = ""
        self.times: list[int] = []
        self.outcome = Outcome.UNKNOWN
        self.only_agent = True

    def take(self, line: dict[str, Any]) -> None:
        self.lines += isinstance(line.get("type"), str)
        self.session = self.session or string(line.get("sessionId")) or string(line.get("session_id"))
        time = nanoseconds(line.get("timestamp"))
        if time is not None:
            self.times.append(time)
        script = self._script(line)
        message = mapping(line.get("message"))
        match line.get("type"):
            case "assistant" if message:
                self._reply(script, line, message, time)
            case "user" if message:
                self._user(script, line, message, time)
            case "system":
                self._system(script, line, time)
            case "result":
                self._result(script, line, time)
            case _:
                self.others.append(line)

    def recording(self, trouble: Trouble) -> Recording:
        for inner in self.agents.values():
            inner.close()
        root = self.script.root
        assert root is not None
        if self.others:
            root.attributes["records"] = self.others
        agent = next(iter(self.agents), "") if self.only_agent and len(self.agents) == 1 else ""
        run_id = "/".join(part for part in (self.session, agent) if part)
        return self.script.recording(
            RunInfo(
                id=run_id or digest(as_text(self.others) + self.first + self.filename),
                name=task_name(self.first) or self.session or self.filename,
                task=task_name(self.first),
                started_ns=min(self.times, default=None),
                ended_ns=max(self.times, default=None),
                outcome=self.outcome,
                outcome_by="result" if self.outcome is not Outcome.UNKNOWN else "",
                format=ClaudeCode.name,
            ),
            trouble.notes,
        )

    def _script(self, line: dict[str, Any]) -> Transcript:
        """The transcript that a line belongs to: the session's own, or that of a subagent."""
        uuid, parent = string(line.get("uuid")), string(line.get("parentUuid"))
        agent = string(line.get("agentId")) or string(line.get("parent_tool_use_id"))
        if not line.get("isSidechain") and not agent:
            self.only_agent = False
            return self.script
        key = agent or self.chain.get(parent) or uuid or "sidechain"
        self.chain[uuid] = key
        if key not in self.agents:
            calls = [step for step in self.script.steps if step.kind is StepKind.TOOL_CALL]
            named = next((step for step in calls if step.input and step.input[0].call_id == key), None)
            opened = [step for step in calls if step.name in SUBAGENT_TOOLS]
            self.agents[key] = self.script.inside("subagent", named or (opened[-1] if opened else None))
        return self.agents[key]

    def _reply(self, script: Transcript, line: dict[str, Any], message: dict[str, Any], time: int | None) -> None:
        parts = list(message_parts({"role": "assistant", "content": message.get("content")}, script.pool))
        key = (id(script), string(message.get("id")))
        reason, usage = finish_reason(message.get("stop_reason")), _usage(mapping(message.get("usage")))
        step = self.replies.get(key) if key[1] else None
        if step is None:
            step = script.reply(
                string(message.get("model")) or "model",
                parts,
                line,
                finish_reason=reason,
                usage=usage,
                ended_ns=time,
            )
            self.replies[key] = step
        else:
            script.extend(step, parts, line, time)
            step.finish_reason, step.usage = reason or step.finish_reason, usage or step.usage
        if line.get("isApiErrorMessage") or line.get("error"):
            texts = [script.pool.texts[part.text] for part in parts]
            step.fail(string(line.get("error")) or "api_error", "\n".join(texts))

    def _user(self, script: Transcript, line: dict[str, Any], message: dict[str, Any], time: int | None) -> None:
        content = message.get("content")
        results = [item for item in objects(content) if item.get("type") == "tool_result"]
        for item in results:
            (part,) = message_parts({"role": "user", "content": [item]}, script.pool)
            about = {**line, "message": {**message, "content": [item]}} if item is results[0] else item
            step = script.result([part], about, ended_ns=time)
            if item.get("is_error"):
                step.fail("tool_error", script.pool.texts[part.text])
        said = [item for item in content if item not in results] if isinstance(content, list) else content
        if not said and results:
            return
        parts = list(message_parts({"role": "user", "content": said}, script.pool))
        if line.get("isCompactSummary"):
            script.context.clear()
        if not self.first and not line.get("isMeta") and parts:
            self.first = script.pool.texts[parts[0].text]
        script.hear(parts, None if results else line)

    def _system(self, script: Transcript, line: dict[str, Any], time: int | None) -> None:
        name = string(line.get("subtype")) or "system"
        text = string(line.get("content"))
        output = [Part(role="value", text=script.pool.put(text))] if text else []
        step = script.add(StepKind.LIFECYCLE, name, output=output, started_ns=time, ended_ns=time)
        script.keep(step, line)
        if name == "api_error" or line.get("level") == "error":
            step.fail(name, text or as_text(line.get("error") or ""))

    def _result(self, script: Transcript, line: dict[str, Any], time: int | None) -> None:
        text = string(line.get("result"))
        output = [Part(role="value", text=script.pool.put(text))] if text else []
        step = script.add(StepKind.SUBMIT, "result", output=output, ended_ns=time)
        script.keep(step, line)
        if line.get("is_error"):
            step.fail(string(line.get("subtype")) or "error", text)
            self.outcome = Outcome.FAILED


def _usage(raw: dict[str, Any]) -> Usage | None:
    fresh = [whole(raw.get(key)) for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    output = whole(raw.get("output_tokens"))
    known = [count for count in fresh if count is not None]
    if not known and output is None:
        return None
    # Anthropic counts what came from the cache apart; elsewhere it is part of the input.
    return Usage(
        input_tokens=sum(known) if known else None,
        output_tokens=output,
        cached_tokens=whole(dig(raw, "cache_read_input_tokens")),
    )
