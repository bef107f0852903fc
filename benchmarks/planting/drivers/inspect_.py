"""`python inspect_.py TASK`: Inspect's ReAct agent in an evaluation of one sample, on a scripted provider."""

import os
import sys
import tempfile

import tiktoken
from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import includes
from inspect_ai.tool import ToolError, tool
from provider import call, find, say, serve


class Words:
    """Counts words for tokens: the real tables are fetched from the network."""

    def encode(self, text, **options):
        return text.split()


tiktoken.get_encoding = lambda name: Words()
os.environ["INSPECT_DISPLAY"] = "none"


@tool
def look():
    async def execute(key: str) -> str:
        """Look a key up.

        Args:
            key: the key
        """
        if key == "boom":
            raise ToolError("disk quota on sdb1")
        if key == "bytes":
            raise UnicodeDecodeError("utf-8", b"caf\xe9", 3, 4, "unexpected end of data")
        if key == "much":
            return "FAILED on line 17\n" + "x" * 90000
        return f"value of {key}"

    return execute


def done(**more):
    return call("submit", {"answer": "42"}, **more)


TASKS = {
    "look": [find({"key": "a"}), done(when="value of a")],
    "malformed": [find('{"key": "a"'), done(when="rror|arsing")],
    "wrong-type": [find({"key": {"a": 1}}), done(when="rror|valid")],
    "missing": [find({}), done(when="key")],
    "no-object": [find("[1]"), done(when="rror|arsing|valid")],
    "raises": [find({"key": "boom"}), done(when="disk quota")],
    "bytes": [find({"key": "bytes"}), done(when="decod")],
    "much": [find({"key": "much"}), done(when="too long|truncated")],
    "unknown": [call("lok", {"key": "a"}), done(when="lok|not found")],
    "no-call": [say("I think it is 42"), done(when="submit|proceed")],
    "two": [{"calls": [("look", '{"key": "a"}'), ("look", '{"key": "b"}')]}, done(when="value of b")],
    "loop": [find({"key": "a"})] * 40,
    "busy": [say("busy", status=503), find({"key": "a"}), done(when="value of a")],
    "denied": [say("no such key", status=401)],
}
LIMITED = {"loop": "message"}
FAILS = {"denied"}


def main(task):
    default = call("submit", {"answer": "I do not know."})
    with serve(TASKS[task], default=default) as url, tempfile.TemporaryDirectory() as logs:
        model = get_model("openai/scripted", base_url=url, api_key="none", responses_api=False)
        sample = Sample(input="find the value", target="42")
        job = Task(dataset=[sample], solver=react(tools=[look()]), scorer=includes(), message_limit=12)
        log = evaluate(job, model=model, log_dir=logs, log_level="error", display="none")[0]
        one = log.samples[0] if log.samples else None  # read from the folder of logs
    score = one.scores["includes"].value if one is not None and one.scores else None
    limit = one.limit.type if one is not None and one.limit is not None else None
    print(log.status, score, limit, log.error.message if log.error else "")
    if task in FAILS:
        return 0 if log.status == "error" else 1
    return 0 if log.status == "success" and (score == "C" or limit == LIMITED.get(task, "none")) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
