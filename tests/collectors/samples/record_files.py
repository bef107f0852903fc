"""Record the trace files in this folder that a framework writes by itself, offline, with a scripted model.

    python record_files.py NAME OUT

What each NAME needs installed stands beside it in `RECORDERS`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from record import lookup, serve


def openai_agents(out: Path) -> None:
    from agents import Agent, OpenAIChatCompletionsModel, Runner, add_trace_processor, function_tool
    from agents.tracing import TracingProcessor, set_trace_processors
    from openai import AsyncOpenAI

    lines: list[Any] = []

    class Lines(TracingProcessor):
        def on_trace_start(self, trace: Any) -> None:
            lines.append(trace.export())

        def on_trace_end(self, trace: Any) -> None:
            """Nothing more is told."""

        def on_span_start(self, span: Any) -> None:
            """Told when it ends."""

        def on_span_end(self, span: Any) -> None:
            lines.append(span.export())

        def shutdown(self) -> None:
            """Nothing is open."""

        def force_flush(self) -> None:
            """Nothing waits."""

    set_trace_processors([])
    add_trace_processor(Lines())
    client = AsyncOpenAI(base_url=serve(), api_key="scripted", max_retries=0)
    model = OpenAIChatCompletionsModel(model="scripted", openai_client=client)
    agent = Agent(name="finder", model=model, tools=[function_tool(lookup)], instructions="Answer with the tool.")
    Runner.run_sync(agent, "What is the value of a?")
    out.write_text("".join(json.dumps(line) + "\n" for line in lines))


def inspect(out: Path) -> None:
    import os
    import shutil
    import tempfile

    os.environ["INSPECT_DISPLAY"] = "none"
    import tiktoken

    class Encoding:
        def encode(self, text: str, **_: Any) -> list[int]:
            return list(range(len(text) // 4))

    tiktoken.get_encoding = lambda _: Encoding()
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, get_model
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate, system_message, use_tools
    from inspect_ai.tool import tool

    @tool
    def find() -> Any:
        async def execute(key: str) -> str:
            """Looks a key up.

            Args:
                key: the key.
            """
            return lookup(key)

        return execute

    outputs = [
        ModelOutput.for_tool_call("mockllm/model", "find", {"key": "a"}),
        ModelOutput.from_content("mockllm/model", "The value of a is value-of-a."),
    ]
    folder = tempfile.mkdtemp()
    task = Task(
        dataset=[Sample(input="What is the value of a?", target="value-of-a", id="one")],
        solver=[system_message("Answer with the tool. " * 10), use_tools(find()), generate()],
        scorer=includes(),
        name="sample",
    )
    (log,) = eval(task, model=get_model("mockllm/model", custom_outputs=outputs), log_dir=folder)
    shutil.copy(log.location.removeprefix("file://"), out)


def mini_swe_agent(out: Path) -> None:
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.local import LocalEnvironment
    from minisweagent.models.test_models import DeterministicModel, make_output

    def say(text: str, command: str) -> Any:
        return make_output(text, [{"command": command}])

    model = DeterministicModel(
        outputs=[
            say("I look.", "echo value-of-a"),
            say("It fails.", "exit 3"),
            say("Done.", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo value-of-a"),
        ]
    )
    agent = DefaultAgent(
        model,
        LocalEnvironment(),
        system_template="Act with one command.",
        instance_template="{{task}}",
        output_path=out,
    )
    agent.run("What is the value of a?")


def langsmith(out: Path) -> None:
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool
    from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

    ask = AIMessage(content="", tool_calls=[{"name": "lookup", "args": {"key": "a"}, "id": "call_1"}])
    model = GenericFakeChatModel(messages=iter([ask, AIMessage(content="The value of a is value-of-a.")]))
    find = tool(lookup)

    def episode(question: str) -> str:
        reply = model.invoke([("system", "Answer with the tool."), ("user", question)])
        result = find.invoke(reply.tool_calls[0])
        return str(model.invoke([("user", question), reply, result]).content)

    collector = RunCollectorCallbackHandler()
    RunnableLambda(episode, name="finder").invoke("What is the value of a?", config={"callbacks": [collector]})
    (run,) = collector.traced_runs
    out.write_text("".join(json.dumps(line, default=_plain) + "\n" for line in _flat(run)))


def _plain(value: Any) -> Any:
    from langchain_core.load import dumpd
    from langchain_core.load.serializable import Serializable

    return dumpd(value) if isinstance(value, Serializable) else str(value)


def _flat(run: Any) -> list[dict[str, Any]]:
    keys = [
        "id",
        "trace_id",
        "parent_run_id",
        "name",
        "run_type",
        "inputs",
        "outputs",
        "error",
        "start_time",
        "end_time",
        "extra",
        "tags",
    ]
    told = {key: getattr(run, key, None) for key in keys}
    return [told, *(line for child in run.child_runs for line in _flat(child))]


def atif(out: Path) -> None:
    """Harbor's own models check what is written by hand here."""
    from harbor.models.trajectories import Agent, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
    from harbor.models.trajectories import SubagentTrajectoryRef as Reference

    def step(number: int, source: str, message: str, **more: Any) -> Any:
        return Step(
            step_id=number, timestamp=f"2026-01-02T03:04:{number:02d}+00:00", source=source, message=message, **more
        )

    def call(name: str, call_id: str, **arguments: Any) -> Any:
        return ToolCall(tool_call_id=call_id, function_name=name, arguments=arguments)

    inner = Trajectory(
        trajectory_id="inner",
        agent=Agent(name="helper", version="1"),
        steps=[step(1, "user", "Look for the key."), step(2, "agent", "It is a.", model_name="small")],
    )
    seen = Observation(results=[ObservationResult(source_call_id="c1", content="value-of-a\nand more")])
    passed = ObservationResult(
        source_call_id="c1", content="the key is a", subagent_trajectory_ref=[Reference(trajectory_id="inner")]
    )
    outer = Trajectory(
        session_id="session-1",
        agent=Agent(name="terminus-2", version="2", model_name="scripted", tool_definitions=[{"name": "run"}]),
        notes="a sample",
        steps=[
            step(1, "system", "Act in the shell."),
            step(2, "user", "What is the value of a?"),
            step(
                3,
                "agent",
                "I look.",
                reasoning_content="The file should say.",
                tool_calls=[call("run", "c1", command="cat a")],
                observation=seen,
                metrics=Metrics(prompt_tokens=20, completion_tokens=5, cached_tokens=10, cost_usd=0.01),
            ),
            step(
                4,
                "agent",
                "I ask.",
                tool_calls=[call("delegate", "c1", question="which key?")],
                observation=Observation(results=[passed]),
            ),
            step(5, "agent", "The value of a is value-of-a.", extra={"confidence": "high"}),
        ],
        subagent_trajectories=[inner],
    )
    out.write_text(json.dumps(outer.model_dump(mode="json", exclude_none=True), indent=1))


RECORDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "openai-agents": (openai_agents, "openai-agents"),
    "inspect": (inspect, "inspect-ai openai tiktoken"),
    "mini-swe-agent": (mini_swe_agent, "mini-swe-agent"),
    "langsmith": (langsmith, "langchain-core"),
    "atif": (atif, "harbor"),
}

if __name__ == "__main__":
    path = Path(sys.argv[2])
    path.unlink(missing_ok=True)
    RECORDERS[sys.argv[1]][0](path)
    print(sys.argv[1], path.stat().st_size, "bytes")
