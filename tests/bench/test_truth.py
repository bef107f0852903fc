"""Where the function that a fix changed lies in the released package, by its path in the repository."""

import pytest

from harnessfix.bench.realbugs import Truth
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_ir.vocabulary import Evidence, Layer, Severity


def flaw_at(path: str, name: str) -> FlawRecord:
    best = Diagnosis(
        flaw="1234abcd",
        rule="L102",
        name="unbounded-loop",
        layer=Layer.LIFECYCLE,
        severity=Severity.WARNING,
        anchors=(Anchor(path=path, qualname=name, start_line=1, end_line=1),),
        message="",
        confidence=0.9,
        evidence=Evidence.DERIVED,
    )
    return FlawRecord(flaw=best.flaw, best=best)


@pytest.mark.parametrize(
    ("file", "installed", "other", "where"),
    [
        ("src/agents/run.py", "agents/run.py", "src/agents/mcp/util.py", "agents/mcp/util.py"),
        ("agents/run.py", "agents/run.py", "agents/mcp/util.py", "agents/mcp/util.py"),
        (
            "libs/langgraph/langgraph/pregel/main.py",
            "langgraph/pregel/main.py",
            "libs/langgraph/langgraph/types.py",
            "langgraph/types.py",
        ),
        ("lib/crewai/src/crewai/crew.py", "crewai/crew.py", "lib/crewai/src/crewai/agent.py", "crewai/agent.py"),
    ],
)
def test_a_path_of_the_repository_is_one_of_the_package(file: str, installed: str, other: str, where: str) -> None:
    truth = Truth(
        {
            "file": file,
            "installed": {"file": installed, "qualname": "Runner.run"},
            "fix_anchors": [{"file": file, "qualname": "Runner.run"}, {"file": other, "qualname": "told"}],
        }
    )
    assert truth.hit_by(flaw_at(installed, "Runner.run"))
    assert truth.hit_by(flaw_at(where, "told"))
    assert truth.hit_by(flaw_at(where, "told.inner"))
    assert not truth.hit_by(flaw_at(where, "untold"))
    assert not truth.hit_by(flaw_at(installed, "told"))
