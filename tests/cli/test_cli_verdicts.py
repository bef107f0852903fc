"""Whose fault a failed run is, as `check` and `show` tell it, from runs recorded for real."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_check_says_whose_fault_each_failed_run_is_however_often_it_is_asked(run: Run, project: Path) -> None:
    first, second = (json.loads(run(project, "check", "--format", "json").stdout) for _ in range(2))
    (found,) = first["verdicts"]
    assert found["verdict"] == "harness"
    assert found["causes"][0]["rule"] == "T102"
    assert found["causes"][0]["flaw"] in {finding["flaw"] for finding in first["findings"]}
    assert found["path"][-1]["step"] == found["symptom"]
    assert found["origin"] in [hop["step"] for hop in found["path"]]
    assert second["verdicts"] == first["verdicts"]


def test_check_lists_failed_runs_and_show_tells_the_way(run: Run, project: Path) -> None:
    assert "at fault" not in run(project, "show", "locked").stdout, "nobody has checked it yet"
    listed = run(project, "check").stdout
    assert "whose fault each failed run is" in listed
    assert "swallowed-tool-error" in listed.split("whose fault")[1]
    told = run(project, "show", "locked").stdout
    assert "at fault: harness" in told
    assert "the way:" in told
    assert "at fault" not in run(project, "show", "good").stdout


PRICES = '''\
"""Nothing here raises, and no rule knows its arithmetic."""

import json
import sys


class Model:
    def __init__(self, replies):
        self.replies = list(replies)

    def complete(self, messages):
        return self.replies.pop(0)


def price(item, count):
    """Price of COUNT pieces of ITEM."""
    each = {"bolt": 2, "rail": 40}[item]
    if count >= 10:
        total = each * count
        total -= total // 5
    else:
        total = each * count
    return str(total)


TOOLS = {"price": price}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = json.loads(self.model.complete(messages))
            messages.append({"role": "assistant", "content": json.dumps(reply)})
            if reply["tool"] == "done":
                return messages[-2]["content"]
            try:
                result = TOOLS[reply["tool"]](reply["item"], reply["count"])
            except Exception as error:
                result = f"error: {type(error).__name__}: {error}"
            messages.append({"role": "user", "content": result})
        return "gave up"


item, count, expected = sys.argv[1], int(sys.argv[2]), sys.argv[3]
call = json.dumps({"tool": "price", "item": item, "count": count})
sys.exit(Agent(Model([call, '{"tool": "done"}'])).run(f"Price of {count} {item}s?") != expected)
'''


def test_a_flaw_that_no_rule_names_is_found_in_what_failed_runs_have_in_common(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(PRICES)
    for arguments in (("bolt", "2", "4"), ("rail", "1", "40"), ("bolt", "10", "18"), ("rail", "10", "360")):
        run(tmp_path, "record", "--", sys.executable, "agent.py", *arguments)
    found = run(tmp_path, "check", "--format", "json")
    assert found.exit_code == 0, "a lead is no finding"
    document = json.loads(found.stdout)
    (lead,) = document["suspects"]
    line = 1 + next(n for n, text in enumerate(PRICES.splitlines()) if "if count >= 10" in text)
    assert [anchor["start_line"] for anchor in lead["anchors"]] == [line + 1]
    assert lead["evidence"] == "heuristic"
    for verdict in document["verdicts"]:
        assert verdict["verdict"] == "unknown"
        assert set(verdict["tied"]) == {"harness", "model"}
    assert "what failed runs that no finding explains have in common" in run(tmp_path, "check").stdout


LATE = """\
def last_of(items):
    for item in items[:-1]:
        found = item
    return found


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        return last_of([self.model.complete(task), "soup"])


class Model:
    def complete(self, task):
        return "salt"


raise SystemExit(Agent(Model()).run("What is last?") != "soup")
"""


def test_a_place_to_look_that_is_no_step_names_the_run_and_no_steps(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(LATE)
    run(tmp_path, "record", "--", sys.executable, "agent.py")
    told = run(tmp_path, "check").stdout
    place = told.partition("in last_of")[2].partition("known:")[0]
    assert "in run " in place
    assert "steps:" not in place
