"""Prompts: where they are found, what they show and what they cut."""

from collections.abc import Callable, Mapping

import pytest

from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.source.jinja import read_jinja
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

Reader = Callable[[Mapping[str, str]], HarnessModel]
ReadOne = Callable[[str], HarnessModel]


def prompts(model: HarnessModel) -> list[Element]:
    """All prompt elements."""
    return list(model.of_role(ElementRole.PROMPT))


@pytest.mark.parametrize(
    ("text", "shown", "bounded"),
    [
        ("{{ output }}", ["output"], []),
        ("{{ output[:5000] }}", ["output"], ["output"]),
        ("{{ output | truncate(100) }}", ["output"], ["output"]),
        ("{{ output[:50] }} and {{ output }}", ["output"], []),
        ("{{ action['action'] }} {{ result.stdout }}", ["action.action", "result.stdout"], []),
        ("{% if o.x | length < 9 %}{{ o.x }}{% else %}{{ o.x[:5] }}{% endif %}", ["o.x"], ["o.x"]),
        ("{% if o.x | length < 9 %}{{ o.x }}{% else %}{{ o.x }}{% endif %}", ["o.x"], []),
        ("{% if o|length > 9 %}{{ o[:5] }}{% else %}{{ o }}{% endif %}", ["o"], ["o"]),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", ["messages"], []),
        ("{% set n = output | length %}{{ n }} of {{ output[:9] }}", ["output"], ["output"]),
        ("{{ output | length }} characters", ["output"], ["output"]),
        ("{{ broken ", ["broken"], []),
    ],
)
def test_what_a_jinja_template_shows_and_cuts(text: str, shown: list[str], bounded: list[str]) -> None:
    facts = read_jinja(text)
    assert (facts.shown, facts.bounded) == (shown, bounded)


def test_a_template_is_parsed_and_never_run() -> None:
    facts = read_jinja(
        "{{ ''.__class__.__mro__ }}{% include 'secret' %}{{ cycler.__init__.__globals__.os.popen('id') }}"
    )
    assert facts.error == ""


def test_prompts_in_code(read_one: ReadOne) -> None:
    model = read_one(
        '''
from string import Template

SYSTEM_PROMPT = "You are an agent that answers questions with care and patience."
FORMAT_TEMPLATE = "The result of {name} was:\\n{output}\\nGo on with the next step, please."

class Agent:
    """A class with a docstring that is long enough to be taken for a prompt by mistake."""

    instructions: str = "Answer with one word, and with nothing else than that word."

    def observe(self, output):
        self.messages.append({"role": "user", "content": f"Observation: {output}"})
        self.messages.append({"role": "user", "content": f"Seen: {output[:200]}"})

    def ask(self):
        return FORMAT_TEMPLATE.format(name="ls", output="x")
'''
    )
    found = {(e.name, e.value("engine")): e for e in prompts(model)}
    assert set(found) == {
        ("SYSTEM_PROMPT", "literal"),
        ("FORMAT_TEMPLATE", "format"),
        ("instructions", "literal"),
        ("user", "f-string"),
    }
    assert found["FORMAT_TEMPLATE", "format"].value("placeholders") == ["name", "output"]
    assert found["FORMAT_TEMPLATE", "format"].value("is-observation") is True
    assert found["FORMAT_TEMPLATE", "format"].value("rendered-at") == ["agent.py:17"]
    assert found["FORMAT_TEMPLATE", "format"].value("unsupplied") is None
    assert found["instructions", "literal"].anchor.qualname == "Agent.instructions"
    messages = [e for e in prompts(model) if e.name == "user"]
    assert [e.value("bounded-placeholders") for e in messages] == [None, ["output[:200]"]]


def test_a_placeholder_that_nobody_supplies(read_one: ReadOne) -> None:
    model = read_one(
        'PLAN_PROMPT = "Plan the task {task} with the tools {tools} in at most ten steps."\n'
        "def plan(task):\n    return PLAN_PROMPT.format(task=task)\n"
    )
    (prompt,) = prompts(model)
    assert prompt.value("unsupplied") == ["tools"]


def test_nothing_is_unsupplied_where_names_are_passed_on(read_one: ReadOne) -> None:
    model = read_one(
        'PLAN_PROMPT = "Plan the task {task} with the tools {tools} in at most ten steps."\n'
        "def plan(**values):\n    return PLAN_PROMPT.format(**values)\n"
    )
    assert prompts(model)[0].value("unsupplied") is None


def test_prompt_files(read: Reader) -> None:
    model = read(
        {
            "agent.py": 'TEXT = open("rules.txt").read()\n',
            "rules.txt": "Be brief, be honest, and say when you do not know something.\n",
            "notes.txt": "These are notes of the author, and nothing that is sent to a model.\n",
            "prompts/system.md": "You are {{ role }}. Answer the question of the user.\n",
            "README.md": "# A project\n\nWith instructions for people, which no model reads.\n",
        }
    )
    found = {e.anchor.path: e for e in prompts(model)}
    assert set(found) == {"rules.txt", "prompts/system.md"}
    assert found["prompts/system.md"].anchor.kind is AnchorKind.PROMPT_FILE
    assert found["prompts/system.md"].value("placeholders") == ["role"]


def test_texts_in_settings(read: Reader) -> None:
    text = "agent:\n  observation_template: |\n    Output:\n    {{ output.text }}\n\n  step_limit: 3\n"
    model = read({"config.yaml": text})
    (prompt,) = prompts(model)
    assert prompt.text == "Output:\n{{ output.text }}\n"
    assert (prompt.anchor.qualname, prompt.anchor.start_line, prompt.anchor.end_line) == (
        "agent.observation_template",
        2,
        4,
    )
    assert prompt.value("placeholders") == ["output.text"]
    assert prompt.value("is-observation") is True


def test_a_short_template_is_a_prompt(read_one: ReadOne) -> None:
    model = read_one(
        'class Config:\n    observation_template: str = "Observation: {{output}}"\n    template_dir = "x"\n'
    )
    (prompt,) = prompts(model)
    assert (prompt.name, prompt.value("placeholders")) == ("observation_template", ["output"])


def test_log_lines_and_help_are_no_prompts(read_one: ReadOne) -> None:
    model = read_one(
        "def f(logger, x):\n    logger.info(f'This is a long line for the log about {x}')\n"
        "    raise ValueError('This is a long message of an exception, for the log only')\n"
    )
    assert not prompts(model)
