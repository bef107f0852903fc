"""O106: a credential is in the log or in the trace."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._own import nearest_own
from harnessfix.rules._query import as_anchor, element_at, names, one_of_each
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Property, Severity

_DEPTH = 6
_SHAPES = re.compile(
    r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{40,}|AKIA[0-9A-Z]{16}|"
    r"xox[abprs]-[A-Za-z0-9-]{10,}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,}|glpat-[\w-]{20,})"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/-]{24,}"
)
_LOGS = """\
import logging
import os


def connect(client):
    key = os.environ["PROVIDER_API_KEY"]
    logging.info("connecting with %s", key)
    return client(api_key=key)
"""


class SecretInTrace(Rule):
    code = "O106"
    name = "secret-in-trace"
    keeps = Property.AUTHORITY
    severity = Severity.ERROR
    summary = "A credential is written to a log or stands in the attributes of a span."
    why = (
        "Logs and traces are copied, shared in issues and sent to services that nobody gave the key to. A request "
        "logged whole takes its headers with it."
    )
    fix = (
        "Never log the value: log that it is set, or its last four characters. Redact headers and environment "
        "before they become attributes, and change the key that has been written."
    )
    references = (
        "https://opentelemetry.io/docs/security/handling-sensitive-data/",
        "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude",
    )
    operator = "redact"
    bad = Example({"client.py": _LOGS})
    good = Example({"client.py": _LOGS.replace('"connecting with %s", key', '"connecting, the key is set"')})

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Credentials that reach a logging call."""
        for secret in model.of_role(ElementRole.SECRET):
            lines = [fact.line for fact in secret.facts if fact.name == "goes-to" and "log" in names(fact.value)]
            for line in lines[:1]:
                yield Finding(
                    f"{secret.name} ({secret.value('source')}) is handed to a logging call at line {line}.",
                    one_of_each([*_logger(model, secret, line), as_anchor(secret, "where the secret is read")]),
                    confidence=0.75,
                    parameters={"line": line},
                    key=secret.name,
                )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Attributes of spans that hold something of the shape of a credential."""
        seen: set[str] = set()
        for step in run.steps:
            for name, text in _attributes(step):
                found = _SHAPES.search(text)
                if found is None or name in seen:
                    continue
                seen.add(name)
                yield Finding(
                    f"The attribute {name} of {step.name} ({step.id}) holds a credential: {found.group()[:4]}… "
                    f"({len(found.group())} characters).",
                    one_of_each(nearest_own(run, step)),
                    responsible_step=step.id,
                    symptom_step=step.id,
                    path=[step.id],
                    confidence=0.85,
                    parameters={"attribute": name},
                    key=name,
                )


def _logger(model: HarnessModel, secret: Element, line: int) -> Iterator[Anchor]:
    place = secret.anchor.model_copy(update={"start_line": line, "end_line": line})
    logger = element_at(model, place, ElementRole.LOGGER)
    if logger is not None:
        yield as_anchor(logger, "writes the secret down")


def _attributes(step: TraceStep) -> Iterator[tuple[str, str]]:
    pending: list[tuple[str, object, int]] = [(name, value, 0) for name, value in step.attributes.items()]
    pending += [(name, value, 0) for event in step.events for name, value in event.attributes.items()]
    while pending:
        name, value, depth = pending.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict) and depth < _DEPTH:
            pending.extend((f"{name}.{key}", inner, depth + 1) for key, inner in value.items())
        elif isinstance(value, list) and depth < _DEPTH:
            pending.extend((name, inner, depth + 1) for inner in value)
