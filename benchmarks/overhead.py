"""What the probe costs the program that it is in.

A small agent runs as a process of its own, alone and recorded, in turns: CPU time of the whole process and its system
calls, start and instrumentation included, the least of several runs. One step is a model call with the history so far,
a parse, a tool call, and the loop around them.

    slowdown_500ms_model    extra CPU seconds of a run of 20 steps, by its wall time, when the model takes 500 ms
    worst_case_us_per_step  the model answers at once: extra microseconds for each of 300 steps, the history growing
    us_per_probed_call      extra microseconds for one call of a recorded function with two short arguments
    start_ms                extra milliseconds of a program that does nothing
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harnessfix_collectors.record import record
from harnessfix_ir.source import read_harness

REPEATS = 5
STEPS, QUICK_STEPS, CALLS = 20, 300, 400

PROGRAM = '''
import json
import sys
import time


def ask(messages, pause):
    time.sleep(pause)
    number = len(messages)
    call = {"id": f"c{number}", "function": {"name": "look", "arguments": json.dumps({"place": f"place {number}"})}}
    message = {"role": "assistant", "content": "I look at the next place now.", "tool_calls": [call]}
    return {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": number}}


def parse_call(reply):
    message = reply["choices"][0]["message"]
    return message, json.loads(message["tool_calls"][0]["function"]["arguments"])


def look(place):
    """Look at a place."""
    return f"at {place} there is nothing to be seen but sand, a stone, and the trace of a wheel"


TOOLS = {"look": look}


def run(task, steps, pause):
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": task}]
    for step in range(steps):
        message, arguments = parse_call(ask(messages, pause))
        messages.append(message)
        result = TOOLS["look"](**arguments)
        messages.append({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": result})
    return messages


def helper(name, number):
    return name


what, steps, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
if what == "run":
    run("find water", steps, pause)
elif what == "call":
    for number in range(steps):
        helper("name", number)
'''


def measure() -> dict[str, float]:
    """The figures by name."""
    with tempfile.TemporaryDirectory(prefix="harnessfix-overhead-") as name:
        folder = Path(name)
        (folder / "agent.py").write_text(PROGRAM)
        bench = _Bench(folder)
        start = bench.extra("none", 0, 0.0)
        slow = bench.extra("run", STEPS, 0.5, repeats=2)
        quick = bench.extra("run", QUICK_STEPS, 0.0)
        calls = bench.extra("call", CALLS, 0.0)
    return {
        "slowdown_500ms_model": max(0.0, slow) / (STEPS * 0.5),
        "worst_case_us_per_step": (quick - start) / QUICK_STEPS * 1e6,
        "us_per_probed_call": (calls - start) / CALLS * 1e6,
        "start_ms": start * 1e3,
    }


class _Bench:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._model = read_harness([folder])

    def extra(self, what: str, steps: int, pause: float, repeats: int = REPEATS) -> float:
        """CPU seconds more with the probe than without: the difference of the least of each."""
        command = [sys.executable, str(self._folder / "agent.py"), what, str(steps), str(pause)]
        alone, recorded = [], []
        self._record(command)  # instrumented code is kept from here on, as in every run but the first
        for _ in range(repeats):
            alone.append(_cpu(lambda: subprocess.run(command, check=True, cwd=self._folder)))
            recorded.append(_cpu(lambda: self._record(command)))
        return min(recorded) - min(alone)

    def _record(self, command: Sequence[str]) -> None:
        result = record(
            command,
            model=self._model,
            spool_root=self._folder / "spool",
            include=("*helper",),
            cwd=self._folder,
            quiet=True,
        )
        if result.exit_code:
            raise RuntimeError(f"the recorded agent ended with {result.exit_code}")
        result.discard()


def _cpu(run: Callable[[], object]) -> float:
    """CPU seconds of the processes that `run` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    for key, value in measure().items():
        print(f"{key:<24} {value:g}")
