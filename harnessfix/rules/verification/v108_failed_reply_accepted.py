"""V108: the provider said that it had failed, and the harness took that for an answer."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import asking_functions, is_model_step, nearest_own
from harnessfix.rules._query import ancestors, as_anchor, one_of_each, quote, requests
from harnessfix.rules._replies import REFUSED, failure_of, finish_reason
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Property, Severity, Status

_AGENT = '''\
class Agent:
    """Asks until its model has no more to say."""

    def __init__(self, model):
        self.model = model

    def text_of(self, reply):
        choices = reply.get("choices") or []
        return choices[0]["message"]["content"] if choices else ""

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            text = self.text_of(self.model.query(messages))
            if not text.endswith("?"):
                return text
            messages.append({"role": "user", "content": "You decide."})
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model

down = {"choices": None, "error": {"code": 502, "message": "upstream provider returned an error"}}
try:
    print(repr(Agent(Model(down)).run("What is the answer?")))
except RuntimeError as error:
    print(f"failed: {error}")
"""


class FailedReplyAccepted(Rule):
    code = "V108"
    name = "failed-reply-accepted"
    keeps = Property.HONESTY
    severity = Severity.ERROR
    summary = "A reply that says it failed, or was filtered, is accepted as the model's answer."
    why = (
        "Gateways report failures with status 200 and an error in the body; filters return an empty message with "
        "its reason. Read as an ordinary reply this is an empty answer from a model that never gave one: no retry "
        "is made and the run counts as finished."
    )
    fix = (
        "Where the reply enters the harness, look for an error object, for missing choices and for a finish "
        "reason that is not a success, and raise what the provider said, so that retries and reports see it."
    )
    references = (
        "https://github.com/openai/openai-agents-python/issues/604",
        "https://github.com/openai/openai-agents-python/pull/2850",
    )
    operator = "check-finish-reason"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '        choices = reply.get("choices") or []\n',
            '        choices = reply.get("choices") or []\n'
            '        if reply.get("error"):\n            raise RuntimeError(reply["error"]["message"])\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Failed replies that no error, no retry and no further request followed, in an episode that ended well."""
        for step in requests(run)[-1:]:
            failure = failure_of(run, step)
            around = {outer.id for outer in ancestors(run, step)}
            episode = next((e for e in episodes(run) if e.id in around), None)
            if not failure or episode is None or episode.status is not Status.OK or _told(run, episode, failure):
                continue
            functions = asking_functions(run, model, step)
            reason = finish_reason(run, step) if finish_reason(run, step).lower() in REFUSED else ""
            caller = next((nearest_own(run, s) for s in ancestors(run, step) if not is_model_step(s)), ())
            yield Finding(
                f"The reply of {step.id} was no answer ({failure}); nothing was raised, and {episode.name} "
                f"({episode.id}) ended well.",
                one_of_each([*(as_anchor(f, "reads the reply") for f in functions), *nearest_own(run, step), *caller]),
                responsible_step=step.id,
                symptom_step=episode.id,
                path=[step.id, episode.id],
                confidence=0.85,
                quotes=[
                    (f"{step.id} output", quote(run.output_text(step))),
                    (f"{episode.id} output", quote(run.output_text(episode))),
                ],
                parameters={"finish-reasons": [reason]} if reason else {},
                operator=None if reason else "refuse-failed-reply",
                key="failed-reply",
            )


def _told(run: Htir, episode: TraceStep, failure: str) -> bool:
    """Whether the result of the episode says what the provider said."""
    _, mark, message = failure.partition("error ")
    return bool(mark) and message.strip("'\"")[:40] in run.output_text(episode)
