"""show-as-data: text of a run is shown as it is, and what shows it cannot end the run."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import guarded, own_line
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes

from .base import EditExample, Refusal

_MARKUP = re.compile(r"^rich\.(panel\.Panel|rule\.Rule|print|text\.Text\.from_markup|markup\.render)(\.|$)")
_CONSOLE = re.compile(r"(^|\.)_?console\.(print|log|rule)$")
_ESCAPES = re.compile(r"(?i)escape")

_RICH = """\
from rich.panel import Panel


class Logger:
    def log_task(self, content: str, title: str | None = None):
        self.console.print(
            Panel(
                f"\\n[bold]{escape_brackets(content)}\\n",  # the task
                title="[bold]New run" + (f" - {title}" if title else ""),
            )
        )
"""
_FORMAT = """\
class Logger:
    def render(self, text):
        if "{" in text:
            return text.format(bold="", plain="")
        return text
"""
_OTHER = """\
import logging


def show(step, value):
    print(step)
    print(layout(value))  # may fail
"""


class ShowAsData(PythonOperator):
    """Takes a text of the run for data where it is shown.

    In what Rich reads as markup, values in formatted strings are escaped; a broken escape of the harness's own is
    replaced. `text.format(a="x")` on a text that is no literal becomes `text.replace("{a}", "x")`. Where neither stands
    at the anchor, the statement that failed is caught and the failure logged.

    Anchor: the function that shows, or the statement in it.

    Parameters:
        line: line of the statement that raised, for the last form.
        text: source of the value that is put into markup; by default all values there.
    """

    name = "show-as-data"
    summary = "Show text of a run as data, and let no error of showing leave."
    fix_safety = (
        "Markup in the text itself is no longer obeyed: look whether the harness put some there on purpose. In the "
        "last form, an error of the log is only in the log any more."
    )
    examples = (
        EditExample(
            _RICH,
            _RICH.replace("import Panel\n", "import Panel\nfrom rich.markup import escape\n")
            .replace("{escape_brackets(content)}", "{escape(content)}")
            .replace("{title}", "{escape(title)}"),
            qualname="Logger.log_task",
            line=5,
            end_line=11,
        ),
        EditExample(
            _FORMAT,
            _FORMAT.replace('text.format(bold="", plain="")', 'text.replace("{bold}", "").replace("{plain}", "")'),
            qualname="Logger.render",
            line=2,
            end_line=5,
        ),
        EditExample(
            _OTHER,
            _OTHER.replace(
                "    print(layout(value))  # may fail\n",
                "    try:\n"
                "        print(layout(value))  # may fail\n"
                "    except Exception as error:\n"
                '        logging.getLogger(__name__).warning("show could not show a text: %s", error)\n',
            ),
            qualname="show",
            line=4,
            end_line=6,
            parameters={"line": 6},
        ),
        EditExample(
            "from rich.markup import escape\n\n\ndef show(console, number, answer):\n"
            '    console.print(f"[bold]{number}[/bold]: {answer}")\n',
            "from rich.markup import escape\n\n\ndef show(console, number, answer):\n"
            '    console.print(f"[bold]{number}[/bold]: {escape(str(answer))}")\n',
            qualname="show",
            line=5,
            parameters={"text": "answer"},
        ),
        EditExample(_OTHER, "", qualname="show", line=4, end_line=6),
        EditExample(
            _OTHER.replace("print(layout", "return str(layout"), "", qualname="show", line=4, parameters={"line": 6}
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Show what stands at the anchor as data."""
        escapes = _escaped(file, anchor, parameters.text(spec, "text"))
        if escapes:
            return file.rewrite(escapes, imports=["rich.markup:escape"])
        formats = _replaced(file, anchor)
        if formats:
            return file.rewrite(formats)
        line = parameters.whole(spec, "line", 1)
        if line is None:
            raise Refusal(f"{anchor.place} shows nothing in a form that is understood")
        return _contained(file, anchor, line)


def _escaped(file: PythonFile, anchor: Anchor, wanted: str) -> dict[cst.CSTNode, Change]:
    changes: dict[cst.CSTNode, Change] = {}
    for call in file.find(anchor, cst.Call):
        if not _MARKUP.match(file.dotted(call.func) + ".") and not _CONSOLE.search(file.code(call.func)):
            continue
        for hole in file.within(call, cst.FormattedStringExpression):
            value = hole.expression
            if wanted and wanted not in (
                file.code(value),
                *(file.code(arg.value) for arg in file.within(value, cst.Arg)),
            ):
                continue
            if hole.format_spec is not None or hole.conversion or file.code(value).startswith("escape("):
                continue
            source = _escape(file, value)
            if source:
                changes[value] = becomes(file.expression(source))
    return changes


def _escape(file: PythonFile, value: cst.BaseExpression) -> str:
    """The value with its markup escaped; empty for what is surely none."""
    if isinstance(value, (cst.BaseNumber, cst.SimpleString)):
        return ""
    if isinstance(value, cst.Call) and _ESCAPES.search(file.code(value.func)) and len(value.args) == 1:
        value = value.args[0].value
    function = file.function(value)
    texts = set()
    for param in function.params.params if function is not None else ():
        if param.annotation is not None and re.search(r"\bstr\b", file.code(param.annotation.annotation)):
            texts.add(param.name.value)
    source = file.code(value)
    if source in texts or source.startswith("str("):
        return f"escape({source})"
    return f"escape(str({source}))"


def _replaced(file: PythonFile, anchor: Anchor) -> dict[cst.CSTNode, Change]:
    changes: dict[cst.CSTNode, Change] = {}
    for call in file.find(anchor, cst.Call):
        func = call.func
        if not isinstance(func, cst.Attribute) or func.attr.value != "format":
            continue
        if not isinstance(func.value, (cst.Name, cst.Attribute)) or not call.args:
            continue
        if any(arg.keyword is None or arg.star for arg in call.args):
            continue
        source = file.code(func.value)
        for arg in call.args:
            assert arg.keyword is not None
            given = file.code(arg.value)
            text = given if isinstance(arg.value, (cst.SimpleString, cst.FormattedString)) else f"str({given})"
            source += f'.replace("{{{arg.keyword.value}}}", {text})'
        changes[call] = becomes(file.expression(source))
    return changes


def _contained(file: PythonFile, anchor: Anchor, line: int) -> str:
    scope = file.definition(anchor.qualname, anchor.start_line)
    at = [node for node in file.within(scope, cst.Expr) if file.lines(node)[0] <= line <= file.lines(node)[1]]
    if not at:
        raise Refusal(f"{file.path}:{line} is used for more than showing")
    statement = own_line(file, at[0])
    name = file.fresh(file.function(statement) or file.module, "error", "trouble")
    where = file.qualname(statement) or "the harness"
    log = log_call(file, f"{where} could not show a text: %s", name)
    change = guarded(file, f"except Exception as {name}:\n    {log}")
    return file.rewrite({statement: change}, imports=imports_for_log(file))
