"""Every rule, by its own examples: it speaks on the bad harness and is silent on the good one, both tried for real."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harnessfix.diagnoser import diagnose_run, diagnose_source
from harnessfix.rules import Example, Rule, all_rules
from harnessfix_collectors.readers import read_bytes
from harnessfix_collectors.record import record
from harnessfix_ir.compiler.compile import compile_run
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import Severity, Verdict
from harnessfix_repairs.operators import all_operators

RULES = all_rules()
BY_CODE = {rule.code: rule for rule in RULES}
TIMEOUT = 60.0
LONGEST_MESSAGE = 700

posix = pytest.mark.skipif(sys.platform == "win32", reason="the examples run POSIX shell commands")


@dataclass(frozen=True)
class Tried:
    """An example, read, and run when it can be: the model of its source and its compiled runs."""

    model: HarnessModel
    runs: Sequence[Htir]
    exit_code: int | None


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Example], Tried]:
    """Read and record an example, once in a session."""
    known: dict[int, Tried] = {}

    def try_once(example: Example) -> Tried:
        if id(example) not in known:
            known[id(example)] = _try(example, tmp_path_factory.mktemp("example"))
        return known[id(example)]

    return try_once


def _try(example: Example, folder: Path) -> Tried:
    harness = folder / "harness"
    for name, text in example.files.items():
        path = harness / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    model = read_harness([harness])
    assert not [file.error for file in model.files if file.error]
    if example.run is None:
        return Tried(model, (), None)
    command = [sys.executable, *example.run]
    result = record(command, model=model, spool_root=folder / "spool", cwd=harness, timeout=TIMEOUT, quiet=True)
    assert not result.missing
    runs = [compile_run(recording, model) for recording in read_bytes(result.data, "example")]
    return Tried(model, runs, result.exit_code)


def _diagnoses(rule: Rule, tried: Tried) -> tuple[list[Diagnosis], list[Diagnosis]]:
    """What the rule says of the source, and of the runs; a claim that does not resolve fails the test."""
    reports = [diagnose_source(tried.model, [rule]), *(diagnose_run(run, tried.model, [rule]) for run in tried.runs)]
    dropped = [words for report in reports for words in report.incomplete if words.startswith("rule ")]
    assert not dropped
    return reports[0].diagnoses, [diagnosis for report in reports[1:] for diagnosis in report.diagnoses]


@posix
@pytest.mark.parametrize("code", BY_CODE)
def test_rule_speaks_on_the_bad_harness(code: str, tried: Callable[[Example], Tried]) -> None:
    rule = BY_CODE[code]
    bad = tried(rule.bad)
    in_source, in_runs = _diagnoses(rule, bad)
    if rule.bad.run is None:
        assert in_source
    else:
        assert bad.exit_code == rule.bad.exit_code
        assert in_runs, [run.run.outcome for run in bad.runs]
    for diagnosis in (*in_source, *in_runs):
        assert 0 < len(diagnosis.message) <= LONGEST_MESSAGE
        assert diagnosis.message.isprintable()
        assert all(len(text) <= 200 and text.isprintable() for _, text in diagnosis.quotes)
        leads = diagnosis.verdict is Verdict.UNKNOWN  # where to look, which claims little
        assert (0 if leads else 0.3) <= diagnosis.confidence < 1
    for diagnosis in (diagnosis for diagnosis in in_runs if diagnosis.verdict is not Verdict.UNKNOWN):
        assert diagnosis.responsible_step in diagnosis.path
        assert diagnosis.symptom_step in diagnosis.path
        assert re.search(r"\bs\d+\b", diagnosis.message)


@posix
@pytest.mark.parametrize("code", BY_CODE)
def test_rule_is_silent_on_the_good_harness(code: str, tried: Callable[[Example], Tried]) -> None:
    rule = BY_CODE[code]
    good = tried(rule.good)
    assert good.exit_code == (None if rule.good.run is None else rule.good.exit_code)
    in_source, in_runs = _diagnoses(rule, good)
    assert not [diagnosis.message for diagnosis in (*in_source, *in_runs)]


@posix
@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.good.run is not None])
def test_no_other_rule_blames_the_good_harness(code: str, tried: Callable[[Example], Tried]) -> None:
    """No error is said of a harness that works, and no rule fails, with its source or without."""
    good = tried(BY_CODE[code].good)
    blind = HarnessModel(root=good.model.root)
    for run in good.runs:
        joined, traced = diagnose_run(run, good.model, RULES), diagnose_run(run, blind, RULES)
        assert not [d.message for d in joined.diagnoses if d.severity is Severity.ERROR]
        assert not [words for words in (*joined.incomplete, *traced.incomplete) if " failed on " in words]


@pytest.mark.parametrize("code", BY_CODE)
def test_rule_is_complete(code: str) -> None:
    rule = BY_CODE[code]
    package = type(rule).__module__.rpartition(".")[0]
    module = type(rule).__module__.rpartition(".")[2]
    assert re.fullmatch(r"[A-Z]\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert package == f"harnessfix.rules.{rule.layer.value}"
    assert module == f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
    assert rule.keeps
    assert rule.summary.endswith(".")
    assert "\n" not in rule.summary
    assert len(rule.why) > 80
    assert rule.fix
    assert rule.operator or rule.by_hand, "name an operator, or say why there is none"
    assert rule.references
    assert all(re.fullmatch(r"https://[\w.-]+/\S*", reference) for reference in rule.references)
    assert rule.bad.files.keys() == rule.good.files.keys()
    assert rule.bad.files != rule.good.files


def test_codes_and_names_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_rule_names_no_operator_that_does_not_exist() -> None:
    """Neither for all its findings nor for some of them; a rule that nothing repairs names none."""
    known = {"", *all_operators()}
    named = {(rule.code, rule.operator or "") for rule in RULES}
    for rule in RULES:
        tree = ast.parse(inspect.getsource(sys.modules[type(rule).__module__]))
        words = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "operator"]
        ways = [(word.body, word.orelse) if isinstance(word, ast.IfExp) else (word,) for word in words]
        texts = [word.value for way in ways for word in way if isinstance(word, ast.Constant)]
        named |= {(rule.code, text) for text in texts if isinstance(text, str)}
    assert len(named) > len(RULES)
    assert {(code, operator) for code, operator in named if operator not in known} == set()
