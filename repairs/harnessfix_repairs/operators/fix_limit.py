"""fix-limit: zero is a value, and every path counts."""

import re
from dataclasses import dataclass

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, before, own_line
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, Refusal

_LIMIT = re.compile(r"(?i)limit|max|budget|timeout|steps?\b|turns?\b|attempts|retries|cost|count|interval|depth|tokens")
_PLAIN = (cst.Name, cst.Attribute)
_UNLESS_NONE, _UNLESS_ZERO = "{limit} is not None and {counter} >= {limit}", "0 < {limit} <= {counter}"
_TURNS = re.compile(r"(^|_)(calls|turns?|steps?|rounds?|iterations?|requests?)$")
_UNPLAIN = (cst.Try, cst.For, cst.While, cst.ExceptHandler, cst.Finally, cst.FunctionDef, cst.Lambda)
_TEXTS = (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)

_OR = """\
class ToolBox:
    def __init__(self, config, command_limit=None):
        # 0 allows no command at all
        self.command_limit = command_limit or config.command_limit  # the task's own first
"""
_AND = """\
def spent(calls, limit=None):
    if limit and calls >= limit:
        return True
    return False
"""
_SKIP = """\
def run(model, limit):
    calls = 0
    while calls < limit:
        reply = model.ask()
        if reply is None:
            # nothing to do
            continue
        act(reply)
        calls += 1
"""
_STILL = """\
class Agent:
    def __init__(self, model, step_limit):
        self.model, self.step_limit = model, step_limit
        self.steps = 0

    def query(self, messages):
        # no more than was agreed
        if self.steps >= self.step_limit:
            raise LimitsExceeded()
        return self.model.query(messages)
"""
_COUNTED = _STILL.replace("LimitsExceeded()\n", "LimitsExceeded()\n        self.steps += 1\n")
_KEPT = """\
class Team:
    def __init__(self, max_turns=None):
        self.max_turns = max_turns
        self.turn = 0

    def next(self, members):
        # one more
        self.turn += 1
        return members[self.turn % len(members)]
"""
_HELD = """\
class Team:
    def __init__(self, max_turns=None):
        self.max_turns = max_turns
        self.turn = 0

    def next(self, members):
        if self.max_turns is not None and self.turn >= self.max_turns:
            raise RuntimeError("Team.next was stopped: max_turns is used up")
        # one more
        self.turn += 1
        return members[self.turn % len(members)]
"""
_BESIDE = """\
class Agent:
    def query(self, messages):
        if 0 < self.config.cost_limit <= self.cost:
            raise LimitsExceeded("too dear")
        self.calls += 1
        return self.model.query(messages)
"""


