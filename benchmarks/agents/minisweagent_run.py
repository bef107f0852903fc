"""mini-swe-agent in a temporary folder: commands that work and fail, a long output, a format error, a submission."""

import os
import tempfile
from pathlib import Path

import yaml

os.environ["MSWEA_SILENT_STARTUP"] = "1"
os.environ.setdefault("MSWEA_GLOBAL_CONFIG_DIR", tempfile.mkdtemp())

import minisweagent
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.test_models import DeterministicModel

COMMANDS = (
    "ls -la && echo listed",
    "cat no-such-file.txt",
    "for n in $(seq 900); do echo line $n of a long listing; done",
    "sleep 3",
    "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo the answer is 42",
)


def main() -> None:
    """Run the agent on one task with the prompts of the package's own configuration."""
    config = yaml.safe_load((Path(minisweagent.__file__).parent / "config" / "default.yaml").read_text())
    replies = [
        {
            "role": "assistant",
            "content": f"I run a command.\n\n```mswea_bash_command\n{command}\n```",
            "extra": {"actions": [{"command": command}]},
        }
        for command in COMMANDS
    ]
    template = config.get("model", {}).get("observation_template")
    model = DeterministicModel(outputs=replies, **({"observation_template": template} if template else {}))
    with tempfile.TemporaryDirectory() as folder:
        environment = LocalEnvironment(cwd=folder, timeout=1)
        settings = {key: config["agent"][key] for key in ("system_template", "instance_template")}
        agent = DefaultAgent(model, environment, **settings, cost_limit=0.0)
        print(agent.run("Find the answer."))


if __name__ == "__main__":
    main()
