"""What is said of single elements, role by role."""

from collections.abc import Callable

import pytest

from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole

One = Callable[[HarnessModel, ElementRole], Element]
ReadOne = Callable[[str], HarnessModel]


def names(element: Element) -> set[str]:
    """Names of all facts."""
    return {fact.name for fact in element.facts}


# --- functions and classes -----------------------------------------------------------------------------------------


def test_a_function_speaks_of_the_names_in_its_own_lines(read_one: ReadOne) -> None:
    model = read_one(
        """
def serve(pot, **options):
    \"\"\"Stir the soup.\"\"\"
    if pot.ladles and pot.ladles > 3 or options["no_salt"]:
        rows.append(stir(spoon=pot.ladles, text="stir it"))
    def inner():
        return pot.broth
    return inner
"""
    )
    serve = model.function("agent.py", "serve")
    assert serve is not None
    names = {"inner": [8], "ladles": [4, 5], "no_salt": [4], "options": [4], "pot": [4, 5], "rows": [5], "spoon": [5]}
    assert serve.value("names") == {**names, "stir": [5], "text": [5]}
    assert serve.value("asks") == {"ladles": [4], "no_salt": [4], "options": [4], "pot": [4]}
    inner = model.function("agent.py", "serve.inner")
    assert inner is not None
    assert inner.value("names") == {"broth": [7], "pot": [7]}
    assert inner.value("asks") is None


def test_function_facts(read_one: ReadOne) -> None:
    model = read_one(
        """
class Tool:
    cache = {}
    names: list = []
    limit = 3

    @staticmethod
    async def run(a, b=1, *rest, flag=True, **more) -> dict:
        def inner():
            yield locals()
        return inner
"""
    )
    run = model.function("agent.py", "Tool.run")
    assert run is not None
    assert run.value("params") == ["a", "b", "rest", "flag", "more"]
    assert run.value("optional-params") == ["b", "flag"]
    assert run.value("variadic") == ["rest", "more"]
    assert run.value("async") is True
    assert run.value("method-of") == "Tool"
    assert run.value("decorators") == ["staticmethod"]
    assert run.value("returns-annotation") == "dict"
    assert run.anchor.start_line == 7  # the decorator's line
    inner = model.function("agent.py", "Tool.run.inner")
    assert inner is not None
    assert inner.value("generator") is True
    assert inner.value("uses-locals") is True
    (cls,) = model.of_role(ElementRole.CLASS)
    assert cls.value("mutable-class-attributes") == ["cache", "names"]


# --- handlers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "has", "lacks"),
    [
        ("except Exception:\n        pass", {"broad", "swallows", "passes"}, {"uses-exception", "logs"}),
        ("except:\n        return None", {"broad", "swallows", "returns-constant"}, {"logs"}),
        (
            "except ValueError as e:\n        return str(e)",
            {"uses-exception"},
            {"swallows", "broad", "returns-constant"},
        ),
        ("except Exception:\n        logger.exception('x')", {"broad", "logs"}, {"swallows"}),
        ("except Exception as e:\n        raise", {"reraises"}, {"swallows", "raises"}),
        ("except Exception as e:\n        raise e", {"reraises", "uses-exception"}, {"swallows", "raises"}),
        (
            "except KeyError as e:\n        raise TypeError('no') from e",
            {"raises"},
            {"raises-without-from", "swallows"},
        ),
        (
            "except KeyError:\n        raise TypeError('no')",
            {"raises", "raises-without-from"},
            {"swallows", "reraises"},
        ),
        ("except OSError:\n        return 'The tool has failed.'", {"returns-message", "swallows"}, {"uses-exception"}),
        ("except OSError as e:\n        return f'It failed: {e}'", {"uses-exception"}, {"returns-message", "swallows"}),
        ("except OSError:\n        out = traceback.format_exc()", {"uses-exception"}, {"swallows"}),
    ],
)
def test_handler_facts(read_one: ReadOne, one: One, body: str, has: set[str], lacks: set[str]) -> None:
    model = read_one(f"import traceback\ndef f():\n    try:\n        work()\n    {body}\n")
    handler = one(model, ElementRole.HANDLER)
    assert has <= names(handler)
    assert not lacks & names(handler)
    assert handler.value("try-calls") == ["work"]


