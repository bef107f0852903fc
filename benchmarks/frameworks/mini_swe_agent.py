"""mini-swe-agent: DefaultAgent with commands for tools."""

HARNESS = "minisweagent"
ENVIRONMENT = "mini-swe-agent"
PACKAGES = ("mini-swe-agent>=2.4,<3", "mcp", "openinference-instrumentation-litellm")
MARKS = {"arguments": "echo sunny in Rome", "result": "sunny in Rome", "exception": ("TimeoutExpired", "timed out")}

import os
import tempfile

os.environ.update(MSWEA_SILENT_STARTUP="1", MSWEA_COST_TRACKING="ignore_errors", LITELLM_LOCAL_MODEL_COST_MAP="True")
from pathlib import Path

import minisweagent
import yaml
from _model import KEY, TASK, instrument, scripted
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel

COMMANDS = ("echo sunny in Rome", "sleep 20", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT; echo done")

if __name__ == "__main__":
    instrument("openinference.instrumentation.litellm", "LiteLLMInstrumentor")
    settings = yaml.safe_load((Path(minisweagent.__file__).parent / "config" / "mini.yaml").read_text())
    templates = {name: settings["agent"][name] for name in ("system_template", "instance_template")}
    told = {name: settings["model"][name] for name in ("observation_template", "format_error_template")}
    with scripted(tuple(("bash", {"command": command}) for command in COMMANDS)) as url:
        options = {"api_base": url, "api_key": KEY, "drop_params": True}
        model = LitellmModel(model_name="openai/scripted", model_kwargs=options, **told)
        agent = DefaultAgent(model, LocalEnvironment(timeout=1, cwd=tempfile.mkdtemp()), cost_limit=0, **templates)
        print(agent.run(TASK).get("exit_status"))
