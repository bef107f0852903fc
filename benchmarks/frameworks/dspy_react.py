"""DSPy: ReAct."""

HARNESS = "dspy"
ENVIRONMENT = "dspy"
PACKAGES = ("dspy>=3.4,<4", "openinference-instrumentation-dspy")

import json
import os
import tempfile

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["DSPY_CACHEDIR"] = tempfile.mkdtemp()
import dspy
from _model import KEY, TASK, instrument, report, scripted


def weather(city: str) -> str:
    """The weather in a city."""
    return report(city)


def calls(tool, **arguments):
    fields = {"next_thought": "think", "next_tool_name": tool, "next_tool_args": json.dumps(arguments), "completed": ""}
    return "\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in fields.items())


ANSWER = "[[ ## reasoning ## ]]\nI asked.\n\n[[ ## answer ## ]]\ndone\n\n[[ ## completed ## ]]"

if __name__ == "__main__":
    instrument("openinference.instrumentation.dspy", "DSPyInstrumentor")
    with scripted((calls("weather", city="Rome"), calls("weather", city="Atlantis"), calls("finish"), ANSWER)) as url:
        model = dspy.LM("openai/scripted", api_base=url, api_key=KEY, cache=False)
        with dspy.context(lm=model):
            print(dspy.ReAct("question -> answer", tools=[weather])(question=TASK).answer)
