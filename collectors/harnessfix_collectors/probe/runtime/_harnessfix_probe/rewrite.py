"""Instrument a module's syntax tree by the plan; every node keeps the position that the source gave it.

The names that instrumented code uses (`@hf`, `@s`, `@l1`) cannot be written in Python, so none of the program's can be
the same; `@hf` lives in `builtins`, so that no namespace of the program gains a name at module level.
"""

import ast

PROBE, SPAN = "@hf", "@s"
LOOKS_AT_LOCALS = ("locals", "vars", "dir", "eval", "exec", "super_locals")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def instrument(tree, plan):
    """Rewrite `tree` in place.

    Args:
        tree: parsed module.
        plan: the plan of this file: lists `functions` (`e`, `fn`, `line`), `handlers`, `loops` and `cuts` (`e`, `line`);
            the line of a function may be that of its first decorator.

    Returns:
        Names of functions that were left alone because they look at their own local names.
    """
    rewriter = _Rewriter(plan)
    rewriter.visit(tree)
    ast.fix_missing_locations(tree)
    return rewriter.left_alone


def as_main(tree):
    """Make `tree` a script's: `__spec__` and `__package__` as Python sets them for one."""
    place = _after_heading(tree.body)
    line = tree.body[place].lineno if place < len(tree.body) else 1
    lines = ast.parse("__spec__ = None\n__package__ = None").body
    for node in lines:
        for inner in ast.walk(node):
            if hasattr(inner, "lineno"):
                inner.lineno = inner.end_lineno = line
                inner.col_offset = inner.end_col_offset = 0
    tree.body[place:place] = lines


class _Rewriter(ast.NodeTransformer):
    def __init__(self, plan):
        self.functions = {(function["fn"], function["line"]): function["e"] for function in plan.get("functions", ())}
        self.handlers = {handler["line"]: handler["e"] for handler in plan.get("handlers", ())}
        self.loops = {loop["line"]: loop["e"] for loop in plan.get("loops", ())}
        self.cuts = {cut["line"]: cut["e"] for cut in plan.get("cuts", ())}
        self.names = []
        self.left_alone = []

    def visit_ClassDef(self, node):
        self.names.append(node.name)
        self.generic_visit(node)
        self.names.pop()
        return node

    def _function(self, node):
        self.names.append(node.name)
        name = ".".join(self.names)
        self.generic_visit(node)
        self.names.pop()
        lines = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
        number = next((self.functions[name, line] for line in lines if (name, line) in self.functions), None)
        if number is None:
            return node
        if _looks_at_locals(node):
            self.left_alone.append(name)
            return node
        return _spanned(node, number)

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        number = self.handlers.get(node.lineno)
        if number is not None:
            node.body.insert(0, _statement(_call(_attribute(PROBE, "handled"), [ast.Constant(number)]), node))
        return node

    def _loop(self, node):
        self.generic_visit(node)
        number = self.loops.get(node.lineno)
        if number is None:
            return node
        name = "@l%d" % number
        begin = ast.Assign([ast.Name(name, ast.Store())], _call(_attribute(PROBE, "loop"), [ast.Constant(number)]))
        node.body = _Breaks(name).blocks(node.body)
        node.body.insert(0, _statement(_call(_attribute(name, "tick"), []), node.body[0]))
        why = "condition" if isinstance(node, ast.While) else "exhausted"
        left = _statement(_call(_attribute(name, "left"), [ast.Constant(why)]), node)
        node.orelse.insert(0, left)
        return [_at(begin, node), node]

    visit_While = visit_For = visit_AsyncFor = _loop

    def visit_Subscript(self, node):
        self.generic_visit(node)
        number = self.cuts.get(node.lineno)
        if number is None or not isinstance(node.ctx, ast.Load) or not isinstance(node.slice, ast.Slice):
            return node
        bounds = [bound or ast.Constant(None) for bound in (node.slice.lower, node.slice.upper, node.slice.step)]
        return _at(_call(_attribute(PROBE, "cut"), [ast.Constant(number), node.value, *bounds]), node)


class _Returns(ast.NodeTransformer):
    """`return x` and `yield x` of one function, not of those inside it."""

    def _inside(self, node):
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _inside
    visit_GeneratorExp = visit_ListComp = visit_SetComp = visit_DictComp = _inside

    def visit_Return(self, node):
        self.generic_visit(node)
        value = node.value or _at(ast.Constant(None), node)
        node.value = _at(_call(_attribute(SPAN, "ret"), [value]), value)
        return node

    def visit_Yield(self, node):
        self.generic_visit(node)
        value = node.value or _at(ast.Constant(None), node)
        node.value = _at(_call(_attribute(SPAN, "suspend"), [value]), value)
        return _at(_call(_attribute(SPAN, "resume"), [node]), node)

    def visit_YieldFrom(self, node):
        self.generic_visit(node)
        node.value = _at(_call(_attribute(SPAN, "suspend"), [node.value]), node.value)
        return _at(_call(_attribute(SPAN, "resume"), [node]), node)


class _Breaks(ast.NodeTransformer):
    """`break` of one loop, not of those inside it."""

    def __init__(self, name):
        self.name = name

    def blocks(self, statements):
        return [found for statement in statements for found in _listed(self.visit(statement))]

    def _inside(self, node):
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _inside

    def _inner_loop(self, node):
        node.orelse = self.blocks(node.orelse)
        return node

    visit_While = visit_For = visit_AsyncFor = _inner_loop

    def visit_Break(self, node):
        return [_statement(_call(_attribute(self.name, "left"), [ast.Constant("break")]), node), node]


def _spanned(node, number):
    heading = 1 if _is_docstring(node.body[0]) else 0
    body = node.body[heading:]
    if not body:
        return node
    node_body = [_Returns().visit(statement) for statement in body]
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
    told = ast.Dict([ast.Constant(name) for name in names], [ast.Name(name, ast.Load()) for name in names])
    call = _call(_attribute(PROBE, "span"), [ast.Constant(number), told])
    item = ast.withitem(call, ast.Name(SPAN, ast.Store()))
    span = _at(ast.With([item], node_body), body[0])
    span.end_lineno = body[-1].end_lineno
    node.body = [*node.body[:heading], span]
    return node


def _looks_at_locals(node):
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in LOOKS_AT_LOCALS:
            bare = not inner.args and not inner.keywords
            if bare or (inner.func.id in ("eval", "exec") and len(inner.args) < 2):
                return True
    return False


def _after_heading(body):
    place = 1 if body and _is_docstring(body[0]) else 0
    while place < len(body) and isinstance(body[place], ast.ImportFrom) and body[place].module == "__future__":
        place += 1
    return place


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _listed(found):
    return found if isinstance(found, list) else [found]


def _attribute(name, attribute):
    return ast.Attribute(ast.Name(name, ast.Load()), attribute, ast.Load())


def _call(function, arguments):
    return ast.Call(function, arguments, [])


def _statement(expression, where):
    return _at(ast.Expr(expression), where)


def _at(node, where):
    """Give `node` and what is new inside it the first line of `where`."""
    ast.copy_location(node, where)
    for inner in ast.walk(node):
        if isinstance(inner, (ast.expr, ast.stmt, ast.excepthandler)) and not hasattr(inner, "lineno"):
            ast.copy_location(inner, where)
            if isinstance(where, (ast.stmt, ast.excepthandler)):
                inner.end_lineno, inner.end_col_offset = inner.lineno, inner.col_offset
    return node
