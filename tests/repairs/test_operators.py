"""Every operator's examples: they apply, compile, keep comments, change nothing twice, and survive git."""

import ast
import io
import subprocess
import tokenize
from pathlib import Path

import pytest

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec, Scope
from harnessfix_repairs.diff import apply_edits, parse, unified
from harnessfix_repairs.operators import EditExample, Operator, Refusal, all_operators
from harnessfix_repairs.relocate import relocated

OPERATORS = all_operators()
EXAMPLES = [
    pytest.param(operator, example, id=f"{operator.name}-{number}")
    for operator in OPERATORS.values()
    for number, example in enumerate(operator.examples)
    if not example.refused
]
REFUSALS = [
    pytest.param(operator, example, id=f"{operator.name}-{number}")
    for operator in OPERATORS.values()
    for number, example in enumerate(operator.examples)
    if example.refused
]


def anchor_of(example: EditExample) -> Anchor:
    end = example.end_line or example.line
    return Anchor(path=example.path, qualname=example.qualname, start_line=example.line, end_line=end)


def edited(operator: Operator, example: EditExample, anchor: Anchor, files: dict[str, str]) -> dict[str, str]:
    spec = RepairSpec(
        flaw="0" * 8,
        rule="X000",
        operator=operator.name,
        parameters=dict(example.parameters or {}),
        anchors=(anchor,),
        allowed=Scope(files=tuple(files), symbols=(f"{example.path}:{example.qualname}",)),
    )
    return operator.edit(files, anchor, spec)


def files_of(example: EditExample) -> dict[str, str]:
    return {example.path: example.before, **(example.files or {})}


def comments(text: str) -> list[str]:
    return [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]


@pytest.mark.parametrize(("operator", "example"), EXAMPLES)
def test_example_is_edited_as_shown(operator: Operator, example: EditExample) -> None:
    assert edited(operator, example, anchor_of(example), files_of(example)) == {example.path: example.after}


@pytest.mark.parametrize(("operator", "example"), EXAMPLES)
def test_applying_twice_changes_nothing_more(operator: Operator, example: EditExample) -> None:
    anchor = relocated(anchor_of(example), example.before, example.after)
    try:
        again = edited(operator, example, anchor, {**files_of(example), example.path: example.after})
    except Refusal:
        return
    assert again == {}


@pytest.mark.parametrize(("operator", "example"), EXAMPLES)
def test_result_compiles_and_keeps_comments(operator: Operator, example: EditExample) -> None:
    if not example.path.endswith(".py"):
        pytest.skip("not Python")
    ast.parse(example.before)
    ast.parse(example.after)
    missing = [comment for comment in comments(example.before) if comment not in comments(example.after)]
    assert missing == []


@pytest.mark.parametrize(("operator", "example"), REFUSALS)
def test_refusal_examples_are_refused_with_a_reason(operator: Operator, example: EditExample) -> None:
    with pytest.raises(Refusal, match=r"\w+ \w+"):
        edited(operator, example, anchor_of(example), files_of(example))


@pytest.mark.parametrize(("operator", "example"), EXAMPLES)
def test_diff_goes_both_ways_through_git(operator: Operator, example: EditExample, tmp_path: Path) -> None:
    before, after = example.before.encode(), example.after.encode()
    diff = unified(example.path, before, after)
    file = tmp_path / example.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before)
    subprocess.run(["git", "apply", "-"], input=diff, cwd=tmp_path, check=True)
    assert file.read_bytes() == after
    subprocess.run(["git", "apply", "-R", "-"], input=diff, cwd=tmp_path, check=True)
    assert file.read_bytes() == before
    assert apply_edits(example.path, before, parse(diff)[example.path]) == after


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=list(OPERATORS))
def test_operator_is_documented(operator: Operator) -> None:
    assert operator.summary.endswith(".")
    assert len(operator.fix_safety) > 80
    assert type(operator).__doc__
    assert "Anchor:" in str(type(operator).__doc__)
    assert any(not example.refused for example in operator.examples), "no example"
    assert any(example.refused for example in operator.examples), "no refusal"


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=list(OPERATORS))
def test_example_survives_windows_line_ends_and_tabs(operator: Operator) -> None:
    example = next(e for e in operator.examples if not e.refused)
    if not example.path.endswith(".py"):
        pytest.skip("not Python")

    def styled(text: str) -> str:
        lines = text.split("\n")
        tabbed = ["\t" * ((len(x) - len(x.lstrip(" "))) // 4) + x.lstrip(" ") for x in lines]
        return "\r\n".join(tabbed)

    anchor = anchor_of(example)
    result = edited(operator, example, anchor, {**files_of(example), example.path: styled(example.before)})
    assert result[example.path].replace("\r\n", "").count("\n") == 0
    assert ast.dump(ast.parse(result[example.path])) == ast.dump(ast.parse(styled(example.after)))
