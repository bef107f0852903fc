"""V104: what was submitted is not, byte for byte, what had been produced."""

from collections.abc import Iterable
from dataclasses import dataclass

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import HandedIn, leaves, submissions
from harnessfix.rules._query import as_anchor, names, one_of_each, quote, step_elements
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Outcome, Property, Severity, StepKind

MIN_CHARS = 8  # shorter answers are words, not files
RECENT = 6  # steps that may have produced what is submitted
_REBUILDS = {
    "splitlines-join": "line ends other than `\\n` and the last one are lost",
    "encode-ignore": "characters that cannot be encoded are lost",
    "encode-replace": "characters that cannot be encoded become question marks",
}
_LOSSY = frozenset({"strip", "rstrip", "lstrip", "splitlines-join", "split-join", "encode-ignore", "encode-replace"})

_AGENT = '''\
import subprocess

SENTINEL = "SUBMIT"


class Agent:
    """Runs the commands of its model; output that begins with the sentinel is the submission."""

    def __init__(self, model):
        self.model = model

    def execute(self, command):
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr

    def get_submission(self, output):
        lines = output.splitlines()
        if lines and lines[0].strip() == SENTINEL:
            return "\\n".join(lines[1:])
        return None

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(8):
            reply = self.model.query(messages)
            output = self.execute(reply["content"])
            submission = self.get_submission(output)
            if submission is not None:
                return submission
            messages += [reply, {"role": "user", "content": output}]
        return None
'''
_MAIN = """\
from agent import Agent
from model import Model, say

patch = "printf 'SUBMIT\\\\n--- a/f\\\\n+++ b/f\\\\n@@ -0,0 +1 @@\\\\n+x\\\\n'"
print(repr(Agent(Model(say("echo start"), say(patch))).run("Write a patch.")))
"""


@dataclass(frozen=True)
class _Loss:
    """A text that was handed in, the text that it was cut out of, and what is missing."""

    handed: HandedIn
    source: TraceStep
    produced: str
    what: str


class LossySubmission(Rule):
    code = "V104"
    name = "lossy-submission"
    keeps = Property.CONSERVATION
    severity = Severity.ERROR
    summary = "The submission is not what was produced: newlines, spaces or characters were lost on the way."
    why = (
        "A patch without its last newline does not apply, a file with other line ends is another file. The work "
        "was right and is scored as wrong. It happens where the harness takes the answer apart to find it and "
        "puts it together again: `splitlines` and `join`, `strip`, a lossy encoding."
    )
    fix = (
        "Cut the answer out by position and hand on that slice, or keep line ends (`splitlines(keepends=True)` "
        'and `"".join`). Strip a copy where a comparison needs it, never the payload.'
    )
    references = (
        "https://github.com/SWE-agent/mini-swe-agent/issues/305",
        "https://docs.python.org/3/library/stdtypes.html#str.splitlines",
    )
    operator = "preserve-payload"
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        ("output.splitlines()", "output.splitlines(keepends=True)"),
        ('"\\n".join(lines[1:])', '"".join(lines[1:])'),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Submissions that are taken apart into lines and joined again, or lose what cannot be encoded."""
        for submission in model.of_role(ElementRole.SUBMISSION):
            lossy = next((how for how in names(submission.value("transforms")) if how in _REBUILDS), None)
            if lossy is not None and submission.fact("raises"):
                yield Finding(
                    f"{submission.name} hands in what it has rebuilt ({lossy}): {_REBUILDS[lossy]}.",
                    [as_anchor(submission, "rebuilds the submission")],
                    confidence=0.6,
                    severity=Severity.WARNING,
                    evidence=Evidence.DERIVED,
                    parameters={"transforms": submission.value("transforms")},
                    key="lossy",
                    missing=("a run that hands something in",),
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Submissions of several lines that are a recent output but for white space or line ends."""
        seen: set[str] = set()
        for handed in submissions(run):
            strips = any(_LOSSY & set(names(e.value("transforms"))) for e in _elements(model, handed.step))
            # Where the code is seen to cut, few characters are enough, and one line is in a run that failed.
            line = strips and run.run.outcome is Outcome.FAILED
            loss = _loss(run, handed, 1 if strips else MIN_CHARS, 1 if line else 2)
            if loss is not None and handed.step.id not in seen:
                seen.add(handed.step.id)
                yield _finding(model, loss)


