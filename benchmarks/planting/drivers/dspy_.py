"""`python dspy_.py TASK`: DSPy's ReAct, alone, asked again and on other formats, on a scripted provider."""

import json
import logging
import os
import sys
import tempfile

os.environ["DSPY_CACHEDIR"] = tempfile.mkdtemp()

import dspy
from provider import say, serve


def look(key: str) -> str:
    """Look a key up."""
    if key == "boom":
        raise RuntimeError("disk quota on sdb1")
    return f"value of {key}"


def fields(**texts):
    """A reply in the format that DSPy asks for."""
    return say("\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in {**texts, "completed": ""}.items()))


def find(arguments, tool="look", when=""):
    """A turn of the agent that calls a tool; arguments that are text are sent as they are."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return fields(next_thought="I look", next_tool_name=tool, next_tool_args=raw) | {"when": when}


def done(when):
    return find({}, "finish", when)


ANSWER = fields(reasoning="I looked", answer="42")
AS_JSON = say('{"next_thought": "I look", "next_tool_name": "look", "next_tool_args": {"key": "a"}}')
TOO_LONG = say("This model's maximum context length is 10 tokens", status=400, code="context_length_exceeded")
TASKS = {
    "look": [find({"key": "a"}), done("value of a"), ANSWER],
    "malformed": [find('{"key": "a"'), find({"key": "a"}), done("value of a"), ANSWER],
    "wrong-type": [find({"key": [1]}), done("rror|value"), ANSWER],
    "missing": [find({}), done("key"), ANSWER],
    "raises": [find({"key": "boom"}), done("disk quota"), ANSWER],
    "unknown": [find({"key": "a"}, "lok"), AS_JSON, done("value of a"), ANSWER],
    "two": [find({"key": "a"}), find({"key": "b"}, when="value of a"), done("value of b"), ANSWER],
    "loop": [find({"key": "a"})] * 4 + [ANSWER],
    "busy": [say("busy", status=429), find({"key": "a"}), done("value of a"), ANSWER],
    "down": [say("busy", status=429)] * 9,
    "denied": [say("no such key", status=401)],
    "too-long": [find({"key": "a"}), find({"key": "b"}), TOO_LONG, done("value of b"), ANSWER],
    "json": [say("42"), say('{"reasoning": "I know", "answer": "42"}')],
    "typed": [fields(reasoning="I know", answer="many"), say('{"reasoning": "I know", "answer": 42}')],
    "history": [fields(answer="41"), fields(answer="42")],
    "best": [fields(answer="41"), fields(answer="42")],
    "parallel": [fields(answer="42"), fields(answer="42")],
}
FAILS = {"down", "denied"}


def reward(_, got):
    return float(got.answer == "42")


def ask(task, model):
    if task in ("json", "typed"):
        return dspy.ChainOfThought("question -> answer: int" if task == "typed" else "question -> answer")(question="?")
    if task == "history":
        predict = dspy.Predict("question, history: dspy.History -> answer")
        first = predict(question="?", history=dspy.History(messages=[]))
        said = dspy.History(messages=[{"question": "?", "answer": first.answer}])
        return predict(question="and now?", history=said)
    if task == "best":
        predict = dspy.Predict("question -> answer")
        return dspy.BestOfN(predict, N=2, reward_fn=reward, threshold=1.0)(question="?")
    if task == "parallel":
        predict = dspy.Predict("question -> answer")
        asked = [(predict, dspy.Example(question=word).with_inputs("question")) for word in ("one", "other")]
        return dspy.Parallel(num_threads=2, disable_progress_bar=True)(asked)[1]
    return dspy.ReAct("question -> answer", tools=[look], max_iters=4)(question="find the value")


def main(task):
    logging.disable(logging.CRITICAL)
    with serve(TASKS[task]) as url:
        model = dspy.LM("openai/scripted", api_base=url, api_key="none", cache=False, num_retries=2)
        try:
            with dspy.context(lm=model, track_usage=True):
                said = ask(task, model)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 0 if task in FAILS else 1
    asked = len(model.history)
    print(said.answer, asked, said.get_lm_usage())
    good = str(said.answer) == "42" and (task != "loop" or asked == 5)
    return 0 if good and task not in FAILS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
