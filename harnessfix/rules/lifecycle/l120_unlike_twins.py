"""L120: of two functions that do the same work, one with `await` or piece by piece, one lacks a guard of the other."""

from harnessfix.rules._examples import edited
from harnessfix.rules._hazards import HazardRule
from harnessfix.rules.base import Example
from harnessfix_ir.harness import Element
from harnessfix_ir.vocabulary import Property, Severity

_DESK = """\
class Desk:
    def __init__(self, model, shelf, purse):
        self.model, self.shelf, self.purse = model, shelf, purse

    def answer(self, question):
        pages = self.shelf.find(question)
        prompt = self.join_pages(question, pages)
        self.purse.check_budget(len(prompt))
        reply = self.model.ask(prompt)
        self.shelf.keep(question, reply)
        return reply.strip()

    async def answer_async(self, question):
        pages = await self.shelf.find_async(question)
        prompt = self.join_pages(question, pages)
        reply = await self.model.ask_async(prompt)
        await self.shelf.keep_async(question, reply)
        return reply.strip()

    def join_pages(self, question, pages):
        return "\\n".join([question, *pages])
"""


class UnlikeTwins(HazardRule):
    code = "L120"
    name = "unlike-twins"
    keeps = Property.CONTAINMENT
    severity = Severity.WARNING
    summary = "Two ways to do the same work, with and without `await` or a stream, and one lacks a guard of the other."
    why = (
        "A limit, an approval, an account or a refusal was written into one of two near copies only. Whoever takes the "
        "other way, often by nothing but `stream=True`, runs without it."
    )
    fix = "Do it on both ways, best in one function that both call."
    by_hand = (
        "The two ways differ for reasons of their own, too; a guard that is copied may wait, or raise, where that "
        "way must not."
    )
    references = ("https://doi.org/10.1109/ICSE.2009.5070547",)
    hazard = "unlike-twins"
    confidence = 0.5
    reason = "lacks what its twin does"
    bad = Example(files={"desk.py": _DESK})
    good = edited(
        bad,
        "desk.py",
        (
            "        reply = await self.model",
            "        self.purse.check_budget(len(prompt))\n        reply = await self.model",
        ),
    )

    def words(self, element: Element) -> str:
        lacks = element.value("lacks")
        steps = ", ".join(f"`{step}`" for step in lacks) if isinstance(lacks, list) else f"`{lacks}`"
        return (
            f"{element.anchor.qualname} at {element.anchor.place} does the work of {element.value('twin')} without "
            f"{steps} (there at line {element.value('has-at')})."
        )
