"""Bounding a text in Python code: with the function that the file has for it, or with one that is added."""

import re

import libcst as cst

from .helpers import Helper
from .python import Change, PythonFile
from .reporting import is_textual
from .scope import parameters

HEAD_AND_TAIL = Helper(
    "_head_and_tail",
    '''\
def _head_and_tail(text, limit):
    """`text`; when it is longer than `limit`, its head and tail with the number of characters cut between them."""
    if not isinstance(text, str) or len(text) <= limit:
        return text
    tail = limit // 2
    head = limit - tail
    return f"{text[:head]}\\n[{len(text) - limit} characters cut]\\n{text[len(text) - tail:]}"
''',
)
_NAMES = re.compile(
    r"(?i)(^|[._])(output|stdout|stderr|observation|result|content|response|text|body|error|exc|exception|traceback|page|"
    r"message|data|logs?|out|err|e)$"
)
_NOT_SHOWN = (cst.Comparison, cst.UnaryOperation, cst.Lambda, cst.Subscript)


def is_observation_name(source: str) -> bool:
    """Whether a name is one that harnesses give to what a tool answered."""
    return bool(_NAMES.search(source))


class Shortener:
    """How texts are bounded in one file.

    Args:
        file: the file.
        limit: source of the bound in characters, for the function that is added.
    """

    def __init__(self, file: PythonFile, limit: str) -> None:
        self.file = file
        self.limit = limit
        self.needs_helper = False
        self._own = [node for node in file.within(file.module, cst.FunctionDef) if _keeps_both_ends(file, node)]

    def wrap(self, node: cst.BaseExpression, *, limit: str = "", inner: str = "") -> Change:
        """A change that bounds an expression.

        Args:
            node: the expression as it stands.
            limit: source of another bound, for which the file's own function is not used.
            inner: source of what is bounded instead of the expression itself.
        """
        source = inner or self.file.code(node)
        own = "" if limit else self._name_at(node)
        if own:
            call = self.file.expression(f"{own}({source})")
        else:
            self.needs_helper = True
            call = self.file.expression(f"{HEAD_AND_TAIL.name}({source}, {limit or self.limit})")
        return lambda _: call

    @property
    def helpers(self) -> list[Helper]:
        """What the changes made so far need."""
        return [HEAD_AND_TAIL] if self.needs_helper else []

    def is_bounded(self, node: cst.CSTNode) -> bool:
        """Whether an expression is cut: by a slice, or by a function that shortens."""
        for call in self.file.within(node, cst.Call):
            name = self.file.code(call.func).rsplit(".", 1)[-1]
            own = any(name == function.name.value for function in self._own)
            if own or name == HEAD_AND_TAIL.name or re.search(r"(?i)trunc|shorten|clip|abbreviat", name):
                return True
        if any(isinstance(part.slice, cst.Slice) for part in self.file.within(node, cst.SubscriptElement)):
            return True
        return isinstance(node, cst.Name) and any(self.is_bounded(value) for value in self._assigned(node))

    def _assigned(self, node: cst.Name) -> list[cst.BaseExpression]:
        """What the function around a name assigns to it, other than itself."""
        scope = self.file.function(node)
        if scope is None:
            return []
        return [
            assign.value
            for assign in self.file.within(scope, cst.Assign)
            if any(isinstance(t.target, cst.Name) and t.target.value == node.value for t in assign.targets)
            and not isinstance(assign.value, cst.Name)
        ]

    def _name_at(self, node: cst.CSTNode) -> str:
        klass = self.file.klass(self.file.function(node) or node)
        for function in self._own:
            above = next(self.file.parents(function))
            if self.file.function(node) is function:
                continue
            if isinstance(above, cst.Module):
                return function.name.value
            if klass is not None and above is klass.body and not function.decorators:
                return f"self.{function.name.value}"
        return ""


def _keeps_both_ends(file: PythonFile, function: cst.FunctionDef) -> bool:
    """Whether a function, of one text, keeps head and tail."""
    names = [name for name in parameters(function) if name not in ("self", "cls")]
    required = [param for param in function.params.params if param.default is None and param.name.value in names]
    if not names or len(required) != 1 or function.params.kwonly_params or function.asynchronous:
        return False
    lower = upper = False
    for part in file.within(function.body, cst.Subscript):
        if isinstance(part.value, cst.Name) and part.value.value == names[0] and len(part.slice) == 1:
            cut = part.slice[0].slice
            if isinstance(cut, cst.Slice):
                lower = lower or cut.lower is not None
                upper = upper or cut.lower is None
    return lower and upper


def shown(file: PythonFile, node: cst.CSTNode) -> bool:
    """Whether an expression's value goes on as text: not a test, a receiver, an index or a callee."""
    child = node
    for above in file.parents(node):
        if isinstance(above, _NOT_SHOWN) or (isinstance(above, cst.Attribute) and above.value is child):
            return False
        if isinstance(above, cst.Call) and above.func is child:
            return False
        if isinstance(above, cst.Call) and file.code(above.func) in ("len", "isinstance", "type", "id", "bool"):
            return False
        if isinstance(above, (cst.If, cst.While, cst.Assert, cst.IfExp)) and above.test is child:
            return False
        if isinstance(above, (cst.AssignTarget, cst.Del, cst.ExceptHandler, cst.For, cst.WithItem)):
            return False
        if isinstance(above, cst.Raise):
            return True
        if isinstance(above, (cst.BaseSmallStatement, cst.BaseCompoundStatement)):
            return isinstance(above, (cst.Return, cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Expr))
        child = above
    return False


def is_text(file: PythonFile, node: cst.BaseExpression) -> bool:
    """Whether an expression is known to be a text: by its form, its annotation, or what it was assigned."""
    if is_textual(file, node):
        return True
    function = file.function(node)
    if not isinstance(node, cst.Name) or function is None:
        return False
    for param in (*function.params.params, *function.params.kwonly_params):
        if param.name.value == node.value and param.annotation is not None:
            return file.code(param.annotation.annotation).replace(" ", "") in ("str", "str|None", "Optional[str]")
    for assign in file.within(function, cst.Assign):
        if any(isinstance(t.target, cst.Name) and t.target.value == node.value for t in assign.targets):
            return is_textual(file, assign.value)
    return False