def test_caught_types_are_dotted_and_imports_resolved(read_one: ReadOne, one: One) -> None:
    model = read_one("import subprocess as sp\ntry:\n    f()\nexcept (sp.TimeoutExpired, TimeoutError):\n    g()\n")
    assert one(model, ElementRole.HANDLER).value("catches") == ["subprocess.TimeoutExpired", "TimeoutError"]


def test_raise_messages_are_templates(read_one: ReadOne) -> None:
    model = read_one(
        """
def f(name, n):
    if n:
        raise ValueError(f"no tool {name} in {n} tools")
    text = "expected %d calls" % n
    try:
        raise KeyError(text)
    except KeyError as error:
        raise RuntimeError("bad {}".format(name)) from error
"""
    )
    found = [(e.value("type"), e.value("message"), e.value("from")) for e in model.of_role(ElementRole.RAISE)]
    assert found == [
        ("ValueError", "no tool {} in {} tools", None),
        ("KeyError", "expected {} calls", None),
        ("RuntimeError", "bad {}", "error"),
    ]


# --- processes and requests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "has", "lacks"),
    [
        ("subprocess.run(cmd, shell=True)", {"shell", "no-timeout", "waits", "inherits-environ"}, {"new-session"}),
        ("subprocess.run(['ls'], timeout=5, check=True)", {"timeout", "checks-returncode"}, {"no-timeout", "shell"}),
        ("subprocess.run(cmd, **options)", {"waits"}, {"no-timeout", "inherits-environ", "text-without-errors"}),
        ("subprocess.run(cmd, text=True)", {"text-without-errors"}, set()),
        ("subprocess.run(cmd, encoding='utf-8', errors='replace')", set(), {"text-without-errors"}),
        ("subprocess.run(cmd, env=os.environ | {'A': '1'})", {"full-environ"}, {"inherits-environ"}),
        ("subprocess.run(cmd, env={'PATH': os.environ['PATH']})", set(), {"full-environ", "inherits-environ"}),
        ("os.system(cmd)", {"shell", "no-timeout", "waits"}, set()),
        ("p = subprocess.Popen(cmd)", {"no-timeout"}, {"waits"}),
        ("p = subprocess.Popen(cmd)\n    p.communicate(timeout=3)", {"timeout", "waits"}, {"no-timeout"}),
        (
            "p = subprocess.Popen(cmd, start_new_session=True)\n    os.killpg(p.pid, 9)",
            {"new-session", "kills-group"},
            set(),
        ),
        ("p = subprocess.Popen(cmd, start_new_session=False)", set(), {"new-session"}),
    ],
)
def test_subprocess_facts(read_one: ReadOne, one: One, code: str, has: set[str], lacks: set[str]) -> None:
    process = one(read_one(f"import os, subprocess\ndef f(cmd, options):\n    {code}\n"), ElementRole.SUBPROCESS)
    assert has <= names(process)
    assert not lacks & names(process)


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("subprocess.run(cmd)", "parameter"),
        ("args = ['bash', '-lc']\n    args.append(cmd)\n    subprocess.run(args)", "parameter"),
        ("full = f'cd / && {cmd}'\n    subprocess.run(full)", "parameter"),
        ("subprocess.run(['git', 'status'])", "constant"),
        ("subprocess.run(self.build)", "expression"),
        ("subprocess.run(['javac', cmd])", "argument"),
        ("subprocess.run(['/bin/sh', '-c', cmd])", "parameter"),
        ("subprocess.run(['docker', 'exec', cmd])", "parameter"),
        ("subprocess.run(['git', *cmd])", "parameter"),
        ("subprocess.run(['setsid', 'bash', '-c', cmd])", "parameter"),
        ("subprocess.run(['find', '/', '-exec', cmd, '{}', ';'])", "parameter"),
    ],
)
def test_where_a_command_comes_from(read_one: ReadOne, one: One, code: str, source: str) -> None:
    model = read_one(f"import subprocess\nclass A:\n  def f(self, cmd):\n    {code}\n")
    assert one(model, ElementRole.SUBPROCESS).value("command-from") == source


