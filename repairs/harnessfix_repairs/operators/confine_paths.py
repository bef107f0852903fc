"""confine-paths: a path that comes from a model stays inside the workspace."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import report

from .base import EditExample, GuardExample, Refusal

_PLAIN = """\
class Tools:
    def __init__(self, root):
        self.root = root

    def write_file(self, path, text):
        # folders are made as needed
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return f"wrote {path}"
"""
_HELPER = """\
class Tools:
    def read_file(self, path):
        return self._inside(path).read_text()

    def write_file(self, path, text):
        target = self.root / path
        target.write_text(text)
        return "ok"

    def _inside(self, path):
        place = (self.root / path).resolve()
        if not place.is_relative_to(self.root):
            raise ToolError(f"{path} is outside the workspace")
        return place
"""
_INLINE = """\
def write_file(root, path, text):
    (root / path).write_text(text)
    return "ok"
"""
_GUARDED = """\
class Tools:
    def __init__(self, root):
        self.root = root

    def write_file(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return f"wrote {path}"
"""
_PLACE = """\
import tempfile
from pathlib import Path


def write(path):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "workspace"
        root.mkdir()
        (root / "link").symlink_to(root.parent)
        (root / "inner").symlink_to(root)
        return Tools(root).write_file(path.format(root=root), "x").replace(str(root), "{root}")
"""
_STEMS = ("a.txt", "sub/a.txt", "sub/deep/a.txt", "..a.txt", "a..b/c.txt", " a.txt")
_INSIDE = (*_STEMS, *(f"{{root}}/{stem}" for stem in _STEMS), *(f"x/../{stem}" for stem in _STEMS), "inner/a.txt")
_OUTSIDE = (
    *(f"../{stem}" for stem in _STEMS),
    *(f"x/../../{stem}" for stem in _STEMS),
    "link/a.txt",
    "{root}/../a.txt",
)


class ConfinePaths(PythonOperator):
    """Resolves a joined path and checks that it lies in the folder it was joined to, before it is used.

    Where the class has a method that does this already (it resolves, and compares with `is_relative_to`), that method
    is called; else the check is written after the assignment, and a path outside is reported as the function reports
    its errors.

    Anchor: the tool's function; edited is its one assignment `name = root / parameter` (or `os.path.join`).
    """

    name = "confine-paths"
    summary = "Keep paths of a tool inside the workspace."
    safety = Safety.UNSAFE
    fix_safety = (
        "A path outside the workspace is refused from now on, also one that the task needs: symbolic links that "
        "lead out of it are followed before the comparison. Look whether tools are meant to reach other folders."
    )
    examples = (
        EditExample(
            _PLAIN,
            _PLAIN.replace(
                "        target = self.root / path\n",
                "        target = (self.root / path).resolve()\n"
                "        if not target.is_relative_to(self.root.resolve()):\n"
                '            return f"{path} is outside the workspace"\n',
            ),
            qualname="Tools.write_file",
            line=5,
            end_line=10,
        ),
        EditExample(
            _HELPER,
            _HELPER.replace("target = self.root / path", "target = self._inside(path)"),
            qualname="Tools.write_file",
            line=5,
            end_line=8,
        ),
        EditExample(_INLINE, "", qualname="write_file", line=1, end_line=3),
    )

    guards = (
        GuardExample(
            _GUARDED,
            passes=[f"write({path!r}) == 'wrote ' + {path!r}" for path in _INSIDE],
            stops=[f"not write({path!r}).startswith('wrote')" for path in _OUTSIDE],
            setup=_PLACE,
            qualname="Tools.write_file",
            line=5,
            end_line=9,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Check the joined path at the anchor."""
        scope = file.definition(anchor.qualname, anchor.start_line)
        if not isinstance(scope, cst.FunctionDef):
            raise Refusal(f"{anchor.place} is no function")
        if "is_relative_to" in file.code(scope) or "commonpath" in file.code(scope):
            return file.text
        parameters = {parameter.name.value for parameter in scope.params.params}
        joins = [node for node in file.within(scope, cst.Assign) if _joined(file, node, parameters) is not None]
        if len(joins) != 1:
            if not joins and any(name in file.code(scope) for name in _checkers(file, scope)):
                return file.text
            raise Refusal(f"{anchor.place} does not assign one path that is joined from a folder and an argument")
        return self._confined(file, scope, joins[0], parameters)

    def _confined(self, file: PythonFile, scope: cst.FunctionDef, join: cst.Assign, parameters: set[str]) -> str:
        root, argument = _joined(file, join, parameters) or ("", "")
        target = join.targets[0].target
        if not isinstance(target, cst.Name):
            raise Refusal(f"{file.path}:{file.line(join)} assigns the path to something that is no plain name")
        helpers = _checkers(file, scope)
        if len(helpers) == 1:
            call = file.expression(f"self.{helpers[0]}({argument})")
            return file.rewrite({join.value: lambda at: call})
        joined = file.code(join.value)
        resolved = file.expression(f"({joined}).resolve()" if "/" in joined else f"Path({joined}).resolve()")
        place = "Path(" + root + ")" if "/" not in joined else root
        told = report(file, join, f'f"{{{argument}}} is outside the workspace"')
        check = f"if not {target.value}.is_relative_to({place}.resolve()):\n"
        lines = file.statements(check + "".join(f"    {line}\n" for line in told.splitlines()))
        statement = file.statement(join)
        imports = () if "/" in joined else ("pathlib:Path",)

        def checked(node: cst.SimpleStatementLine) -> cst.FlattenSentinel[cst.BaseStatement]:
            return cst.FlattenSentinel([node, *lines])

        return file.rewrite({join.value: lambda at: resolved, statement: checked}, imports=imports)


def _joined(file: PythonFile, assign: cst.Assign, parameters: set[str]) -> tuple[str, str] | None:
    """Folder and argument of `folder / argument` or `os.path.join(folder, argument)`; None for anything else."""
    value = assign.value
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.Divide):
        left, right = value.left, value.right
    elif isinstance(value, cst.Call) and file.dotted(value.func) == "os.path.join" and len(value.args) == 2:
        left, right = value.args[0].value, value.args[1].value
    else:
        return None
    plain = isinstance(left, (cst.Name, cst.Attribute)) and isinstance(right, cst.Name)
    if not plain or file.code(right) not in parameters:
        return None
    return file.code(left), file.code(right)


def _checkers(file: PythonFile, scope: cst.FunctionDef) -> list[str]:
    """Methods of the same class that take one path, resolve it, check where it leads, and return it."""
    owner = file.klass(scope)
    if owner is None:
        return []
    found = []
    for method in file.within(owner.body, cst.FunctionDef):
        source = file.code(method)
        one = len(method.params.params) == 2 and method is not scope
        if one and "resolve()" in source and "is_relative_to" in source and "return" in source:
            found.append(method.name.value)
    return found
