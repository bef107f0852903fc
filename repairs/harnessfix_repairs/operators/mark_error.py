"""mark-error: a result that says "success" says so only where nothing ended the work."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after_docstring
from harnessfix_repairs.editing.handlers import caught_name
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.reporting import constant_text
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_RUN = '''\
def run(model, messages):
    """Write part by part."""
    parts = []
    while len(parts) < 3:
        try:
            parts.append(model.query(messages))
        except OSError as error:
            log.warning("%s", error)
            break  # what there is will do
    return {"status": "success", "text": parts}
'''
_ONCE = """\
def run(model, messages):
    try:
        text = model.query(messages)
    except OSError:
        return Result(text="", ok=True)
    return Result(text=text, ok=True)
"""


class MarkError(PythonOperator):
    """Makes the status of a result follow from what happened: a clause that ends the work sets it.

    Anchor: the `except` clause. Parameter: `claim`, the field of the result and its value (`status 'success'`); every
    field of a returned dict or call that says success is taken when it is missing.
    """

    name = "mark-error"
    summary = "Set the status where the exception is caught."
    fix_safety = (
        "Callers that compare the status with 'success' or ask whether it is true now see a failure where they saw a "
        "success: that is meant, but look at each of them. The text of the exception stands in the status; where a "
        "status is one of a few words, put the text into a field of its own."
    )
    examples = (
        EditExample(
            _RUN,
            _RUN.replace("    parts = []\n", '    status = "success"\n    parts = []\n')
            .replace("            log.", '            status = f"failed: {error}"\n            log.')
            .replace('"status": "success"', '"status": status'),
            qualname="run",
            line=7,
            parameters={"claim": "status 'success'"},
        ),
        EditExample(
            _ONCE, _ONCE.replace('"", ok=True', '"", ok=False'), qualname="run", line=4, parameters={"claim": "ok true"}
        ),
        EditExample(_RUN.replace("break  #", "pass  #"), "", qualname="run", line=7),
        EditExample(_RUN.replace('"success"', "state"), "", qualname="run", line=7),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Set the status in the clause and return it."""
        field = parameters.text(spec, "claim").partition(" ")[0]
        for clause in file.find(anchor, cst.ExceptHandler):
            function = file.function(clause)
            if function is None or not isinstance(function.body, cst.IndentedBlock):
                continue
            claims = [one for one in _claims(file, function) if not field or one[0] == field]
            own = [one for one in claims if clause in file.parents(one[1])]
            if own:
                return file.rewrite({value: becomes(_failed(file, value, "")) for _, value in own})
            if claims:
                return file.rewrite(_by_name(file, clause, function, claims))
        raise Refusal(f"{anchor.place} is no clause of a function that returns a fixed status of success")


def _by_name(
    file: PythonFile,
    clause: cst.ExceptHandler,
    function: cst.FunctionDef,
    claims: list[tuple[str, cst.BaseExpression]],
) -> dict[cst.CSTNode, Change]:
    """A variable for the status, set at the head of the function and in the clause."""
    last = clause.body.body[-1]
    end = last.body[-1] if isinstance(last, cst.SimpleStatementLine) else None
    if isinstance(end, (cst.Return, cst.Raise)):
        raise Refusal(f"{file.path}:{file.line(clause)} leaves the function without saying that all went well")
    if not isinstance(end, cst.Break) and loop_around(file, clause) is not None:
        raise Refusal(f"{file.path}:{file.line(clause)} lets its loop go on: what follows may still succeed")
    field, value = claims[0]
    if len({file.code(one) for _, one in claims}) != 1 or any(name != field for name, _ in claims):
        raise Refusal(f"{file.path}:{file.line(function)} returns more than one sort of status")
    name = file.fresh(function, field, f"{field}_now", "outcome_now")
    caught, named = ("", {}) if isinstance(value, cst.Name) else caught_name(file, clause)
    (first,) = file.statements(f"{name} = {file.code(value)}\n")
    (marked,) = file.statements(f"{name} = {file.code(_failed(file, value, caught))}\n")
    place = after_docstring(function)

    def start(block: cst.IndentedBlock) -> cst.IndentedBlock:
        return block.with_changes(body=[*block.body[:place], first, *block.body[place:]])

    def mark(handler: cst.ExceptHandler) -> cst.ExceptHandler:
        return handler.with_changes(body=handler.body.with_changes(body=[marked, *handler.body.body]))

    changes: dict[cst.CSTNode, Change] = {one: becomes(cst.Name(name)) for _, one in claims}
    changes[function.body] = start
    changes[clause] = chain(named[clause], mark) if clause in named else mark
    return changes


def _claims(file: PythonFile, function: cst.FunctionDef) -> list[tuple[str, cst.BaseExpression]]:
    """Fields that say success in what the function returns."""
    found = []
    for line in file.within(function.body, cst.Return):
        if file.function(line) is not function or line.value is None:
            continue
        pairs = [(constant_text(part.key), part.value) for part in file.within(line.value, cst.DictElement)]
        pairs += [(arg.keyword.value, arg.value) for arg in file.within(line.value, cst.Arg) if arg.keyword is not None]
        found += [(key, value) for key, value in pairs if key and key.lower() in _FIELDS and _says_well(value)]
    return found


_FIELDS = frozenset({"status", "exit_status", "state", "outcome", "result_status"}) | frozenset(
    {"success", "succeeded", "ok", "completed"}
)
_WELL = frozenset({"ok", "success", "successful", "succeeded", "complete", "completed", "done", "finished", "passed"})


def _says_well(value: cst.BaseExpression) -> bool:
    text = constant_text(value)
    return (text is not None and text.lower() in _WELL) or (isinstance(value, cst.Name) and value.value == "True")


def _failed(file: PythonFile, value: cst.BaseExpression, caught: str) -> cst.BaseExpression:
    if isinstance(value, cst.Name):
        return cst.Name("False")
    return file.expression(f'f"failed: {{{caught}}}"' if caught else '"failed"')