@pytest.mark.parametrize(
    ("code", "endless"),
    [
        ("requests.get(url)", True),
        ("requests.get(url, timeout=3)", False),
        ("httpx.get(url)", False),
        ("httpx.get(url, timeout=None)", True),
        ("urllib.request.urlopen(url)", True),
    ],
)
def test_request_facts(read_one: ReadOne, one: One, code: str, endless: bool) -> None:
    model = read_one(f"import requests, httpx, urllib.request\ndef f(url):\n    return {code}\n")
    assert (one(model, ElementRole.REQUEST).value("no-timeout") is True) is endless


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("opener = urllib.request.build_opener()\n    return opener.open(url)", ["urllib.request.build_opener().open"]),
        ("with httpx.Client(timeout=3) as client:\n        return client.post(url)", ["httpx.Client().post"]),
        ("session = requests.Session()\n    return session.get(url)", ["requests.Session().get"]),
        ("cache = {}\n    return cache.get(url)", []),
        ("client = httpx.Client()\n    return client.close()", []),
        ("return url.open()", []),
    ],
)
def test_requests_through_a_client_that_is_held(read_one: ReadOne, body: str, calls: list[str]) -> None:
    model = read_one(f"import requests, httpx, urllib.request\ndef f(url):\n    {body}\n")
    found = list(model.of_role(ElementRole.REQUEST))
    assert [element.value("call") for element in found] == calls
    assert not any(element.fact("no-timeout") for element in found)  # the client may have been told


# --- retries -------------------------------------------------------------------------------------------------------


def test_a_loop_that_tries_again_is_a_retry(read_one: ReadOne, one: One) -> None:
    model = read_one(
        """
import time
def ask(messages):
    while True:
        try:
            return client.chat.completions.create(messages=messages)
        except Exception:
            time.sleep(1)
"""
    )
    retry = one(model, ElementRole.RETRY)
    assert {"no-stop", "retries-everything", "sleeps"} <= names(retry)
    assert not list(model.of_role(ElementRole.AGENT_LOOP))


def test_a_bounded_retry_loop_has_a_stop(read_one: ReadOne, one: One) -> None:
    model = read_one(
        "def f():\n    for attempt in range(3):\n        try:\n            return g()\n"
        "        except KeyError:\n            continue\n"
    )
    retry = one(model, ElementRole.RETRY)
    assert retry.value("stop") == "range(3)"
    assert retry.value("retries") == ["KeyError"]
    assert "no-wait" in names(retry)


# --- parsers -------------------------------------------------------------------------------------------------------


def test_json_loads_under_a_try_is_guarded(read_one: ReadOne, one: One) -> None:
    model = read_one(
        "import json\ndef parse(call):\n    try:\n        args = json.loads(call.function.arguments)\n"
        "    except json.JSONDecodeError as e:\n        return str(e)\n    if not isinstance(args, dict):\n"
        "        return 'no'\n    return args\n"
    )
    parser = one(model, ElementRole.PARSER)
    assert parser.value("json-loads") == [4]
    assert parser.value("unguarded-json-loads") is None
    assert parser.value("checks-type") is True


def test_a_parser_whose_callers_guard_it_is_guarded(read_one: ReadOne, one: One) -> None:
    code = "import json\ndef parse_action(content):\n    return json.loads(content)\n"
    alone = read_one(code)
    assert one(alone, ElementRole.PARSER).value("unguarded-json-loads") == [3]
    caller = (
        "def step(content):\n    try:\n        return parse_action(content)\n"
        "    except ValueError as e:\n        return e\n"
    )
    assert one(read_one(code + caller), ElementRole.PARSER).value("unguarded-json-loads") is None


