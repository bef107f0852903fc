"""Changing the arguments of a call, its layout kept."""

from collections.abc import Callable
from typing import Any

import libcst as cst

from harnessfix_repairs.operators.base import Refusal


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.Arg | None:
    """The argument given by that name, or at that position when only positional ones stand before it."""
    for index, arg in enumerate(call.args):
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
        if index == position and arg.keyword is None and not any(a.star for a in call.args[: index + 1]):
            return arg
    return None


def has_unpacked(call: cst.Call) -> bool:
    """Whether the call passes `**options`, which may hold any name."""
    return any(arg.star == "**" for arg in call.args)


def is_true(arg: cst.Arg | None) -> bool:
    """Whether an argument is the word `True`."""
    return arg is not None and isinstance(arg.value, cst.Name) and arg.value.value == "True"


def add_keyword(name: str, value: cst.BaseExpression) -> Callable[[Any], cst.Call]:
    """A change that adds `name=value` as the last argument, on a line of its own where the others stand so."""

    def change(call: cst.Call) -> cst.Call:
        if has_unpacked(call):
            raise Refusal(f"the call passes **options, which may already hold {name}")
        equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        new = cst.Arg(value, keyword=cst.Name(name), equal=equal)
        if not call.args:
            return call.with_changes(args=[new])
        *before, last = call.args
        trailing = isinstance(last.comma, cst.Comma)
        closing = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else last.whitespace_after_arg
        between = _between(call, closing)
        last = last.with_changes(
            comma=cst.Comma(whitespace_after=between), whitespace_after_arg=cst.SimpleWhitespace("")
        )
        end = _without_comment(closing)
        if trailing:
            new = new.with_changes(comma=cst.Comma(whitespace_after=end))
        else:
            new = new.with_changes(whitespace_after_arg=end)
        return call.with_changes(args=[*before, last, new])

    return change


def _between(call: cst.Call, closing: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """White space between the last argument and the new one; a comment behind the last one stays there."""
    if isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        lead: cst.BaseParenthesizableWhitespace = call.whitespace_before_args
    elif len(call.args) > 1 and isinstance(call.args[-2].comma, cst.Comma):
        lead = call.args[-2].comma.whitespace_after
    else:
        lead = cst.SimpleWhitespace(" ")
    if isinstance(lead, cst.ParenthesizedWhitespace):
        first = closing.first_line if isinstance(closing, cst.ParenthesizedWhitespace) else cst.TrailingWhitespace()
        lines = closing.empty_lines if isinstance(closing, cst.ParenthesizedWhitespace) else ()
        return lead.with_changes(first_line=first, empty_lines=[line for line in lines if line.comment])
    return cst.SimpleWhitespace(" ") if isinstance(closing, cst.SimpleWhitespace) else closing


def _without_comment(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    if isinstance(space, cst.ParenthesizedWhitespace):
        plain = space.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
        return space.with_changes(first_line=plain, empty_lines=())
    return space
