"""G107: of the tools that change the world one leaves no record."""

from collections.abc import Iterable

from harnessfix.rules._examples import edited
from harnessfix.rules._query import as_anchor, reachable
from harnessfix.rules.base import Example, Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity

_TOOLS = """\
import logging

log = logging.getLogger("audit")


def delete_account(api, account, reason):
    \"\"\"Delete an account.\"\"\"
    log.info("deleting %s: %s", account, reason)
    return api.delete(account)


def refund_payment(api, payment, amount):
    \"\"\"Refund a payment.\"\"\"
    return api.refund(payment, amount)


TOOLS = {"delete_account": delete_account, "refund_payment": refund_payment}
"""


class UnauditedAction(Rule):
    code = "G107"
    name = "unaudited-action"
    keeps = Property.AUTHORITY
    severity = Severity.INFO
    summary = "One tool that changes the world writes down what it did, another does not."
    why = (
        "When somebody asks who deleted the account, paid the bill or pushed the commit, and on whose word, a record "
        "made at the time is the only answer. The harness keeps one for some of its actions and not for this one."
    )
    fix = "Record actor, action, arguments and reason where the action is carried out, for all tools in one place."
    references = ("https://owasp.org/www-project-top-10-for-large-language-model-applications/",)
    operator = "record-action"
    bad = Example(files={"tools.py": _TOOLS})
    good = edited(
        bad,
        "tools.py",
        (
            "    return api.refund(payment, amount)\n",
            '    log.info("refunding %s: %s", payment, amount)\n    return api.refund(payment, amount)\n',
        ),
    )

    def check_source(self, model: HarnessModel) -> Iterable[Finding]:
        """Destructive tools without a log call in what they lead to, in a file where another one has it."""
        logs = {e.anchor.symbol for e in model.of_role(ElementRole.LOGGER) if e.value("level") != "print"}
        tools = [tool for tool in model.of_role(ElementRole.TOOL) if tool.fact("destructive")]
        recorded = {tool.id for tool in tools if _records(tool, model, logs)} if logs and len(tools) > 1 else set()
        above = model.callers if recorded else {}
        for tool in tools if recorded else ():
            like = next((t for t in tools if t.id in recorded and t.anchor.path == tool.anchor.path), None)
            around = above.get(tool.anchor.symbol, ())
            if like is None or tool.id in recorded or any(name in logs for name in around):
                continue
            yield Finding(
                f"`{tool.name}` {tool.value('destructive')} and writes nothing down, while {like.name} "
                f"({like.anchor.place}) does.",
                [as_anchor(tool, "acts without a record")],
                confidence=0.5,
                evidence=Evidence.DERIVED,
            )


def _records(tool: Element, model: HarnessModel, logs: set[str]) -> bool:
    return any(f.anchor.symbol in logs for f in reachable(model, tool.anchor, 2))
