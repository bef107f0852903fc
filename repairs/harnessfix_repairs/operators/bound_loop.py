"""bound-loop: an agent's loop ends, with a reason, when its rounds are used up."""

import re
from functools import partial

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import indented
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import report

from .base import EditExample, GuardExample, Refusal

DEFAULT_ROUNDS = 100
_SETTING = re.compile(r"(?i)^(max_?(steps|turns|iterations|rounds)|(step|turn|round)_?limit)$")

_BEFORE = """\
import logging


class Agent:
    def run(self, model, messages):
        # until it says so
        while True:  # each round is one call
            reply = model.query(messages)
            messages.append(reply)
            if "DONE" in reply["content"]:
                return reply["content"]
            messages.append({"role": "user", "content": "Go on."})
"""
_SET = """\
import logging


class Agent:
    def __init__(self, config):
        self.max_steps = config.max_steps

    def run(self, model, messages):
        while not self.done:
            self.step(model, messages)
        return self.result
"""
_TAKEN = """\
import logging


def run(model, messages, max_turns: int | None = None):
    while True:
        if model.step(messages):
            return messages
"""
_GOT = _TAKEN.replace(", max_turns: int | None = None", ", **options").replace(
    "    while", '    limit = options.get("max_turns")\n    while'
)


class BoundLoop(PythonOperator):
    """Turns a `while` loop into a `for` over a number of rounds; when they are used up the reason is logged and raised.

    The condition of the loop, unless it is `True`, is tested first in each round.

    Anchor: the loop, or the function that holds it.

    Parameters:
        limit: number of rounds; by default a setting of the class called `max_steps`, `step_limit` or the like, else
            100 or four times the rounds that were seen.
        setting: a parameter or local name of the function that holds the limit, which may be None for none.
        rounds: rounds that a run was seen to take.
        raises: dotted name of the exception to raise at the limit; RuntimeError by default.
    """

    name = "bound-loop"
    summary = "End an agent's loop after a number of rounds, with a reason."
    fix_safety = (
        "A run that takes more rounds than the limit, and would have come to an end, is stopped: look at the "
        "number. The exception leaves the function, which never raised it before; look whether a caller turns it "
        "into a result."
    )
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace("while True:", "for _ in range(100):")
            + "        else:\n"
            + '            logging.getLogger(__name__).warning("Agent.run was stopped after %s rounds", 100)\n'
            + '            raise RuntimeError("Agent.run was stopped: its rounds are used up")\n',
            qualname="Agent.run",
            line=7,
            end_line=12,
        ),
        EditExample(
            _SET,
            _SET.replace(
                "        while not self.done:\n            self.step(model, messages)\n",
                "        for _ in range(self.max_steps):\n"
                "            if self.done:\n"
                "                break\n"
                "            self.step(model, messages)\n"
                "        else:\n"
                '            logging.getLogger(__name__).warning("Agent.run was stopped after %s rounds", '
                "self.max_steps)\n"
                '            raise RuntimeError("Agent.run was stopped: its rounds are used up")\n',
            ),
            qualname="Agent.run",
            line=9,
            end_line=10,
        ),
        EditExample(
            _TAKEN,
            _TAKEN.replace("while True:", "for _ in range(sys.maxsize if max_turns is None else max_turns):").replace(
                "import logging\n", "import logging\nimport sys\n"
            )
            + "    else:\n"
            + '        logging.getLogger(__name__).warning("run was stopped after %s rounds", max_turns)\n'
            + '        raise RuntimeError("run was stopped: its rounds are used up")\n',
            qualname="run",
            line=5,
            parameters={"setting": "max_turns"},
        ),
        EditExample(
            _GOT,
            _GOT.replace("while True:", "for _ in range(sys.maxsize if limit is None else limit):").replace(
                "import logging\n", "import logging\nimport sys\n"
            )
            + "    else:\n"
            + '        logging.getLogger(__name__).warning("run was stopped after %s rounds", limit)\n'
            + '        raise RuntimeError("run was stopped: its rounds are used up")\n',
            qualname="run",
            line=6,
            parameters={"setting": "limit"},
        ),
        EditExample("def run(queue):\n    for item in queue:\n        print(item)\n", "", qualname="run", line=2),
        EditExample(_BEFORE + "        else:\n            pass\n", "", qualname="Agent.run", line=7, end_line=14),
    )

    guards = (
        GuardExample(
            "def run(ask):\n    while True:\n        if ask() == 'done':\n            return 'done'\n",
            passes=[f"run(asking({rounds})) == 'done'" for rounds in range(1, 8)],
            stops=[f"stopped(asking({rounds}))" for rounds in (8, 9, 100)],
            setup=(
                "def asking(rounds):\n    left = iter(['go'] * (rounds - 1) + ['done'])\n"
                "    return lambda: next(left)\n"
                "def stopped(ask):\n    try:\n        run(ask)\n    except RuntimeError:\n        return True\n"
                "    return False\n"
            ),
            qualname="run",
            line=2,
            end_line=4,
            parameters={"limit": 7},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Bound the first such loop at the anchor."""
        loops = file.find(anchor, cst.While)
        bounded = file.find(anchor, cst.For, partial(_is_bounded, file))
        bounded = [one for one in bounded if file.line(one) >= anchor.start_line]
        if bounded and not (loops and file.line(loops[0]) < file.line(bounded[0])):
            return file.text  # the first loop was bounded before: one further on is none of this flaw's
        if not loops:
            raise Refusal(f"{anchor.place} holds no while loop")
        loop = loops[0]
        if loop.orelse is not None or not isinstance(loop.body, cst.IndentedBlock):
            raise Refusal(f"{file.path}:{file.line(loop)} has an else of its own, or its body on one line")
        limit = _limit(file, loop, spec)
        where = file.qualname(loop) or "the loop"
        raises = parameters.dotted_source(spec, "raises") or "RuntimeError"
        log = log_call(file, f"{where} was stopped after %s rounds", limit.rpartition(" else ")[2])
        said = report(file, loop, f'"{where} was stopped: its rounds are used up"', raises=raises)
        (made,) = file.statements(f"for _ in range({limit}):\n    pass\nelse:\n{indented(log + said)}")
        endless = isinstance(loop.test, (cst.Name, cst.Integer)) and file.code(loop.test) in ("True", "1")
        guard = [] if endless else file.statements(f"if {_negated(file, loop.test)}:\n    break\n")

        def change(node: cst.While) -> cst.For:
            assert isinstance(node.body, cst.IndentedBlock)
            body = node.body.with_changes(body=[*guard, *node.body.body])
            whole = made.with_changes(body=body, leading_lines=node.leading_lines)
            assert isinstance(whole, cst.For)
            return whole

        needed = ["sys"] if "sys.maxsize" in limit else []
        return file.rewrite({loop: change}, imports=[*imports_for_log(file), *needed])


def _negated(file: PythonFile, test: cst.BaseExpression) -> str:
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return file.code(test.expression)
    plain = isinstance(test, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)) or test.lpar
    return f"not {file.code(test)}" if plain else f"not ({file.code(test)})"


def _is_bounded(file: PythonFile, loop: cst.For) -> bool:
    """Whether a loop is one that this operator made."""
    return loop.orelse is not None and "its rounds are used up" in file.code(loop.orelse)


def _limit(file: PythonFile, loop: cst.While, spec: RepairSpec) -> str:
    given = parameters.whole(spec, "limit", 1)
    if given is not None:
        return str(given)
    setting = parameters.dotted_source(spec, "setting")
    function = file.function(loop)
    for taken in file.within(function.params, cst.Param) if setting and function is not None else ():
        if taken.name.value == setting:
            optional = "None" in file.code(taken)
            return f"sys.maxsize if {setting} is None else {setting}" if optional else setting
    for bound in file.within(function, cst.AssignTarget) if setting and function is not None else ():
        if file.code(bound.target) == setting and file.line(bound) < file.line(loop):
            return f"sys.maxsize if {setting} is None else {setting}"
    klass = file.klass(file.function(loop) or loop)
    for node in file.within(klass, cst.Attribute) if klass is not None else ():
        if _SETTING.match(node.attr.value) and file.code(node).startswith("self."):
            return file.code(node)
    rounds = parameters.whole(spec, "rounds") or 0
    return str(max(DEFAULT_ROUNDS, 4 * rounds))
