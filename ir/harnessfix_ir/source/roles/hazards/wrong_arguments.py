"""A call that its function cannot take: a TypeError on a way that nobody has gone yet."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import is_stub
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard
from .signatures import function_called, is_plain, misfit


class WrongArguments(Role):
    """`self.list_files(path)` where `list_files(self, repository, path)` is a method of the same class."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            called = function_called(call, scope, file)
            if called is None or (is_stub(called.function) and isinstance(called.function.body[-1], ast.Raise)):
                continue  # what stands for methods of other classes, which may take other arguments
            if is_plain(called) and (why := misfit(call, called)):
                yield hazard("wrong-arguments", scope, call).add("calls", called.qualname).add("misfit", why)