def _elements(model: HarnessModel, step: TraceStep) -> list[Element]:
    return list(step_elements(model, step, ElementRole.SUBMISSION))


def _loss(run: Htir, handed: HandedIn, least: int, lines: int) -> _Loss | None:
    """What was lost of a submission of at least so many characters and lines."""
    if len(handed.text) < least or len(handed.text.strip().splitlines()) < lines:
        return None  # a word or a line: white space around it carries nothing
    for _, produced in _produced(run, handed.step):
        if handed.text in produced and _ends_alike(handed.text, produced):
            return None  # somebody produced just that
    for source, produced in _produced(run, handed.step):
        what = _difference(handed.text, produced)
        if what:
            return _Loss(handed, source, produced, what)
    return None


def _produced(run: Htir, step: TraceStep) -> Iterable[tuple[TraceStep, str]]:
    """Texts that the submission may come from: what the step was given, and the last outputs before it."""
    for part in step.input:
        for text in leaves(run.text(part)):
            yield step, text
    before = [s for s in run.steps[: run.place(step.id)] if s.kind in (StepKind.TOOL_CALL, StepKind.ARTIFACT)]
    for source in reversed(before[-RECENT:]):
        for part in source.output:
            for text in leaves(run.text(part)):
                yield source, text


def _ends_alike(text: str, produced: str) -> bool:
    """Whether `text` stands in `produced` with nothing but other text after it: no white space was cut off."""
    after = produced[produced.rfind(text) + len(text) :]
    return not after or bool(after.strip())


def _difference(text: str, produced: str) -> str:
    """What `produced` had and `text` lost, in words; empty when it is not a copy or nothing was lost."""
    at = produced.rfind(text)
    if at >= 0:
        after = produced[at + len(text) :]
        if after and not after.strip():
            return "its final newline" if after in ("\n", "\r\n") else f"the last {len(after)} characters (white space)"
        return ""
    if "\r\n" in produced and "\r" not in text and text.strip("\n") in produced.replace("\r\n", "\n"):
        return "its CRLF line ends"
    plain = text.encode("ascii", "ignore").decode("ascii")
    if text in (
        produced.encode("ascii", "ignore").decode("ascii"),
        produced.encode("ascii", "replace").decode("ascii"),
    ):
        return f"{sum(ord(c) > 127 for c in produced)} characters that are not ASCII" if text == plain else ""
    return ""


def _finding(model: HarnessModel, loss: _Loss) -> Finding:
    step = loss.handed.step
    elements = _elements(model, step)
    lossy = next((e for e in elements if _LOSSY & set(names(e.value("transforms")))), None)
    best: list[Element] = [lossy] if lossy is not None else elements[:1]
    by = f" ({', '.join(names(lossy.value('transforms')))})" if lossy is not None else ""
    source = loss.source.id if loss.source is not step else f"{step.id} input"
    return Finding(
        f"{step.name} ({step.id}) handed in {len(loss.handed.text):,} characters that lost {loss.what}: {source} had it"
        f"{by}.",
        one_of_each([*(as_anchor(e, "rebuilds the submission") for e in best), *step.anchors]),
        responsible_step=step.id,
        symptom_step=step.id,
        path=list(dict.fromkeys([loss.source.id, step.id])),
        confidence=0.95 if lossy is not None else 0.75,
        quotes=[(source, quote(loss.produced[-60:])), (f"{step.id} output", quote(loss.handed.text[-60:]))],
        parameters={"transforms": lossy.value("transforms")} if lossy is not None else {},
        key="lossy",
        missing=() if lossy is not None else ("the line that transforms the submission",),
    )