@pytest.mark.parametrize(
    ("pattern", "before", "above"),
    [
        ("pattern", "pattern = r'<code>(.*?)</code>'", ""),
        ("CODE", "pass", "CODE = r'<code>(.*?)</code>'"),
        ("CODE", "pass", "CODE = re.compile(r'<code>(.*?)</code>')"),
    ],
)
def test_a_pattern_that_has_a_name(read_one: ReadOne, one: One, pattern: str, before: str, above: str) -> None:
    found = f"return re.findall({pattern}, reply)[0]"
    model = read_one(f"import re\n{above}\n\ndef parse_reply(reply):\n    {before}\n    {found}\n")
    assert one(model, ElementRole.PARSER).value("regex") == ["<code>(.*?)</code>"]


def test_regex_parsers(read_one: ReadOne, one: One) -> None:
    model = read_one(
        "import re\ndef get_code(response):\n    return re.search(r'<code>(.*?)</code>', response).group(1)\n"
    )
    parser = one(model, ElementRole.PARSER)
    assert parser.value("regex") == ["<code>(.*?)</code>"]
    assert parser.value("first-match") is True


def test_reading_a_settings_file_is_no_parser(read_one: ReadOne) -> None:
    model = read_one("import json\ndef load_config(path):\n    return json.loads(path.read_text())\n")
    assert not list(model.of_role(ElementRole.PARSER))


# --- truncation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("return output[:10000]", {"keeps": "head", "limit-value": 10000, "unit": "characters", "marker": None}),
        ("return output[-limit:]", {"keeps": "tail", "limit": "limit"}),
        ("return output[:5000] + '\\n[... cut ...]\\n' + output[-5000:]", {"keeps": "both", "marker": True}),
        ("return self.messages[-10:]", {"keeps": "tail", "unit": "messages", "limit-value": 10}),
        (
            "return f'{output[:LIMIT // 2]} ({len(output)} characters left out) {output[-LIMIT // 2:]}'",
            {"keeps": "both"},
        ),
    ],
)
def test_truncation_facts(read_one: ReadOne, one: One, code: str, facts: dict[str, JsonValue]) -> None:
    model = read_one(f"LIMIT = 400\ndef shorten(self, output, limit=100):\n    {code}\n")
    cut = one(model, ElementRole.TRUNCATION)
    assert {name: cut.value(name) for name in facts} == facts


@pytest.mark.parametrize("code", ["args[1:]", "name[:2]", "text[:-1]", "parts[::2]", "lines[0:i]"])
def test_other_slices_are_no_truncation(read_one: ReadOne, code: str) -> None:
    assert not list(
        read_one(f"def f(args, name, text, parts, lines, i):\n    return {code}\n").of_role(ElementRole.TRUNCATION)
    )


def test_a_call_of_a_truncating_function_is_a_cut_as_well(read_one: ReadOne) -> None:
    model = read_one(
        "def truncate_output(text, limit=200):\n    return text[:limit] + ' [truncated]'\n\n"
        "def observe(result):\n    return truncate_output(result, 500)\n"
    )
    inside, call = model.of_role(ElementRole.TRUNCATION)
    assert inside.value("limit-value") == 200
    assert (call.value("keeps"), call.value("marker"), call.value("limit-value")) == ("head", True, 500)


# --- limits --------------------------------------------------------------------------------------------------------


def test_a_counter_that_an_error_path_skips(read_one: ReadOne) -> None:
    model = read_one(
        """
def run(self, max_steps):
    steps = 0
    while steps < max_steps:
        try:
            reply = self.ask()
            steps += 1
        except ValueError:
            continue
"""
    )
    (limit,) = model.of_role(ElementRole.LIMIT)
    assert limit.value("compares") == "steps < max_steps"
    assert limit.value("counter-advanced") == [7]


