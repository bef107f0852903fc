"""V102: the check said no, and the run was finished all the same."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import own_anchors, own_elements, own_function
from harnessfix.rules._query import as_anchor, lines_of, one_of_each, quote
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity, Status, StepKind

_CHECKS = re.compile(r"_*(verify|validate|run_tests?|run_checks?|grade|is_valid|is_correct)(_|$)")  # no other meaning
_VERDICT_KEYS = ("passed", "success", "ok", "valid", "is_valid", "correct", "approved", "accepted")
_CODE_KEYS = ("returncode", "return_code", "exit_code", "exitcode")
_SAYS_SO = re.compile(r"fail|error|reject|invalid|not (pass|valid|accept|correct)|unverified|incorrect", re.IGNORECASE)

_AGENT = '''\
class Agent:
    """Answers, checks the answer, and hands it in."""

    def __init__(self, model):
        self.model = model

    def verify(self, answer):
        return answer.strip().isdigit()

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            if reply["content"].startswith("ANSWER"):
                answer = reply["content"].removeprefix("ANSWER")
                self.verify(answer)
                return answer
            messages.append({"role": "user", "content": "Hand in with ANSWER."})
        return None
'''
_CHECKED = """\
                if self.verify(answer):
                    return answer
"""
_MAIN = """\
from agent import Agent
from model import Model, say

print(Agent(Model(say("ANSWER about forty"), say("ANSWER 40"))).run("How many? Answer with a number."))
"""


class CompletionAfterFailedCheck(Rule):
    code = "V102"
    name = "completion-after-failed-check"
    keeps = Property.ORDER
    severity = Severity.ERROR
    summary = "The last check of a result failed, and the result was accepted."
    why = (
        "The harness had the verdict in hand and did not use it: a wrong answer, an unapplied patch or a failing "
        "test suite counts as success, and the chance to send the model back to work is lost."
    )
    fix = "Let the completion path read the check's result: send it back to the model, or end the run as failed."
    references = (
        "https://arxiv.org/abs/2606.06324",
        "https://github.com/huggingface/smolagents/pull/1482",
    )
    operator = "gate-completion"
    clone = (ElementRole.VERIFIER, "result-unused-at")
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("                self.verify(answer)\n                return answer\n", _CHECKED))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Episodes that ended well after a check that failed and was not repeated, with no model turn in between."""
        for episode in episodes(run):
            last = _last_check(run, episode)
            if last is None or not _failed(run, last) or not _ended_well(run, episode):
                continue
            verifier = next(iter(own_elements(model, last, ElementRole.VERIFIER)), None)
            unused = lines_of(verifier.value("result-unused-at")) if verifier is not None else []
            if unused or _CHECKS.match(last.name.rpartition(".")[2]):
                yield _finding(run, model, _Ignored(episode, last, unused), verifier)


def _last_check(run: Htir, episode: TraceStep) -> TraceStep | None:
    """The last check of the episode, None when the model was asked again after it."""
    last = None
    for step in run.descendants(episode.id):
        if step.kind is StepKind.VERIFY:
            last = step
        elif step.kind is StepKind.MODEL_CALL:
            last = None
    return last


def _failed(run: Htir, check: TraceStep) -> bool:
    """Whether a check said no, in a form that leaves no doubt."""
    if check.status is not Status.OK or len(check.output) != 1:
        return False
    text = run.text(check.output[0]).strip()
    if text.lower() in ("false", "0", "no", "fail", "failed"):
        return True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, list) and value and isinstance(value[0], bool):
        return not value[0]
    if not isinstance(value, dict):
        return False
    if any(value.get(key) is False for key in _VERDICT_KEYS):
        return True
    codes = [value[key] for key in _CODE_KEYS if key in value]
    return any(isinstance(code, int) and code != 0 for code in codes)


def _ended_well(run: Htir, episode: TraceStep) -> bool:
    text = run.output_text(episode).strip()
    return episode.status is Status.OK and text not in ("", "null", "None", "false") and not _SAYS_SO.search(text)


@dataclass(frozen=True)
class _Ignored:
    """A check that failed, the episode that ended well all the same, and lines where its result is not used."""

    episode: TraceStep
    check: TraceStep
    unused: list[int]


def _finding(run: Htir, model: HarnessModel, seen: _Ignored, verifier: Element | None) -> Finding:
    check, episode = seen.check, seen.episode
    caller = run.step(check.parent) if check.parent is not None else episode
    function = own_function(model, caller)
    anchors = [as_anchor(function, "accepts the result of a failed check")] if function is not None else []
    checks = [as_anchor(verifier, "the check")] if verifier is not None else []
    return Finding(
        f"{check.name} ({check.id}) said {quote(run.output_text(check), 60)}; the run went on to its end and "
        f"{episode.name} ({episode.id}) returned a result as if it had passed.",
        one_of_each([*anchors, *own_anchors(caller), *checks, *own_anchors(check)]),
        responsible_step=check.id,
        symptom_step=episode.id,
        path=[check.id, episode.id],
        confidence=0.95 if seen.unused else 0.6,
        quotes=[(f"{s.id} output", quote(run.output_text(s))) for s in (check, episode)],
        parameters={"check": check.name.rpartition(".")[2], **({"line": seen.unused[0]} if seen.unused else {})},
        key=check.name,
        missing=() if seen.unused else ("the place where the result of the check is used",),
    )
