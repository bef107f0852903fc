"""Anchors: from steps, with and without code information, to the lines of a harness."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.compiler import compile_run
from harnessfix_ir.compiler.routes.templates import Template, flat
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import AnchorKind, Evidence, Route, StepKind

HARNESS = {
    "depot/agent.py": '''
        import yaml
        from openai import OpenAI

        from .tools import TOOLS

        SYSTEM = """You sort parcels in the depots of one town and answer with numbers only."""
        OBSERVATION_TEMPLATE = "The tool {name} answered with these words:\\n{output}\\nGo on with the next depot."


        class Agent:
            def __init__(self, config):
                self.client = OpenAI()
                self.config = config
                self.messages = [{"role": "system", "content": SYSTEM}]

            def run(self, task):
                for _ in range(20):
                    reply = self.client.chat.completions.create(model="m", messages=self.messages)
                    call = reply.choices[0].message.tool_calls[0]
                    if call.function.name not in TOOLS:
                        raise LookupError(f"there is no tool called {call.function.name}, choose another one")
                    output = TOOLS[call.function.name](call.function.arguments)
                    self.messages.append(
                        {"role": "user", "content": OBSERVATION_TEMPLATE.format(name=call.function.name, output=output)}
                    )
        ''',
    "depot/tools.py": '''
        class DepotError(Exception):
            pass


        def count_parcels(depot):
            """Count the parcels of a depot."""
            if not depot:
                raise DepotError(f"the depot {depot!r} is not on the map of this town")
            try:
                return open(depot).read()
            except OSError:
                return "the depot could not be reached by its own telephone line"


        def closed_depot(name, year):
            return f"the depot {name} has been closed since {year} for lack of parcels"


        def list_depots():
            return "north"


        TOOLS = {"count_parcels": count_parcels, "list_depots": list_depots}
        ''',
    "depot/config.yaml": """
        agent:
          instance_template: |
            Please solve this errand for the post office: {{ task }}

            Answer within {{ limit }} steps, and mind the opening hours.
          observation_template: |
            <status>{{ output.status }}</status>
            {% if output.text | length < 500 -%}
            <answer>{{ output.text }}</answer>
            {%- else -%}
            <warning>The answer of the depot was too long to be shown in full.</warning>
            <head>{{ output.text[:200] }}</head>
            {%- endif %}
        """,
    "depot/other.yaml": """
        agent:
          instance_template: |
            Count whatever there is to count in the depot {{ task }}.
          observation_template: |
            <status>{{ output.status }}</status>
            {% if output.text | length < 500 -%}
            <answer>{{ output.text }}</answer>
            {%- else -%}
            <warning>The answer of the depot was too long to be shown in full.</warning>
            <head>{{ output.text[:200] }}</head>
            {%- endif %}
        """,
    "depot/handbook_prompt.md": """
        You keep the handbook of the parcel service and answer questions about it.

        Every answer names the page of the handbook on which it stands.
        A question that the handbook does not answer is passed on to the head office.
        Prices are always told in the currency of the country of the sender.
        Nothing is ever promised about the day of delivery.
        """,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HarnessModel:
    root = tmp_path_factory.mktemp("harness")
    for name, text in HARNESS.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    return read_harness([root])


def anchors(model: HarnessModel, *steps: tuple[StepKind, dict[str, Any]]) -> list[list[Anchor]]:
    """Anchors of steps given as kind and fields; texts of `input` and `output` are (role, text) pairs."""
    pool = TextPool()
    made = []
    for number, (kind, fields) in enumerate(steps, 1):
        fields = dict(fields)
        for side in ("input", "output"):
            fields[side] = tuple(Part(role=role, text=pool.put(text)) for role, text in fields.get(side, ()))
        made.append(
            TraceStep(**{"id": f"s{number}", "kind": kind, "name": "x", "source": Source(format="t"), **fields})
        )
    compiled = compile_run(Recording(run=RunInfo(id="r"), steps=tuple(made), texts=pool.texts), model)
    compiled.check_citations()
    return [list(step.anchors) for step in compiled.steps]


def lines(model: HarnessModel, anchor: Anchor) -> str:
    text = (Path(model.root) / anchor.path).read_text(encoding="utf-8").splitlines()
    return "\n".join(text[anchor.start_line - 1 : anchor.end_line])


def test_prompts_of_a_request_lead_to_their_literals(model: HarnessModel) -> None:
    system = "You sort parcels in the depots of one town and answer with numbers only."
    [found] = anchors(model, (StepKind.MODEL_CALL, {"input": [("system", system)]}))
    assert found[0].route is Route.LITERAL_MATCH
    assert found[0].evidence is Evidence.OBSERVED
    assert "You sort parcels" in lines(model, found[0])


def test_an_observation_leads_to_the_template_that_worded_it(model: HarnessModel) -> None:
    seen = "The tool count_parcels answered with these words:\n17 parcels\nGo on with the next depot."
    [found] = anchors(model, (StepKind.MODEL_CALL, {"input": [("user", seen)]}))
    assert found[0].route is Route.LITERAL_MATCH
    assert "Go on with the next depot" in lines(model, found[0])


def test_a_prompt_in_configuration_leads_to_its_key(model: HarnessModel) -> None:
    seen = (
        "Please solve this errand for the post office: bring it back\n\n"
        "Answer within 7 steps, and mind the opening hours.\n"
    )
    [found] = anchors(model, (StepKind.MODEL_CALL, {"input": [("user", seen)]}))
    assert (found[0].path, found[0].route) == ("depot/config.yaml", Route.CONFIG_KEY)
    assert found[0].qualname == "agent.instance_template"


def test_an_earlier_version_of_a_prompt_leads_home_as_a_guess(model: HarnessModel) -> None:
    seen = dedent(HARNESS["depot/handbook_prompt.md"]).replace("country of the sender", "country of delivery")
    [found] = anchors(model, (StepKind.MODEL_CALL, {"input": [("system", seen)]}))
    assert (found[0].path, found[0].evidence) == ("depot/handbook_prompt.md", Evidence.HEURISTIC)
    assert "another version" in found[0].reason


def test_of_equal_templates_that_of_the_file_in_use_comes_first(model: HarnessModel) -> None:
    task = "Count whatever there is to count in the depot north."
    seen = "<status>0</status>\n<answer>17 parcels</answer>\n"
    _, found = anchors(
        model,
        (StepKind.MODEL_CALL, {"input": [("user", task)]}),
        (StepKind.MODEL_CALL, {"input": [("user", task), ("assistant", "?"), ("user", seen)]}),
    )
    assert [anchor.path for anchor in found[:2]] == ["depot/other.yaml", "depot/config.yaml"]
    assert "one of 2 that say the same" in found[0].reason
    assert found[0].qualname == "agent.observation_template"


def test_a_tool_leads_to_the_function_registered_under_its_name(model: HarnessModel) -> None:
    [found] = anchors(model, (StepKind.TOOL_CALL, {"name": "count_parcels"}))
    assert (found[0].qualname, found[0].route) == ("count_parcels", Route.TOOL_REGISTRATION)


def test_an_error_text_leads_to_the_raise_that_worded_it(model: HarnessModel) -> None:
    error = ErrorInfo(type="depot.tools.DepotError", message="the depot 'moon' is not on the map of this town")
    tool, sent = anchors(
        model,
        (StepKind.TOOL_CALL, {"name": "unknown", "error": error}),
        (StepKind.MODEL_CALL, {"input": [("user", f"Error: {error.message}")]}),
    )
    for found in (tool, sent):
        assert any("raise DepotError" in lines(model, anchor) for anchor in found)


def test_a_fixed_answer_leads_to_the_handler_that_gives_it(model: HarnessModel) -> None:
    output = [("result", "the depot could not be reached by its own telephone line")]
    [found] = anchors(model, (StepKind.TOOL_CALL, {"name": "unknown", "output": output}))
    assert any(anchor.kind is AnchorKind.HANDLER for anchor in found)


def test_words_of_any_literal_lead_to_its_function(model: HarnessModel) -> None:
    output = [("result", "the depot north has been closed since 1962 for lack of parcels")]
    [found] = anchors(model, (StepKind.TOOL_CALL, {"name": "unknown", "output": output}))
    assert found[0].qualname == "closed_depot"
    assert found[0].reason.endswith("at line 16")


def test_an_error_of_another_type_does_not_lead_to_that_raise(model: HarnessModel) -> None:
    error = ErrorInfo(type="ValueError", message="the depot 'moon' is not on the map of this town")
    [found] = anchors(model, (StepKind.ERROR, {"name": "raise ValueError", "error": error}))
    assert not found


def test_a_traceback_leads_to_its_innermost_harness_line(model: HarnessModel) -> None:
    tools = (Path(model.root) / "depot/tools.py").read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(tools, 1) if "raise DepotError" in line)
    trace = (
        'Traceback (most recent call last):\n  File "/srv/app/depot/agent.py", line 22, in run\n    x\n'
        f'  File "/srv/app/depot/tools.py", line {at}, in count_parcels\n    raise\n'
        '  File "/usr/lib/python3.11/json/decoder.py", line 3, in decode\n    y\n'
    )
    error = ErrorInfo(type="DepotError", message="?", traceback=trace)
    [found] = anchors(model, (StepKind.TOOL_CALL, {"error": error}))
    assert (found[0].path, found[0].route, found[0].evidence) == ("depot/tools.py", Route.STACK, Evidence.OBSERVED)
    assert "raise DepotError" in lines(model, found[0])
    assert found[1].qualname == "Agent.run"


@pytest.mark.parametrize("root", ["", "/srv/app/", "{root}/"])
def test_recorded_places_are_completed_from_the_source(model: HarnessModel, root: str) -> None:
    path = root.format(root=model.root) + "depot/tools.py"
    given = Anchor(path=path, qualname="count_parcels", start_line=9, end_line=9, route=Route.PROBE)
    [found] = anchors(model, (StepKind.TOOL_CALL, {"anchors": (given,)}))
    assert found[0].path == "depot/tools.py"
    assert lines(model, found[0]).startswith("def count_parcels")
    assert found[0].content_hash
    assert found[0].route is Route.PROBE


def test_a_place_that_has_moved_is_not_called_observed(model: HarnessModel) -> None:
    given = Anchor(path="depot/tools.py", qualname="list_depots", start_line=4, end_line=4, route=Route.STACK)
    [found] = anchors(model, (StepKind.TOOL_CALL, {"anchors": (given,)}))
    assert found[0].evidence is Evidence.DERIVED
    assert "moved" in found[0].reason


def test_places_outside_the_harness_are_kept_as_they_are(model: HarnessModel) -> None:
    given = Anchor(path="/usr/lib/other.py", qualname="f", start_line=1, end_line=2, route=Route.STACK)
    [found] = anchors(model, (StepKind.TOOL_CALL, {"anchors": (given,)}))
    assert found == [given]


def test_what_resembles_nothing_leads_nowhere(model: HarnessModel) -> None:
    seen = [("user", "Tell me about the parcels of the town, the depots, and the tool."), ("tool", "17")]
    [found] = anchors(model, (StepKind.MODEL_CALL, {"input": seen}))
    assert not [anchor for anchor in found if anchor.route in (Route.LITERAL_MATCH, Route.CONFIG_KEY)]


def test_history_that_is_resent_is_anchored_where_it_was_new(model: HarnessModel) -> None:
    system = ("system", "You sort parcels in the depots of one town and answer with numbers only.")
    first, second = anchors(
        model,
        (StepKind.MODEL_CALL, {"input": [system, ("user", "How many?")]}),
        (StepKind.MODEL_CALL, {"input": [system, ("user", "How many?"), ("assistant", "9"), ("user", "Sure?")]}),
    )
    assert any(anchor.route is Route.LITERAL_MATCH for anchor in first)
    assert not any(anchor.route is Route.LITERAL_MATCH for anchor in second)


@pytest.mark.parametrize(
    ("template", "engine", "text", "matches"),
    [
        ("Read {path} with care", "format", "Read /a/b with care", True),
        ("Read {path} with care", "format", "Read /a/b without care", False),
        ("Braces {{stay}} here for {name}", "format", "Braces {stay} here for you", True),
        (
            "{% if a %}First words here. {% endif %}Second words, always here.",
            "jinja",
            "Second words, always here.",
            True,
        ),
        ("Took %d seconds in %s today", "", "Took 3 seconds in Rome today", True),
        ("{x}{y}", "format", "anything", False),
        ("ok", "literal", "ok", False),
        ("Two  spaces\nand lines", "literal", "so: Two spaces and lines.", True),
    ],
)
def test_templates_match_what_they_word(template: str, engine: str, text: str, matches: bool) -> None:
    made = Template(template, engine)
    assert (made.usable and made.match(flat(text)) is not None) is matches


def test_exceptions_lead_to_the_handlers_of_their_bases_and_to_what_can_raise_them(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(
        "import httpx\n"
        "class Flow(Exception):\n    pass\n"
        "class Done(Flow):\n    pass\n"
        "def ask(url):\n    return httpx.post(url, json={'messages': []})\n"
        "def finish():\n    raise Done('bye')\n"
        "def run():\n"
        "    while True:\n"
        "        try:\n            ask('x')\n            finish()\n"
        "        except Flow:\n            break\n"
    )
    steps = (
        error_step(1, "raise Done", "Done"),
        error_step(2, "except Done", "Done"),
        error_step(3, "raise HTTPStatusError", "httpx.HTTPStatusError"),
    )
    model = read_harness([tmp_path])
    htir = compile_run(Recording(run=RunInfo(id="r"), steps=steps), model)
    first = [step.anchors[0] for step in htir.steps]
    assert [anchor.qualname for anchor in first] == ["finish", "run", "ask"]
    assert "Flow, which Done is" in first[1].reason
    assert {anchor.evidence for anchor in first} == {Evidence.HEURISTIC}


def test_an_exception_that_no_code_here_raises_leads_to_the_few_that_catch_it(tmp_path: Path) -> None:
    caught = "def look{0}(kind):\n    try:\n        return hints(kind)\n    except NameError:\n        return None\n"
    (tmp_path / "agent.py").write_text(caught.format(1))
    steps = (error_step(1, "raise NameError", "NameError"), error_step(2, "raise OSError", "OSError"))
    recording = Recording(run=RunInfo(id="r"), steps=steps)
    first, second = compile_run(recording, read_harness([tmp_path])).steps
    assert [anchor.qualname for anchor in first.anchors] == ["look1"]
    assert not second.anchors
    (tmp_path / "agent.py").write_text("".join(map(caught.format, range(4))))
    first, second = compile_run(recording, read_harness([tmp_path])).steps
    assert not first.anchors  # many catch it


def error_step(number: int, name: str, kind: str) -> TraceStep:
    return TraceStep(
        id=f"s{number}",
        kind=StepKind.ERROR,
        name=name,
        error=ErrorInfo(type=kind, message=""),
        source=Source(format="test"),
    )


def test_a_recorded_place_settles_a_tie_of_tool_names(tmp_path: Path) -> None:
    for name in ("local", "docker"):
        (tmp_path / f"{name}.py").write_text(
            f"class {name.title()}Environment:\n    def execute(self, command):\n        return run(command)\n"
        )
    model = read_harness([tmp_path])
    step = TraceStep(id="s1", kind=StepKind.TOOL_CALL, name="execute", source=Source(format="test"))
    probe = Anchor(path="docker.py", qualname="DockerEnvironment.execute", start_line=2, end_line=3, route=Route.PROBE)
    bare = compile_run(Recording(run=RunInfo(id="r"), steps=(step,)), model).steps[0]
    known = step.model_copy(update={"anchors": (probe,)})
    recorded = compile_run(Recording(run=RunInfo(id="r"), steps=(known,)), model).steps[0]
    assert {anchor.path for anchor in bare.anchors} == {"local.py", "docker.py"}
    assert {anchor.path for anchor in recorded.anchors} == {"docker.py"}


MODELS = """
    class Model:
        def __init__(self, name):
            self.name = name


    class AcmeModel(Model):
        def query(self, messages):
            return self.client.chat.completions.create(model=self.name, messages=messages)


    class BoreasModel(Model):
        def query(self, messages):
            return self.client.chat.completions.create(model=self.name, messages=messages)


    class ScriptedModel(Model):
        def query(self, messages):
            return self.client.chat.completions.create(model=self.name, messages=messages)
    """


@pytest.mark.parametrize(
    ("makes", "attributes", "expected"),
    [
        ("ScriptedModel('a')", {}, ["ScriptedModel.query"]),
        ("AcmeModel('a'), BoreasModel('b')", {}, ["AcmeModel.query", "BoreasModel.query"]),
        ("AcmeModel('a'), BoreasModel('b')", {"gen_ai.provider.name": "boreas"}, ["BoreasModel.query"]),
    ],
)
def test_a_model_call_leads_to_the_class_that_is_made(
    tmp_path: Path, makes: str, attributes: dict[str, str], expected: list[str]
) -> None:
    (tmp_path / "models.py").write_text(dedent(MODELS), encoding="utf-8")
    (tmp_path / "run.py").write_text(
        f"from models import AcmeModel, BoreasModel, ScriptedModel\n\nUSED = [{makes}]\n", encoding="utf-8"
    )
    [found] = anchors(read_harness([tmp_path]), (StepKind.MODEL_CALL, {"attributes": attributes}))
    assert [anchor.qualname for anchor in found] == expected
    assert {anchor.evidence for anchor in found} == {Evidence.HEURISTIC}
    assert {anchor.ties for anchor in found} == {len(expected)}


def test_an_exception_is_not_said_to_come_from_a_prompt(tmp_path: Path) -> None:
    prompt = "You count the lighthouses of this long coast. You answer with one number, and you name no harbour."
    (tmp_path / "models.py").write_text(dedent(MODELS), encoding="utf-8")
    (tmp_path / "run.py").write_text(
        f'from models import AcmeModel\n\nSYSTEM_PROMPT = """{prompt}"""\nUSED = AcmeModel("a")\n', encoding="utf-8"
    )
    asked, raised = anchors(
        read_harness([tmp_path]),
        (StepKind.MODEL_CALL, {"input": [("system", prompt)]}),
        (StepKind.ERROR, {"parent": "s1", "name": "raise Busy", "error": ErrorInfo(type="Busy", message="busy")}),
    )
    assert [anchor.route for anchor in asked] == [Route.LITERAL_MATCH, Route.STATIC]
    assert [anchor.qualname for anchor in raised] == ["AcmeModel.query"]


@pytest.mark.parametrize("again", ["raise", "raise TimeoutExpired(command)"])
def test_an_exception_that_is_raised_again_leads_to_the_handler_of_the_caller(tmp_path: Path, again: str) -> None:
    source = """
        def run(command):
            try:
                return start(command)
            except TimeoutExpired:
                kill(command)
                raise


        def execute(command):
            try:
                return run(command)
            except Exception as error:
                return str(error)


        def elsewhere(command):
            try:
                return command()
            except ValueError:
                return ""
        """
    (tmp_path / "shell.py").write_text(dedent(source).replace("    raise\n", f"    {again}\n"), encoding="utf-8")
    [found] = anchors(read_harness([tmp_path]), (StepKind.ERROR, {"name": "except TimeoutExpired"}))
    assert [anchor.qualname for anchor in found] == ["run", "execute"]