def test_skips_and_falsy_zero(read_one: ReadOne) -> None:
    model = read_one(
        """
def run(self, limit=None, timeout=None):
    wait = timeout or 30
    n = 0
    while True:
        if n >= self.step_limit:
            break
        if self.bad():
            continue
        n += 1
    if not limit:
        return wait
"""
    )
    found = {e.value("compares"): e for e in model.of_role(ElementRole.LIMIT)}
    assert found["timeout or 30"].value("falsy-zero") == "timeout or 30"
    assert found["not limit"].value("falsy-zero") == "not limit"
    assert found["n >= self.step_limit"].value("skipped-on") == ["continue:9"]


@pytest.mark.parametrize(
    ("declared", "handed", "dropped"),
    [
        ("float", 'options["max_price"] = self._max_price', True),
        ("dict[str, float] | None", 'options["max_price"] = self._max_price', False),
    ],
)
def test_only_a_number_is_dropped_for_being_zero(read_one: ReadOne, declared: str, handed: str, dropped: bool) -> None:
    model = read_one(
        f"""
class Model:
    def __init__(self, max_price: {declared} = None):
        self._max_price = max_price
    def options(self, options):
        if self._max_price:
            {handed}
        return options
"""
    )
    assert any(e.value("zero-dropped") for e in model.of_role(ElementRole.LIMIT)) is dropped


@pytest.mark.parametrize(("name", "taken"), [("top_k", False), ("max_rounds", True)])
def test_of_some_numbers_zero_means_nothing(read_one: ReadOne, name: str, taken: bool) -> None:
    model = read_one(f"def find(self, {name}: int | None = None):\n    return self.ask({name} or self.most)\n")
    assert any(e.value("falsy-zero") for e in model.of_role(ElementRole.LIMIT)) is taken


@pytest.mark.parametrize(("handed", "dropped"), [("event.wait(delay)", False), ('options["delay"] = delay', True)])
def test_to_wait_for_no_time_is_not_to_wait(read_one: ReadOne, handed: str, dropped: bool) -> None:
    model = read_one(f"def go(event, options, delay=None):\n    if delay:\n        {handed}\n    return options\n")
    assert any(e.value("zero-dropped") for e in model.of_role(ElementRole.LIMIT)) is dropped


@pytest.mark.parametrize(
    ("counter", "skipped"), [("num_links", None), ("num_turns", ["except:9"]), ("num_llm_calls", ["except:9"])]
)
def test_what_failed_does_not_add_to_what_was_got(read_one: ReadOne, counter: str, skipped: list[str] | None) -> None:
    model = read_one(
        f"""
def crawl(self, links):
    {counter} = 0
    for link in links:
        if {counter} >= self.max_links:
            break
        try:
            self.read(link)
        except OSError:
            self.tell(link)
        else:
            {counter} += 1
"""
    )
    (limit,) = model.of_role(ElementRole.LIMIT)
    assert limit.value("skipped-on") == skipped


@pytest.mark.parametrize(
    ("handed", "dropped"), [("return Retrying(model, retries=retries)", False), ("model.retries(retries)", True)]
)
def test_without_retries_nothing_that_retries_is_made(read_one: ReadOne, handed: str, dropped: bool) -> None:
    model = read_one(f"def make(model, retries=None):\n    if retries:\n        {handed}\n    return model\n")
    assert any(e.value("zero-dropped") for e in model.of_role(ElementRole.LIMIT)) is dropped


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("any(one.errors or one.retries for one in runs)", False),
        ("all([one.errors or one.retries for one in runs])", False),
        ("sum(one.errors or one.retries for one in runs)", True),
        ("[one.errors or one.retries for one in runs]", True),
    ],
)
def test_what_is_only_asked_of_each_is_no_choice(read_one: ReadOne, code: str, value: bool) -> None:
    model = read_one(f"def total(runs):\n    return {code}\n")
    assert bool([*model.of_role(ElementRole.FALLBACK)]) is value


