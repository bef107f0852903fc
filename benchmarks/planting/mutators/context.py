"""Context: what the model is shown."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.vocabulary import Layer
from planting.mutator import Mutator, PythonMutator
from planting.source import Edit, Function, Source

ASKS = re.compile(r"^(await )?[\w.]*(model|client|llm)[\w.]*\.(query|generate|complete|create|request|chat)\(")
BOUNDED = re.compile(r"^len\((\w+)\) (<=|<|>|>=) ")


class Bound(PythonMutator):
    """A long text goes into the prompt whole; it counts from about a thousand tokens more on, below which it does no
    harm."""

    name = "output-unbounded"
    layer = Layer.CONTEXT
    causes = frozenset(("C101", "C107"))
    operators = frozenset(("bound-observation", "budget-context"))
    harms_from = 4_000

    def find(self, source: Source) -> Iterator[Edit]:
        """Functions that cut a parameter of theirs when it is too long."""
        for name, function in source.functions():
            found = _shortener(function)
            if found is not None:
                rest, variable = found
                yield source.replace_all(rest, f"return {variable}", name)


class Marker(PythonMutator):
    """A long text is cut, and nothing says so."""

    name = "cut-unmarked"
    layer = Layer.CONTEXT
    causes = frozenset(("C102",))
    operators = frozenset(("bound-observation",))

    def find(self, source: Source) -> Iterator[Edit]:
        """The same functions, keeping the head alone."""
        for name, function in source.functions():
            found = _shortener(function)
            if found is None:
                continue
            rest, variable = found
            test = next(node.test for node in rest if isinstance(node, ast.If))
            assert isinstance(test, ast.Compare)
            limit = source.segment(test.comparators[0])
            yield source.replace_all(rest, f"return {variable}[:{limit}]", name)


def _shortener(function: Function) -> tuple[list[ast.stmt], str] | None:
    """Statements from the length test on, and the name of the text that is cut."""
    parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    for at, node in enumerate(function.body):
        if not isinstance(node, ast.If):
            continue
        match = BOUNDED.match(ast.unparse(node.test))
        if match is None or match[1] not in parameters:
            continue
        rest = function.body[at:]
        final = node.orelse[-1] if node.orelse and rest == [node] else rest[-1]
        cuts = [
            s
            for part in rest
            for s in ast.walk(part)
            if isinstance(s, ast.Subscript) and isinstance(s.slice, ast.Slice)
        ]
        if any(ast.unparse(cut.value) == match[1] for cut in cuts) and isinstance(final, ast.Return):
            return rest, match[1]
    return None


class Turn(PythonMutator):
    """A turn of the model that could not be used is missing from the next request."""

    name = "turn-dropped"
    layer = Layer.CONTEXT
    causes = frozenset(("C104", "C103"))
    operators = frozenset(("preserve-turn", "preserve-evidence"))

    def find(self, source: Source) -> Iterator[Edit]:
        """Lists of messages that begin with the assistant's and go on with another; what a function keeps of a reply
        that it asked for."""
        for name, function in source.functions():
            yield from self._kept(source, name, function)
            for node in source.inside(function):
                if not isinstance(node, ast.List) or len(node.elts) < 2 or not isinstance(node.elts[0], ast.Dict):
                    continue
                if re.search(r"['\"]role['\"]: ['\"]assistant['\"]", source.segment(node.elts[0])):
                    kept = ", ".join(source.segment(element) for element in node.elts[1:])
                    yield source.replace(node, f"[{kept}]", name)

    def _kept(self, source: Source, name: str, function: Function) -> Iterator[Edit]:
        replies = {
            ast.unparse(node.targets[0])
            for node in source.inside(function)
            if isinstance(node, ast.Assign) and ASKS.search(source.segment(node.value))
        }
        for node in source.inside(function):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and len(node.value.args) == 1:
                keeps = re.search(r"(append|extend|add_messages?)$", ast.unparse(node.value.func))
                if keeps and ast.unparse(node.value.args[0]).partition(".")[0] in replies:
                    yield source.remove(node, name)


class Placeholder(Mutator):
    """A placeholder of a prompt file is sent as it stands."""

    name = "placeholder-unrendered"
    layer = Layer.CONTEXT
    causes = frozenset(("C110",))
    operators = frozenset(("fix-template",))
    suffixes = (".md", ".txt")

    def edits(self, text: str) -> Iterator[Edit]:
        """`{name}` to `{{name}}`, which `str.format` leaves in the text."""
        for match in re.finditer(r"(?<!\{)\{(\w+)\}(?!\})", text):
            yield Edit(match.start(), match.end(), f"{{{{{match[1]}}}}}", "")


class Setting(Mutator):
    """A key of a settings file is misspelt, so that nobody reads it."""

    name = "setting-misspelt"
    layer = Layer.CONTEXT
    causes = frozenset(("C109",))
    operators = frozenset(("revive-setting",))
    suffixes = (".yaml", ".yml")

    def edits(self, text: str) -> Iterator[Edit]:
        """Keys of numbers at the top, and one level below it."""
        for match in re.finditer(r"^( {0,4})(\w*_\w+)(?=: +[\d.]+\s*(#.*)?$)", text, re.MULTILINE):
            wrong = match[2][:-1] if match[2].endswith("s") else match[2] + "s"
            yield Edit(match.start(2), match.end(2), wrong, wrong)
