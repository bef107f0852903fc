"""redact: credentials are masked before they are logged or shown to a model."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.logs import logs
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.replacing import becomes
from harnessfix_repairs.editing.shortening import shown

from .base import EditExample, GuardExample, Refusal

_REDACTED = Helper(
    "_redacted",
    '''\
def _redacted(value):
    """The text of a value with what looks like a credential masked."""
    name = r"[\\w-]*(?:api[_-]?key|token|secret|password|authorization)"
    named = rf"(?i)(['\\"]?{name}['\\"]?\\s*[:=]\\s*)(['\\"]?)(?:bearer )?[^\\s'\\",}}]+"
    text = re.sub(named, r"\\1\\2***", str(value))
    return re.sub(r"\\b(sk-|pk-|gh[pousr]_|xox[abp]-|AKIA)[-_A-Za-z0-9]{12,}", "***", text)
''',
    ("re",),
)
_SECRET_NAMES = re.compile(
    r"(?i)(^|[._])(headers?|environ|env|secrets?|credentials?|api_?key|token|password|settings|config)$|(^|\.)key$"
)

_SECRET_ITSELF = re.compile(r"(?i)(^|[._])(api_?key|token|secret|password)$|(^|\.)key$")
_PROMPT = re.compile(r"(?i)prompt|system|message|instruction|content")
_BEFORE = """\
import re

import logging

log = logging.getLogger("agent")


def ask(client, headers, body):
    log.info("request %s with %s", body, headers)  # for the record
    return client.post(body, headers=headers)
"""
_KEPT = (
    ("the tokenizer counts tokens: 12 of them", ["tokenizer", "12"]),
    ("skip-this-long-hyphenated-word", ["skip-this-long-hyphenated-word"]),
    ("monkey: banana", ["banana"]),
    ({"region": "north", "author": "ada"}, ["north", "ada"]),
)
_HIDDEN = (
    ({"Authorization": "Bearer abc.def"}, "abc.def"),
    ({"api_key": "k-1"}, "k-1"),
    ("token=abc123 user=ada", "abc123"),
    ("key sk-abcdefghijklmnop", "abcdefghijklmnop"),
)


class Redact(PythonOperator):
    """Masks what looks like a credential in a value that is logged, or put into a prompt.

    A value that by its name is a secret itself (key, token, password) is replaced by stars. One whose name says header,
    environment, settings or the like is passed through a small function that masks the values of such keys, and tokens
    of known forms.

    Anchor: the log call or the text, or the function that holds it.

    Parameters:
        expression: source of the value, wherever it goes on as text at the anchor; needed where it is not logged.
    """

    name = "redact"
    summary = "Mask credentials before they are logged or shown."
    fix_safety = (
        "What is masked can no longer be read in the log or by the model, which may need a value that only looks "
        "like a credential. Masking goes by names and forms: a secret of another form still gets through, so it is "
        "better not to pass it on at all."
    )
    adds = (_REDACTED.name,)
    examples = (
        EditExample(
            _BEFORE,
            _BEFORE.replace("def ask", _REDACTED.source + "\n\ndef ask").replace(
                "body, headers)  #", "body, _redacted(headers))  #"
            ),
            qualname="ask",
            line=9,
        ),
        EditExample(
            'import re\n\n\ndef prompt(settings):\n    return f"You use {settings}."\n',
            "import re\n\n\n"
            + _REDACTED.source
            + '\n\ndef prompt(settings):\n    return f"You use {_redacted(settings)}."\n',
            qualname="prompt",
            line=5,
            parameters={"expression": "settings"},
        ),
        EditExample(
            'def note(log, api_key):\n    log.info(f"key {api_key}")\n',
            "def note(log, api_key):\n    log.info(f\"key {'***'}\")\n",
            qualname="note",
            line=2,
        ),
        EditExample(_BEFORE.replace("body, headers)  #", "body, 1)  #"), "", qualname="ask", line=9),
    )

    guards = (
        GuardExample(
            "def prompt(settings):\n    return f'You use {settings}.'\n",
            passes=[f"all(word in prompt({value!r}) for word in {kept!r})" for value, kept in _KEPT],
            stops=[f"{secret!r} not in prompt({value!r})" for value, secret in _HIDDEN],
            qualname="prompt",
            line=2,
            parameters={"expression": "settings"},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Mask at the anchor."""
        wanted = parameters.text(spec, "expression")
        plain = (cst.Name, cst.Attribute, cst.Subscript, cst.Call)
        changes: dict[cst.CSTNode, Change] = {}
        seen = False
        for node in file.find(anchor, plain, lambda n: bool(_is_secret(file, n, wanted))):
            if any(
                _REDACTED.name in file.code(above.func) for above in file.parents(node) if isinstance(above, cst.Call)
            ):
                seen = True
            elif shown(file, node) if wanted else _is_logged(file, node):
                source = _masked(file, node)
                changes[node] = becomes(file.expression(source))
        if not changes and not seen:
            raise Refusal(f"{anchor.place} logs nothing whose name says that it holds credentials")
        helped = any(_SECRET_ITSELF.search(file.code(node)) is None for node in changes)
        return file.rewrite(changes, helpers=[_REDACTED] if helped else [])


def _masked(file: PythonFile, node: cst.CSTNode) -> str:
    """Source that stands for the value: stars where it is the secret itself, else its text with secrets masked."""
    if _SECRET_ITSELF.search(file.code(node)) is None:
        return f"{_REDACTED.name}({file.code(node)})"
    around = next((above.end for above in file.parents(node) if isinstance(above, cst.FormattedString)), "'")
    return "'***'" if around.startswith('"') else '"***"'


def _is_secret(file: PythonFile, node: cst.CSTNode, wanted: str) -> bool:
    source = file.code(node)
    return (
        source == wanted
        if wanted
        else isinstance(node, (cst.Name, cst.Attribute)) and bool(_SECRET_NAMES.search(source))
    )


def _is_logged(file: PythonFile, node: cst.CSTNode) -> bool:
    """Whether a value is an argument of a log call, or a piece of an f-string that is logged or makes a prompt."""
    for above in file.parents(node):
        if isinstance(above, cst.FormattedString) and _is_prompt(file, above):
            return True
        if isinstance(above, cst.Call):
            return above.func is not node and logs(file, above) and not any(above.func is a for a in [node])
        if not isinstance(above, (cst.Arg, cst.FormattedString, cst.FormattedStringExpression)):
            return False
    return False


def _is_prompt(file: PythonFile, text: cst.FormattedString) -> bool:
    """Whether a text goes under a name, a key or out of a function that says it is for a model."""
    above = next(file.parents(text))
    if isinstance(above, cst.Assign):
        return _PROMPT.search(file.code(above.targets[0].target)) is not None
    if isinstance(above, cst.DictElement):
        return _PROMPT.search(file.code(above.key)) is not None
    return isinstance(above, cst.Return) and _PROMPT.search(file.qualname(above)) is not None