def test_one_step_too_many(read_one: ReadOne) -> None:
    model = read_one("def f(max_steps):\n    n = 0\n    while n <= max_steps:\n        n += 1\n")
    (limit,) = model.of_role(ElementRole.LIMIT)
    assert limit.value("off-by-one")


# --- checks, approvals, submissions --------------------------------------------------------------------------------


def test_a_check_whose_answer_is_dropped(read_one: ReadOne) -> None:
    model = read_one(
        "def verify_patch(patch):\n    return bool(patch)\n\n"
        "def finish(patch):\n    verify_patch(patch)\n    return patch\n"
    )
    (verifier,) = model.of_role(ElementRole.VERIFIER)
    assert verifier.value("result-unused-at") == [5]


def test_a_check_that_cannot_fail(read_one: ReadOne) -> None:
    (verifier,) = read_one("def is_valid(answer):\n    return True\n").of_role(ElementRole.VERIFIER)
    assert verifier.value("always-true") is True


WRAPPED = """
import functools

def checked(function):
    @functools.wraps(function)
    def _check_return(*args):
        result = function(*args)
        if result is None:
            raise ValueError("nothing came back")
        return result
    return _check_return

def validate_after_init(cls):
    def told(self, *args):
        self.validate()
    cls.__init__ = told
    return cls

def validate_all(parts):
    def is_valid(part):
        return bool(part)
    return all(map(is_valid, parts))
"""


def test_a_wrapper_and_a_decorator_are_no_checks(read_one: ReadOne) -> None:
    names = {each.anchor.qualname for each in read_one(WRAPPED).of_role(ElementRole.VERIFIER)}
    assert names == {"validate_all", "validate_all.is_valid"}


GATED = """
def confirm_command(command):
    return input(f"Run {command}? [y/n] ") == "y"

def delete_all(path):
    shutil.rmtree(path)

def step(command):
    if not confirm_command(command):
        return "refused"
    return delete_all(command)
"""


def test_an_approval_guards_what_is_only_reached_behind_it(read_one: ReadOne) -> None:
    (approval,) = read_one(GATED).of_role(ElementRole.APPROVAL)
    assert approval.value("guards") == ["agent.py:delete_all"]
    assert approval.value("asks-person") is True
    (open_door,) = read_one(GATED + "\ndef other(path):\n    return delete_all(path)\n").of_role(ElementRole.APPROVAL)
    assert open_door.value("guards") is None


def test_submission_transforms(read_one: ReadOne, one: One) -> None:
    model = read_one(
        """
def has_finished(output):
    lines = output.lstrip().splitlines()
    if lines and lines[0].strip() == "DONE":
        raise Submitted("\\n".join(lines[1:]))
"""
    )
    submission = one(model, ElementRole.SUBMISSION)
    transforms = submission.value("transforms")
    assert isinstance(transforms, list)
    assert set(transforms) == {"lstrip", "splitlines-join"}  # `strip` is only compared
    assert submission.value("validates") is None


# --- secrets, hooks, logs ------------------------------------------------------------------------------------------


