"""What is written out, or taken apart, in part only is what it would be as a whole."""

import inspect
import json.decoder
import re
import textwrap
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import libcst as cst
import pytest

from harnessfix_repairs.auditing.python_symbols import lost_comments
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.rendering import code_beside

ODD = '''\
#!/usr/bin/env python
# head

import os  # first
import sys; import re
x = """
# no comment
"""; y = 1  # one

@decorated  # two
# three
def f():
    return 1
    # foot of f

# of g
def g(): return 2
g = 1
g = 1

class K:
    # inside
    a = 1
if x:
    pass
# end'''
TEXTS = (ODD, ODD + "\n", ODD.replace("\n", "\r\n"), inspect.getsource(json.decoder), inspect.getsource(textwrap))
Body = list[Any]


def _first_changed(body: Body) -> Body:
    return [cst.parse_statement("new = 0"), *body[1:]]


def _put_before(body: Body) -> Body:
    return [cst.parse_statement("new = 0"), *body]


def _put_inside(body: Body) -> Body:
    return [*body[:3], cst.parse_statement("new = 0\n"), *body[3:]]


def _put_behind(body: Body) -> Body:
    return [*body, cst.parse_statement("new = 0\n")]


def _every_second(body: Body) -> Body:
    return body[::2]


def _two_places(body: Body) -> Body:
    return [body[0], cst.parse_statement("a = 0\n"), *body[1:-1], cst.parse_statement("b = 0\n"), body[-1]]


def _each_new(body: Body) -> Body:
    return [statement.deep_clone() for statement in body]


def _turned(body: Body) -> Body:
    return body[::-1]


def _none(body: Body) -> Body:
    return []


WAYS = (_first_changed, _put_before, _put_inside, _put_behind, _every_second, _two_places, _each_new, _turned, _none)


@pytest.mark.parametrize("text", TEXTS, ids=("odd", "odd and ended", "crlf", "decoder", "textwrap"))
@pytest.mark.parametrize("way", WAYS)
def test_a_changed_module_is_written_as_libcst_writes_it(text: str, way: Callable[[Body], Body]) -> None:
    old = cst.parse_module(text)
    new = old.with_changes(body=way(list(old.body)))
    assert code_beside(old, text, new) == new.code
    headless = new.with_changes(header=[])
    assert code_beside(old, text, headless) == headless.code


def _all_comments(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)


@pytest.mark.parametrize("text", TEXTS, ids=("odd", "odd and ended", "crlf", "decoder", "textwrap"))
def test_lost_comments_are_those_that_all_tokens_tell_of(text: str) -> None:
    lines = text.splitlines(keepends=True)
    versions: Sequence[str] = [
        "".join(line for line in lines if not re.match(r"\s*#", line)),
        text.replace("# no comment", "none").replace("# one", "# 1"),
        text.replace("# two", "").replace("# of g", "# of g\n# of g"),
        text + ("" if text.endswith("\n") else "\n") + "# more\n",
        text,
    ]
    for version in versions:
        assert lost_comments(text, version) == _all_comments(text) - _all_comments(version)
        assert lost_comments(version, text) == _all_comments(version) - _all_comments(text)


@pytest.mark.parametrize("text", TEXTS, ids=("odd", "odd and ended", "crlf", "decoder", "textwrap"))
@pytest.mark.parametrize("pattern", ["two|decorated", "a", "nothing has this", "g"])
def test_statements_without_what_is_looked_for_are_passed_over_and_no_other(text: str, pattern: str) -> None:
    file, whole = PythonFile("a.py", text), PythonFile("a.py", text)
    wanted = re.compile(pattern)
    found = [node.value for node in file.within(file.module, cst.Name, holding=wanted) if wanted.search(node.value)]
    assert found == [node.value for node in whole.within(whole.module, cst.Name) if wanted.search(node.value)]
    for node in file.within(file.module, cst.Name, holding=wanted):
        assert [*file.parents(node)][-1] is file.module
