"""A call that holds the whole event loop until it is done."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext
from harnessfix_ir.source.words import words

from .base import hazard

_BLOCKS = words(
    """
    time.sleep os.system urllib.request.urlopen subprocess.run subprocess.call subprocess.check_call
    subprocess.check_output requests.get requests.post requests.put requests.patch requests.delete requests.head
    requests.request httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.request
    """
)


class BlockedLoop(Role):
    """`time.sleep(delay)` in an `async def`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if not isinstance(scope.node, ast.AsyncFunctionDef):
                continue
            for call in scope.of(ast.Call):
                name = callee(call, scope)
                if name in _BLOCKS and not any(isinstance(a, (ast.Lambda, ast.Await)) for a in file.ancestors(call)):
                    yield hazard("blocked-loop", scope, call).add("call", name)