def test_secrets_and_where_they_go(read_one: ReadOne) -> None:
    token = "ghp_" + "a1B2" * 9
    model = read_one(
        f"""
import os, subprocess
def f(logger, messages):
    key = os.environ["OPENAI_API_KEY"]
    logger.info("using %s", key)
    messages.append({{"role": "system", "content": f"key {{key}}"}})
    subprocess.run(["x"], env={{"KEY": key}})
    other = "{token}"
    tokens = os.getenv("MAX_TOKENS")
def get_template_vars():
    return {{"a": 1}} | os.environ
"""
    )
    found = list(model.of_role(ElementRole.SECRET))
    assert [(e.value("source"), e.name[:4]) for e in found] == [
        ("environ", "OPEN"),
        ("literal", "ghp_"),
        ("environ", "os.e"),
    ]
    assert {str(f.value) for f in found[0].facts if f.name == "goes-to"} == {"log", "prompt", "child-environment"}
    assert found[2].value("goes-to") == "prompt"
    assert not any(token in element.model_dump_json() for element in found)


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        ('logger.info("using %s", key)', True),
        ('logger.info("using %s", key if ask else None)', True),
        ('logger.info("a key of %d characters", len(key))', False),
        ('logger.info("key set: %s", key is not None)', False),
        ('logger.info("using %s", "a key" if key else "none")', False),
        ('answer = ask(key)\n    logger.info("it said %s", answer.text)', False),
        ('logger.info("it said %s", ask(key).text)', False),
        ('logger.info("using a key that ends in %s", key[-4:])', False),
        ('logger.info("using %s", key[:6])', False),
        ('logger.info("using %s", key[:-1])', True),
        ('logger.info("using %s", key[7:])', True),
        ('settings = {"key": key}\n    logger.info("with %s", yaml.dump(settings))', True),
        ('head = {"authorization": f"Bearer {key.strip()}"}\n    logger.info("sent %s", str(head))', True),
        ('parts = ["key"]\n    parts.append(key)\n    logger.info(" ".join(parts))', True),
    ],
)
def test_what_a_log_shows_of_a_secret(read_one: ReadOne, logged: str, shown: bool) -> None:
    model = read_one(f'import os\ndef f(logger, ask):\n    key = os.environ["API_KEY"]\n    {logged}\n')
    (secret,) = model.of_role(ElementRole.SECRET)
    assert (secret.value("goes-to") == "log") is shown


@pytest.mark.parametrize(("loop", "shown"), [("if ask:", False), ("while ask():", True)])
def test_a_log_before_a_secret_is_read(read_one: ReadOne, loop: str, shown: bool) -> None:
    model = read_one(
        f"""
import os
def f(logger, ask, key=None):
    {loop}
        logger.info("using %s", key)
        key = os.environ["API_KEY"]
"""
    )
    (secret,) = model.of_role(ElementRole.SECRET)
    assert (secret.value("goes-to") == "log") is shown


@pytest.mark.parametrize(
    "name",
    ["TOKEN_ENDPOINT", "ACCESS_TOKEN_URL", "WEB_IDENTITY_TOKEN_FILE", "LESSONS_TOKEN_BUDGET", "TIKTOKEN_TIMEOUT"],
)
def test_where_a_secret_lies_is_none(read_one: ReadOne, name: str) -> None:
    model = read_one(f'import os\ndef f(logger):\n    logger.info("at %s", os.environ["{name}"])\n')
    assert not [*model.of_role(ElementRole.SECRET)]


def test_hooks_in_finally(read_one: ReadOne) -> None:
    model = read_one(
        """
def run(self):
    self.hooks.on_start()
    try:
        for callback in self.callbacks:
            callback(1)
    finally:
        self.hooks.on_run_end()
"""
    )
    found = {e.name: e for e in model.of_role(ElementRole.HOOK)}
    assert set(found) == {"on_start", "callback", "on_run_end"}
    assert found["on_run_end"].value("in-finally") is True
    assert (found["on_start"].value("phase"), found["on_run_end"].value("phase")) == ("start", "end")


def test_log_levels(read_one: ReadOne) -> None:
    model = read_one("import logging\nlogging.error('a')\nprint('b')\nself.logger.debug('c')\n")
    assert [e.value("level") for e in model.of_role(ElementRole.LOGGER)] == ["error", "print", "debug"]


def test_methods_of_memories_are_writes_and_reads(read_one: ReadOne) -> None:
    model = read_one(
        """
class NoteStore:
    def save_note(self, text):
        self.notes.append(text)

    def search_notes(self, words):
        return [note for note in self.notes if words in note]

    def _index(self, note):
        return len(note)


class DataStore:
    def save(self, row):
        self.rows.append(row)


class MemoryError2(Exception):
    def add(self, note):
        return note
"""
    )
    found = {element.anchor.qualname: element.value("operation") for element in model.of_role(ElementRole.MEMORY)}
    assert found == {"NoteStore.save_note": "write", "NoteStore.search_notes": "read"}
