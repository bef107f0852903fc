"""A check that nothing can fail: everything is an object."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard


class AlwaysInstance(Role):
    """`isinstance(output, object)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for call in scope.of(ast.Call):
                if len(call.args) != 2 or callee(call, scope) != "isinstance":
                    continue
                kinds = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
                if not any(isinstance(kind, ast.Name) and kind.id == "object" for kind in kinds):
                    continue
                own = {"object", "isinstance"} & {*scope.params, *scope.bindings}
                if not own and not any(isinstance(around, ast.Assert) for around in file.ancestors(call)):
                    yield hazard("always-instance", scope, call).add("checks", file.segment(call, 80))