class FixLimit(PythonOperator):
    """Mends the five usual ways in which a limit does not hold.

    `falsy-zero`: `x or default`, `if limit and …`, `if limit:` and `if not limit:` treat a limit of 0 as none; they
    become tests for None. `skipped-on`: a counter that a `continue` jumps over is advanced before it. `off-by-one`:
    `>` becomes `>=`, and `<=` becomes `<`, in the comparison with the limit. `stands-still`: a counter that nothing
    moves is advanced where it is compared, before a test that lets it reach the limit and after one that does not.
    `uncompared`: a limit that nothing is held against is held against what the function counts, before it counts on;
    the run is left as a limit `beside` it is left, else by a RuntimeError. Only where it is clear what says that there
    is no limit, and what counts the calls.

    Anchor: the comparison, default or loop, or the function that holds it.

    Parameters:
        form: `falsy-zero`, `skipped-on`, `off-by-one`, `stands-still` or `uncompared`; by default whichever of the
            first two stands at the anchor.
        counter: source of the counter (`self.calls`); by default what the loop or function advances with `+= 1`.
        limit: source of the limit, when the anchor holds several; with `beside`, its name.
        beside: name of a limit of the same settings that is compared in the function.
    """

    name = "fix-limit"
    summary = "Make a limit hold when it is zero, on every path, and by counting at all."
    fix_safety = (
        "A run that passed only because its limit did not hold may now be stopped. Where 0 was to say 'no limit', "
        "the test for None makes it say 'none at all': look at what the settings and their documentation say of it. A "
        "counter that stood still is advanced where the limit is looked at: where that happens more or less often than "
        "what it counts, the line belongs elsewhere."
    )
    examples = (
        EditExample(
            _OR,
            _OR.replace(
                "command_limit or config.command_limit",
                "config.command_limit if command_limit is None else command_limit",
            ),
            qualname="ToolBox.__init__",
            line=4,
        ),
        EditExample(_AND, _AND.replace("if limit and", "if limit is not None and"), qualname="spent", line=2),
        EditExample(
            _SKIP,
            _SKIP.replace("            # nothing to do\n", "            calls += 1\n            # nothing to do\n"),
            qualname="run",
            line=3,
            end_line=9,
            parameters={"form": "skipped-on", "counter": "calls"},
        ),
        EditExample(
            _AND.replace("limit and calls >= limit", "calls > limit"),
            _AND.replace("limit and calls >= limit", "calls >= limit"),
            qualname="spent",
            line=2,
            parameters={"form": "off-by-one"},
        ),
        EditExample(
            _STILL,
            _COUNTED,
            qualname="Agent.query",
            line=8,
            parameters={"form": "stands-still", "counter": "self.steps"},
        ),
        EditExample(
            _STILL.replace(">=", ">"),
            _STILL.replace(">=", ">").replace("        # no more", "        self.steps += 1\n        # no more"),
            qualname="Agent.query",
            line=8,
            parameters={"form": "stands-still", "counter": "self.steps"},
        ),
        EditExample(
            _KEPT,
            _HELD,
            qualname="Team.next",
            line=8,
            parameters={"form": "uncompared", "limit": "self.max_turns", "counter": "self.turn"},
        ),
        EditExample(
            _BESIDE,
            _BESIDE.replace(
                "        self.calls",
                "        if 0 < self.config.step_limit <= self.calls:\n"
                '            raise LimitsExceeded("Agent.query was stopped: step_limit is used up")\n'
                "        self.calls",
            ),
            qualname="Agent.query",
            line=3,
            parameters={"form": "uncompared", "limit": "step_limit", "beside": "cost_limit"},
        ),
        EditExample(
            _BESIDE.replace(
                "if 0 < self.config.cost_limit <=", "if self.config.cost_limit and self.config.cost_limit <="
            ),
            "",
            qualname="Agent.query",
            line=3,
            parameters={"form": "uncompared", "limit": "step_limit", "beside": "cost_limit"},
        ),
        EditExample(
            _KEPT.replace("max_turns=None", "max_turns=-1"),
            "",
            qualname="Team.next",
            line=8,
            parameters={"form": "uncompared", "limit": "self.max_turns", "counter": "self.turn"},
        ),
        EditExample(
            _BESIDE.replace("        self.calls += 1\n", ""),
            "",
            qualname="Agent.query",
            line=3,
            parameters={"form": "uncompared", "limit": "step_limit", "beside": "cost_limit"},
        ),
        EditExample(
            _STILL.replace("if self.steps", "return self.steps").replace("step_limit:", "step_limit"),
            "",
            qualname="Agent.query",
            line=8,
            parameters={"form": "stands-still", "counter": "self.steps"},
        ),
        EditExample("def name_of(user):\n    return user.name or 'nobody'\n", "", qualname="name_of", line=2),
        EditExample(_OR.replace("command_limit or", "ask('limit') or"), "", qualname="ToolBox.__init__", line=4),
        EditExample(_OR.replace("config.command_limit", "load(config)"), "", qualname="ToolBox.__init__", line=4),
        EditExample(
            _SKIP.replace("            continue", "            act(reply)"), "", qualname="run", line=3, end_line=9
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Mend the limit at the anchor."""
        form = parameters.text(spec, "form")
        ways = {
            "falsy-zero": _falsy,
            "skipped-on": _skipped,
            "off-by-one": _off_by_one,
            "stands-still": _still,
            "uncompared": _uncompared,
        }
        if form and form not in ways:
            raise Refusal(f"there is no edit for the form {form[:40]!r}")
        for name, way in ways.items():
            if form == name or (not form and name in ("falsy-zero", "skipped-on")):
                found = way(file, anchor, spec)
                if found is not None:
                    return file.rewrite(found)
        raise Refusal(f"{anchor.place} holds no limit of a form that is understood")


def _is_limit(file: PythonFile, node: cst.BaseExpression, spec: RepairSpec) -> bool:
    wanted = parameters.text(spec, "limit")
    source = file.code(node)
    return isinstance(node, _PLAIN) and (source == wanted if wanted else bool(_LIMIT.search(source.rsplit(".", 1)[-1])))


def _falsy(file: PythonFile, anchor: Anchor, spec: RepairSpec) -> dict[cst.CSTNode, Change] | None:
    changes: dict[cst.CSTNode, Change] = {}
    for node in file.find(anchor, cst.BooleanOperation, lambda n: isinstance(n.operator, cst.Or)):
        named = parameters.text(spec, "form") == "falsy-zero" and isinstance(node.left, _PLAIN)
        if (named or _is_limit(file, node.left, spec)) and isinstance(node.right, (*_PLAIN, cst.BaseNumber)):
            changes[node] = _if_none(file, node)
    tests: list[cst.BaseExpression] = [node.test for node in file.find(anchor, cst.If)]
    tests += [node.test for node in file.find(anchor, cst.While)] + [node.test for node in file.find(anchor, cst.IfExp)]
    for test in tests:
        for part, negated in _operands(test):
            if _is_limit(file, part, spec):
                target = next(file.parents(part)) if negated else part
                source = f"{file.code(part)} is {'' if negated else 'not '}None"
                changes[target] = becomes(file.expression(source))
    if changes:
        return changes
    done = file.find(
        anchor, cst.Comparison, lambda node: " is " in file.code(node) and file.code(node).endswith("None")
    )
    return {} if any(_is_limit(file, node.left, spec) for node in done) else None


def _if_none(file: PythonFile, node: cst.BooleanOperation) -> Change:
    value, default = file.code(node.left), file.code(node.right)
    above = next(file.parents(node))
    whole = isinstance(above, (cst.Assign, cst.AnnAssign, cst.Arg, cst.Return, cst.DictElement))
    source = f"{default} if {value} is None else {value}"
    made = file.expression(source if whole or node.lpar else f"({source})")
    return lambda old: made.with_changes(lpar=old.lpar, rpar=old.rpar) if old.lpar else made


def _operands(test: cst.BaseExpression) -> list[tuple[cst.BaseExpression, bool]]:
    """The parts of a test that are joined by `and` or `or`, each with whether it is negated."""
    if isinstance(test, cst.BooleanOperation):
        return [*_operands(test.left), *_operands(test.right)]
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return [(test.expression, True)]
    return [(test, False)]


def _skipped(file: PythonFile, anchor: Anchor, spec: RepairSpec) -> dict[cst.CSTNode, Change] | None:
    wanted = parameters.text(spec, "counter")
    for node in file.find(anchor, cst.AugAssign, lambda n: isinstance(n.operator, cst.AddAssign)):
        counter = file.code(node.target)
        loop = loop_around(file, node)
        if loop is None or (counter != wanted if wanted else file.code(node.value) != "1"):
            continue
        line = own_line(file, node)
        if next(file.parents(line)) is not loop.body:
            raise Refusal(f"{file.path}:{file.line(node)} counts on some paths only, and not at the loop's own level")
        skips = [skip for skip in file.within(loop, cst.Continue) if loop_around(file, skip) is loop]
        early = [skip for skip in skips if file.line(skip) < file.line(node)]
        count = file.statements(f"{file.code(node).strip()}\n")
        changes: dict[cst.CSTNode, Change] = {}
        for skip in early:
            skip_line = own_line(file, skip)
            block = next(file.parents(skip_line))
            assert isinstance(block, cst.IndentedBlock)
            place = list(block.body).index(skip_line)
            previous = block.body[place - 1] if place else None
            if previous is None or file.code(previous).strip() != file.code(node).strip():
                changes[skip_line] = before(count)
        if changes or early:
            return changes
    return None


def _still(file: PythonFile, anchor: Anchor, spec: RepairSpec) -> dict[cst.CSTNode, Change] | None:
    counter = parameters.text(spec, "counter")
    moves = f"{counter} += 1"
    for test in file.find(anchor, cst.Comparison, lambda n: len(n.comparisons) == 1 and counter in _sides(file, n)):
        around = file.statement(test)
        block = next(file.parents(around))
        if not isinstance(around, cst.If) or around.orelse is not None or not isinstance(block, cst.IndentedBlock):
            raise Refusal(f"{file.path}:{file.line(test)} is no test of a branch, beside which it could be counted")
        if any(file.code(line).strip() == moves for line in block.body):
            return {}
        reaches = isinstance(
            test.comparisons[0].operator, cst.GreaterThan if _on_left(file, test, counter) else cst.LessThan
        )
        counted = file.statements(f"{moves}\n")
        return {around: before(counted) if reaches else after(counted)}
    return None


def _uncompared(file: PythonFile, anchor: Anchor, spec: RepairSpec) -> dict[cst.CSTNode, Change] | None:
    limit, name = parameters.text(spec, "limit"), parameters.text(spec, "beside")
    holder = file.definition(anchor.qualname, anchor.start_line)
    if not isinstance(holder, cst.FunctionDef) or not limit:
        return None
    beside = _beside(file, holder, name) if name else None
    if name and beside is None:
        raise Refusal(f"{anchor.place} holds nothing against {name[:40]} in a way that is understood")
    if beside is None and not _is_unset_by_default(file, holder, limit):
        raise Refusal(f"{limit[:40]} is not None by default, and what else says that there is none is not known")
    limit = f"{beside.owner}.{limit}" if beside is not None else limit
    node = _counted(file, holder, parameters.text(spec, "counter"))
    counter = file.code(node.target)
    test = (beside.guard if beside is not None else _UNLESS_NONE).format(limit=limit, counter=counter)
    if any(file.code(branch.test) == test for branch in file.within(holder, cst.If)):
        return {}
    reason = f"{anchor.qualname} was stopped: {limit.rpartition('.')[2]} is used up"
    leave = f'raise {beside.raises if beside is not None else "RuntimeError"}("{reason}")'
    return {own_line(file, node): before(file.statements(f"if {test}:\n    {leave}\n"))}


@dataclass(frozen=True)
class _Beside:
    """What a limit of the same settings is read from, the test that holds something against one, and what is raised."""

    owner: str
    guard: str
    raises: str


def _beside(file: PythonFile, holder: cst.FunctionDef, name: str) -> _Beside | None:
    """How a limit of that name is held, where it is clear what says that there is none."""
    for branch in file.within(holder, cst.If):
        told = file.code(branch.test)
        held = re.match(rf"0 < (self(?:\.\w+)*)\.{re.escape(name)} <=? ", told)
        unset = re.match(rf"(self(?:\.\w+)*)\.{re.escape(name)} is not None and (?!.* or )", told)
        found = held or unset
        if found is not None and (held is None or isinstance(branch.test, cst.Comparison)):
            return _Beside(found[1], _UNLESS_ZERO if held else _UNLESS_NONE, _raised(file, holder, branch))
    return None


def _counted(file: PythonFile, holder: cst.FunctionDef, wanted: str) -> cst.AugAssign:
    """Where a function counts its calls: the counter that is wanted, else the only one that is named so.

    Raises `Refusal` when there is none, or one that does not count each call.
    """
    ones = [
        node
        for node in file.within(holder, cst.AugAssign)
        if isinstance(node.operator, cst.AddAssign) and file.code(node.value) == "1" and _is_plain(file, node, holder)
    ]
    found = [node for node in ones if file.code(node.target) == wanted]
    if not wanted:
        own = ((node, file.code(node.target)) for node in ones)
        found = [node for node, told in own if told.count(".") == 1 and told[:5] == "self." and _TURNS.search(told[5:])]
    if len(found) != 1:
        raise Refusal(f"{file.path}:{file.line(holder)} counts its calls in no one place")
    return found[0]


def _is_plain(file: PythonFile, node: cst.CSTNode, holder: cst.FunctionDef) -> bool:
    """Whether a statement of a function runs at most once in a call, and not on the way out of a failure."""
    for above in file.parents(node):
        if above is holder:
            return True
        if isinstance(above, _UNPLAIN):
            return False
    return False


def _is_unset_by_default(file: PythonFile, holder: cst.FunctionDef, limit: str) -> bool:
    """Whether the setting that an object keeps under that name is None, or has to be given."""
    owner = file.klass(holder)
    name = limit.rpartition(".")[2].lstrip("_")
    for made in file.within(owner, cst.FunctionDef) if owner is not None else ():
        if made.name.value == "__init__":
            params = (*made.params.posonly_params, *made.params.params, *made.params.kwonly_params)
            given = [param for param in params if param.name.value == name]
            return all(param.default is None or file.code(param.default) == "None" for param in given)
    return False


def _raised(file: PythonFile, holder: cst.FunctionDef, branch: cst.If) -> str:
    """What a branch raises with nothing but a text, RuntimeError without such."""
    for node in file.within(branch.body, cst.Raise) if not file.within(holder, (cst.Import, cst.ImportFrom)) else ():
        call = node.exc
        given = call.args if isinstance(call, cst.Call) else ()
        if len(given) == 1 and given[0].keyword is None and isinstance(given[0].value, _TEXTS):
            assert isinstance(call, cst.Call)
            return file.code(call.func)
    return "RuntimeError"


def _sides(file: PythonFile, comparison: cst.Comparison) -> tuple[str, str]:
    return file.code(comparison.left).strip(), file.code(comparison.comparisons[0].comparator).strip()


def _on_left(file: PythonFile, comparison: cst.Comparison, counter: str) -> bool:
    return _sides(file, comparison)[0] == counter


def _off_by_one(file: PythonFile, anchor: Anchor, spec: RepairSpec) -> dict[cst.CSTNode, Change] | None:
    changes: dict[cst.CSTNode, Change] = {}
    seen = False
    for node in file.find(anchor, cst.Comparison, lambda n: len(n.comparisons) == 1):
        operator = node.comparisons[0].operator
        right = node.comparisons[0].comparator
        left_is, right_is = _is_limit(file, node.left, spec), _is_limit(file, right, spec)
        if left_is == right_is:
            left_is, right_is = (
                False,
                isinstance(right, _PLAIN) and bool(re.search("(?i)limit|max|budget", file.code(right))),
            )
        new = _stricter(operator, right_is)
        seen = seen or right_is or left_is
        if new is not None:
            changes[operator] = lambda old, new=new: new.with_changes(  # type: ignore[misc]
                whitespace_before=old.whitespace_before, whitespace_after=old.whitespace_after
            )
    return changes if seen else None


def _stricter(operator: cst.BaseCompOp, limit_on_the_right: bool) -> cst.BaseCompOp | None:
    if limit_on_the_right:
        if isinstance(operator, cst.GreaterThan):
            return cst.GreaterThanEqual()
        return cst.LessThan() if isinstance(operator, cst.LessThanEqual) else None
    if isinstance(operator, cst.LessThan):
        return cst.LessThanEqual()
    return cst.GreaterThan() if isinstance(operator, cst.GreaterThanEqual) else None
