"""tau-bench and tau2-bench results: conversations with a simulated user, and a reward.

https://github.com/sierra-research/tau-bench, https://github.com/sierra-research/tau2-bench
"""

from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, records
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import Transcript
from harnessfix_collectors.values import as_text, dig, mapping, nanoseconds, objects, whole
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Usage
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome

from .base import EVALUATION, Reader

JUDGEMENT = ("reward", "reward_info", "info", "task", "evaluation")


class TauBench(Reader):
    """Many runs a file."""

    name = "tau-bench"
    title = "tau-bench and tau2-bench results"
    maps = "Replies of the agent are model calls, tool messages tool calls; the reward is the run's label (1 passes)."
    keeps = "The task with its expected actions and the reward's details are `evaluation` of the run, never of a step."
    priority = 15
    many = True

    def recognises(self, opening: Opening) -> bool:
        """By trajectories beside a reward, or simulations."""
        return opening.has("traj.role", "task_id") or opening.has("simulations.messages")

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """One recording per trial."""
        trouble = Trouble(file.name)
        found = False
        for place, value in records(file, trouble):
            about = {key: item for key, item in mapping(value).items() if key not in ("simulations", "tasks")}
            trials = objects(mapping(value).get("simulations"))
            tasks = {str(task.get("id")): task for task in objects(mapping(value).get("tasks"))}
            for trial in trials or [mapping(value)]:
                messages = trial.get("traj", trial.get("messages"))
                if not isinstance(messages, list):
                    trouble(f"{place}: no list `traj` in it; it was skipped")
                    continue
                found = True
                extra = {"results": about, "task": tasks.get(str(trial.get("task_id")))} if trials else {}
                yield _recording(trial, objects(messages), extra, file.name, trouble)
        if not found:
            raise BadInputError(
                trouble.notes[0] if trouble.notes else f"{file.name}: no trajectory in it",
                hint="Expected tau-bench results: a list of objects with `traj` and `reward`.",
            )

    def split(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Every trial by itself."""
        yield digest(as_text(value)), value


def _recording(
    trial: dict[str, Any], messages: list[dict[str, Any]], extra: dict[str, Any], filename: str, trouble: Trouble
) -> Recording:
    script = Transcript(TauBench.name, filename, "assistant")
    times = []
    for message in messages:
        time = nanoseconds(message.get("timestamp"))
        times += [time] if time is not None else []
        parts = list(message_parts(message, script.pool))
        match message.get("role"):
            case "assistant":
                usage = mapping(message.get("usage"))
                counts = Usage(
                    input_tokens=whole(usage.get("prompt_tokens")), output_tokens=whole(usage.get("completion_tokens"))
                )
                script.reply("assistant", parts, message, ended_ns=time, usage=counts if usage else None)
            case "tool":
                step = script.result(parts, message, ended_ns=time)
                text = script.pool.texts[parts[0].text] if parts else ""
                if message.get("error") is True or text.startswith("Error:"):
                    step.fail("tool_error", text)
            case _:
                script.hear(parts, message)
    reward = trial.get("reward", dig(trial, "reward_info", "reward"))
    score = float(reward) if isinstance(reward, int | float) and not isinstance(reward, bool) else None
    left = {key: item for key, item in trial.items() if key not in (*JUDGEMENT, "traj", "messages")}
    judged = {key: trial[key] for key in JUDGEMENT if key in trial} | extra
    task, number = trial.get("task_id"), trial.get("trial")
    failed = score is not None and score < 1
    return script.recording(
        RunInfo(
            id=digest(as_text(trial)),
            name=f"task {task}" + (f", trial {number}" if number is not None else ""),
            task=f"task {task}",
            started_ns=min(times, default=None),
            ended_ns=max(times, default=None),
            outcome=Outcome.UNKNOWN if score is None else Outcome.FAILED if failed else Outcome.PASSED,
            outcome_by=EVALUATION if score is not None else "",
            score=score,
            format=TauBench.name,
            attributes={**left, EVALUATION: judged},
        ),
        trouble.notes,
    )
