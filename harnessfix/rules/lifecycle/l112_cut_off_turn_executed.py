"""L112: a reply that was cut off is treated as whole."""

import re
from collections.abc import Iterable, Sequence

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes, results
from harnessfix.rules._own import asking_functions, callers_of, is_model_step, nearest_own
from harnessfix.rules._query import ancestors, as_anchor, lines_of, one_of_each, quote, requests
from harnessfix.rules._replies import finish_reason, says_nothing, texts_of, was_cut_off
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status, StepKind

MIN_COPY = 12  # characters of a reply that, found in the result, show that it was accepted
MOST_FRAMES = 8

_REASON = re.compile(r"^_?(finish|stop)_?reason$", re.IGNORECASE)

_AGENT = '''\
import subprocess


class Agent:
    """Runs the shell commands that its model writes."""

    def __init__(self, model):
        self.model = model

    def execute(self, command):
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(5):
            reply = self.model.query(messages)
            choice = reply["choices"][0]
            messages.append(choice["message"])
            command = choice["message"]["content"]
            if command == "exit":
                return "done"
            messages.append({"role": "user", "content": self.execute(command)})
        return None
'''
_READS = """\
            if choice["finish_reason"] == "length":
                messages.append({"role": "user", "content": "Your reply was cut off. Be shorter."})
                continue
            command = choice["message"]["content"]
"""
_MAIN = """\
from agent import Agent
from model import Model


def reply(text, why="stop"):
    message = {"role": "assistant", "content": text}
    return {"choices": [{"message": message, "finish_reason": why}]}


print(Agent(Model(reply("echo a b c > li", "length"), reply("exit"))).run("Write the list."))
"""


class CutOffTurnExecuted(Rule):
    code = "L112"
    name = "cut-off-turn-executed"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "A reply that hit the token limit is run, or accepted as the answer, as if it were complete."
    why = (
        "Half a command is another command, half a file overwrites a whole one, half an answer is wrong, and an "
        "empty one counts as success. The provider says that it stopped too early, in the finish reason; the "
        "harness does not read it."
    )
    fix = (
        "Read the finish reason of every reply. When it is `length`, run nothing: tell the model that it was cut "
        "off, or ask again with a larger limit, or end the run as incomplete."
    )
    references = (
        "https://github.com/openai/openai-agents-python/pull/4513",
        "https://github.com/earendil-works/pi/pull/6285",
        "https://github.com/ahwurm/localharness/issues/77",
    )
    operator = "check-finish-reason"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ('            command = choice["message"]["content"]\n', _READS))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Replies cut off by a limit, after which the harness acted on them or ended well."""
        asked = requests(run)
        for number, step in enumerate(asked):
            if not was_cut_off(run, step):
                continue
            following = asked[number + 1] if number + 1 < len(asked) else None
            between = run.steps[run.place(step.id) + 1 : run.place(following.id) if following is not None else None]
            acted = next((s for s in between if s.kind is StepKind.TOOL_CALL and s.agent == step.agent), None)
            if acted is not None:
                yield _finding(run, model, step, acted, f"its call of {acted.name} was run all the same ({acted.id})")
            elif following is None and (ended := _accepted(run, step)) is not None:
                what = "what there was of it" if texts_of(run, step) else "nothing at all"
                yield _finding(run, model, step, ended, f"{what} became the result of {ended.name} ({ended.id})")


def _accepted(run: Htir, step: TraceStep) -> TraceStep | None:
    """The episode around `step` that ended well with what the reply held, or with nothing when it held nothing."""
    around = {outer.id for outer in ancestors(run, step)}
    episode = next((e for e in episodes(run) if e.id in around), None)
    if episode is None or episode.status is not Status.OK:
        return None
    said = texts_of(run, step)
    got = [text.strip() for text in results(run, episode)]
    if not said:
        return episode if not any(got) else None
    longest = max(said, key=len)
    if len(longest) < MIN_COPY:
        return episode if longest in got else None
    return episode if any(longest in text for text in got) else None


def _finding(run: Htir, model: HarnessModel, step: TraceStep, symptom: TraceStep, what: str) -> Finding:
    functions = asking_functions(run, model, step)
    elements = [e for f in functions for e in model.in_function(f.anchor.path, f.anchor.qualname)]
    read = any(e.fact("reads-finish-reason") for e in elements)
    above = next((s for s in ancestors(run, step) if not is_model_step(s)), None)
    caller = nearest_own(run, above) if above is not None else ()
    # Who gets the whole choice is told why it ended; it is there that nobody looks.
    told = caller and not read and any(e.fact("returns-choice") for e in elements)
    asking = (*(as_anchor(f, "reads the reply") for f in functions), *nearest_own(run, step))
    # Where the reason was read and handed on, it is further out that the harness goes by it.
    going = _going_by_it(run, model, step, functions) if read else None
    decides = (as_anchor(going, "goes by the reason, and not by this one"),) if going is not None else ()
    responsible = above.id if told and above is not None else step.id
    reason = finish_reason(run, step)
    return Finding(
        f"The reply of {step.id} ended with {reason!r}, cut off by a token limit; {what}.",
        one_of_each([*caller, *asking] if told else [*decides, *asking, *caller]),
        responsible_step=responsible,
        symptom_step=symptom.id,
        path=list(dict.fromkeys([responsible, step.id, symptom.id])),
        confidence=0.7 if read else 0.9,
        quotes=[(f"{step.id} output", quote(run.output_text(step)[-300:]))],
        parameters={"finish-reasons": [reason], **({"empty": True} if says_nothing(run, step) else {})},
        key="cut-off",
    )


def _going_by_it(run: Htir, model: HarnessModel, step: TraceStep, functions: Sequence[Element]) -> Element | None:
    """The function around a request, and not in what made it, that asks most often why the reply ended."""
    made = {function.anchor.path for function in functions}
    asked: dict[str, tuple[int, Element]] = {}
    for around in (step, *ancestors(run, step)):
        for caller in callers_of(model, around, most=MOST_FRAMES):
            asks = caller.value("asks")
            if caller.anchor.path not in made and isinstance(asks, dict):
                lines = {line for name in filter(_REASON.match, asks) for line in lines_of(asks[name])}
                asked.setdefault(caller.id, (len(lines), caller))
    found = [each for each in asked.values() if each[0]]
    return max(found, key=lambda each: each[0])[1] if found else None
