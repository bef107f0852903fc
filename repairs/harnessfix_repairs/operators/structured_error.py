"""structured-error: an error tells its cause, whether to try again, and what is expected."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.handler_answers import answers, says_nothing
from harnessfix_repairs.editing.handlers import caught_name, caught_types
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.reporting import constant_text
from harnessfix_repairs.editing.scope import parameters as parameters_of

from .base import EditExample, Refusal

_TRANSIENT = ("OSError", "IOError", "TimeoutError", "ConnectionError", "Timeout", "TimeoutExpired", "RateLimitError")
_BEFORE = '''\
from datetime import date


def days_until(day):
    """Number of days until DAY.

    DAY is written as 2030-12-24.
    """
    try:
        return str((date.fromisoformat(day) - date.today()).days)
    except ValueError:
        return "Error: the tool failed."
'''


class StructuredError(PythonOperator):
    """Gives a fixed error text the exception's type and message, whether to try again, and how the tool is called.

    The hint is the tool's own signature, with the first line of its docstring, unless one is given.

    Anchor: the `except` clause that returns the fixed text, or the function that holds it.

    Parameters:
        hint: what to tell the model about a correct call; one line.
    """

    name = "structured-error"
    summary = "Say in an error what caused it, whether to try again, and what is expected."
    fix_safety = (
        "The model sees more on the failing path and nothing else changes. The exception's text may name paths and "
        "values of the machine; a caller that compares the answer with the fixed text would no longer find it."
    )
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace("except ValueError:", "except ValueError as error:").replace(
                '"Error: the tool failed."',
                '(\n            f"Error: the tool failed.\\ncause: {type(error).__name__}: {error}\\n'
                'retryable: no\\n"\n'
                '            "hint: days_until(day): Number of days until DAY."\n        )',
            ),
            qualname="days_until",
            line=11,
            end_line=12,
        ),
        EditExample(_BEFORE.replace('return "Error: the tool failed."', "raise"), "", qualname="days_until", line=11),
        EditExample(_BEFORE, "", qualname="days_until", line=11, parameters={"hint": 'say "please"\nand more'}),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Enrich every fixed error text at the anchor."""
        handlers = file.find(anchor, cst.ExceptHandler)
        if not handlers:
            raise Refusal(f"{anchor.place} holds no except clause")
        changes: dict[cst.CSTNode, Change] = {}
        seen = False
        for handler in handlers:
            found = answers(file, handler)
            fixed = [n for n in found if isinstance(n, cst.SimpleString) or says_nothing(file, n)]
            seen = seen or bool(found)
            if fixed:
                name, named = caught_name(file, handler)
                for node, change in {**named, fixed[0]: _enriched(file, handler, fixed[0], name, spec)}.items():
                    changes[node] = chain(changes[node], change) if node in changes else change
        if not seen:
            raise Refusal(f"{anchor.place} answers with no text that could say more")
        return file.rewrite(changes)


def _enriched(
    file: PythonFile, handler: cst.ExceptHandler, node: cst.BaseExpression, name: str, spec: RepairSpec
) -> Change:
    text = constant_text(node) or "error"
    if set('"\\\n{}') & set(text):
        raise Refusal(f"{file.path}:{file.line(node)} holds quotes, braces or line ends")
    retry = any(kind.rsplit(".", 1)[-1] in _TRANSIENT for kind in caught_types(file, handler))
    hint = parameters.text(spec, "hint") or _usage(file, handler)
    if set('"\\\n') & set(hint):
        raise Refusal("parameter 'hint' must be one line without quotes or backslashes")
    said = f'f"{text}\\ncause: {{type({name}).__name__}}: {{{name}}}\\nretryable: {"yes" if retry else "no"}'
    newline = file.module.default_newline
    if not hint:
        return lambda _: file.expression(said + '"')
    step = file.module.default_indent
    lines = ["(", f'{step}{said}\\n"', f'{step}"hint: {hint}"', ")"]
    return lambda _: file.expression(newline.join(lines))


def _usage(file: PythonFile, handler: cst.ExceptHandler) -> str:
    """How the function around is called, with the first line of its docstring."""
    function = file.function(handler)
    if function is None:
        return ""
    given = ", ".join(name for name in parameters_of(function) if name not in ("self", "cls"))
    doc = function.get_docstring() or ""
    first = doc.strip().partition("\n")[0].replace('"', "'").replace("\\", "/")
    return f"{function.name.value}({given})" + (f": {first}" if first else "")
