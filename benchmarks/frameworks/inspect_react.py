"""Inspect: the ReAct agent in an evaluation of one sample."""

HARNESS = "inspect_ai"
ENVIRONMENT = "inspect_ai"
PACKAGES = ("inspect-ai>=0.3.285,<0.4", "openai")

import os
import tempfile

os.environ["INSPECT_DISPLAY"] = "none"
import tiktoken
from _model import KEY, TASK, report, scripted


class Words:
    """Counts words for tokens: the real tables are fetched from the network."""

    def encode(self, text, **options):
        return text.split()


tiktoken.get_encoding = lambda name: Words()

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import includes
from inspect_ai.tool import tool


@tool
def weather():
    async def execute(city: str) -> str:
        """The weather in a city.

        Args:
            city: its name.
        """
        return report(city)

    return execute


if __name__ == "__main__":
    turns = (("weather", {"city": "Rome"}), ("weather", {"city": "Atlantis"}), ("submit", {"answer": "done"}))
    with scripted(turns) as url, tempfile.TemporaryDirectory() as logs:
        model = get_model("openai/scripted", base_url=url, api_key=KEY, responses_api=False)
        task = Task(dataset=[Sample(input=TASK, target="done")], solver=react(tools=[weather()]), scorer=includes())
        print(evaluate(task, model=model, log_dir=logs, log_level="error", display="none")[0].status)
