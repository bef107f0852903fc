"""Harbor: the Terminus-2 agent, in a terminal of this machine."""

HARNESS = "harbor"
ENVIRONMENT = "harbor-terminus2"
PACKAGES = ("harbor>=0.24,<1",)
MARKS = {"arguments": "echo sunny", "result": "sunny in Rome", "exception": None}

import asyncio
import json
import logging
import os
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(tempfile.mkdtemp())
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", OPENAI_API_KEY="none", TMUX_TMPDIR=str(FOLDER))
from _model import TASK, scripted
from harbor.agents.terminus_2.terminus_2 import Terminus2
from harbor.environments.base import ExecResult
from harbor.models.agent.context import AgentContext


class ThisMachine:
    """What the agent asks of its environment, done here."""

    default_user = None
    session_id = "here"
    trial_paths = SimpleNamespace(agent_dir=FOLDER)

    async def exec(self, command, cwd=None, env=None, timeout_sec=None, user=None, **options):
        command = command.replace("/logs/agent", str(FOLDER))
        made = await asyncio.create_subprocess_shell(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=FOLDER, env={**os.environ, **(env or {})}
        )
        out, err = await asyncio.wait_for(made.communicate(), timeout_sec or 30)
        return ExecResult(stdout=out.decode(), stderr=err.decode(), return_code=made.returncode)

    async def upload_file(self, source, target):
        pass

    async def is_dir(self, *args, **options):
        return False

    async def is_file(self, *args, **options):
        return False


def keys(*strokes, done=False):
    commands = [{"keystrokes": text, "duration": 0.2} for text in strokes]
    return json.dumps({"analysis": "a", "plan": "p", "commands": commands, "task_complete": done})


INFO = {"max_input_tokens": 100000, "max_output_tokens": 4000, "input_cost_per_token": 0, "output_cost_per_token": 0}


async def main(url):
    machine = ThisMachine()
    agent = Terminus2(
        logs_dir=FOLDER, model_name="openai/scripted", api_base=url, record_terminal_session=False, model_info=INFO
    )
    try:
        await agent.setup(machine)
        await asyncio.wait_for(agent.run(TASK, machine, AgentContext()), 90)
    finally:
        subprocess.run(["tmux", "kill-server"], capture_output=True)
    print("done")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with scripted((keys("echo sunny in Rome\n"), "no JSON at all", keys(done=True), keys(done=True))) as url:
        asyncio.run(main(url))
