"""`python mini_swe_agent.py TASK`: mini-swe-agent with its own parser and retry, on a scripted provider."""

import os
import sys
import tempfile
from pathlib import Path

os.environ |= {
    "MSWEA_SILENT_STARTUP": "1",
    "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "2",
    "MSWEA_COST_TRACKING": "ignore_errors",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}

import minisweagent
import yaml
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel
from provider import call, say, serve

DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def bash(command, **more):
    return call("bash", {"command": command}, **more)


TASKS = {
    "hello": ([bash("echo hi"), bash(f"{DONE} && printf 'one\\ntwo\\n'", when="hi")], "one\ntwo\n", {}),
    "malformed": ([call("bash", '{"command": "ls"'), bash(f"{DONE}; echo ok", when="[Ee]rror|arguments")], "ok\n", {}),
    "unknown-tool": ([call("python", {"code": "1"}), bash(f"{DONE}; echo ok", when="[Uu]nknown|not")], "ok\n", {}),
    "no-call": ([say("I am done"), bash(f"{DONE}; echo ok")], "ok\n", {}),
    "failing": ([bash("cat /nowhere/at/all"), bash(f"{DONE}; echo ok", when='"returncode": 1')], "ok\n", {}),
    "slow": ([bash("echo before; sleep 30"), bash(f"{DONE}; echo ok", when="timed out")], "ok\n", {}),
    "long": (
        [bash("seq 1 9000; echo FAILED on line 17"), bash(f"{DONE}; echo 17", when="FAILED on line 17")],
        "17\n",
        {},
    ),
    "bytes": ([bash(r"printf 'caf\351 ok'"), bash(f"{DONE}; echo ok", when="ok")], "ok\n", {}),
    "busy": ([say("busy", status=503), bash(f"{DONE}; echo ok")], "ok\n", {}),
    "limit": ([], "", {"step_limit": 3}),
    "denied": ([say("no such key", status=401)], "", {}),
    "down": ([say("busy", status=503)] * 9, "", {}),
}
ENDS = {"limit": "LimitsExceeded", "denied": "AuthenticationError", "down": "ServiceUnavailableError"}


def main(task):
    turns, wanted, options = TASKS[task]
    config = yaml.safe_load((Path(minisweagent.__file__).parent / "config" / "mini.yaml").read_text())
    default = bash("ls") if task == "limit" else bash(f"{DONE}; echo I give up")
    with serve(turns, default=default) as url, tempfile.TemporaryDirectory() as folder:
        model = LitellmModel(
            model_name="openai/scripted",
            model_kwargs={"api_base": url, "api_key": "none", "drop_params": True, "timeout": 5, "max_retries": 0},
            observation_template=config["model"]["observation_template"],
            format_error_template=config["model"]["format_error_template"],
        )
        templates = {key: config["agent"][key] for key in ("system_template", "instance_template")}
        agent = DefaultAgent(model, LocalEnvironment(timeout=1, cwd=folder), cost_limit=0, **templates, **options)
        try:
            result = agent.run(task)
        except Exception as error:
            result = {"exit_status": type(error).__name__, "submission": ""}
    print(result.get("exit_status"), repr(result.get("submission")))
    ended = ENDS.get(task, "Submitted")
    return 0 if (result.get("exit_status"), result.get("submission")) == (ended, wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
