"""What a recording keeps of the program: the names that it uses, and nothing else of its source."""

from pathlib import Path

import pytest

from harnessfix_collectors.program import LARGEST, MOST_NAMES, names_of_program, names_of_source, without_secrets

PROGRAM = '''\
"""Provokes the stale cache."""
import os
from house import WindowCleaner as Cleaner  # a remark about gutters


def prepare(bucket):
    token = "sk_live_4f9a"
    return Cleaner(max_rounds=3, mode="no_soap", note="This sentence says nothing", key=token).wipe_all(bucket)


print(prepare(os.environ).leftOver)
'''
NAMES = ("WindowCleaner", "key", "leftOver", "max_rounds", "mode", "no_soap", "note", "wipe_all")


def test_names_that_a_program_imports_sets_and_reads_are_kept() -> None:
    assert names_of_source(PROGRAM) == NAMES


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os.path as paths\npaths.abspath(start=1)\n", ()),
        ("from dataclasses import field\nfield(default_factory=list)\n", ()),
        ("from house import field\nfield(default_factory=list)\n", ("default_factory", "field")),
        ("def prepare(**kinds): ...\nprepare(colour='')\n", ()),
        ("class Bucket: ...\nBucket().fill(litres=1)\n", ("fill", "litres")),
        ("rows.append(house.key); print(rows, flush=1)\n", ("key",)),
        ("from . import house\n", ("house",)),
    ],
)
def test_what_is_pythons_or_the_programs_own_says_nothing_of_a_harness(source: str, names: tuple[str, ...]) -> None:
    assert names_of_source(source) == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("house.enter(password='swordfish', mode='wet')", ("enter", "mode", "password", "wet")),
        ("house.api_key = 'swordfish'", ("api_key",)),
        ("rows['client_secret'] = 'swordfish'", ("client_secret",)),
        ("SECRET: str = 'swordfish'", ()),
        ("house.send({'access_token': 'swordfish', **more})", ("access_token", "send")),
        ("house.send(max_token_count='swordfish')", ("max_token_count", "send", "swordfish")),
        ("a" + ".b" * 900 + " = 'swordfish'", ("swordfish",)),
    ],
)
def test_what_is_given_to_something_named_like_a_secret_is_not_kept(source: str, names: tuple[str, ...]) -> None:
    assert names_of_source(source) == names


def test_names_that_hold_a_secret_are_left_out() -> None:
    kept = without_secrets(("fish", "swordfish", "wipe"), lambda name: name.replace("sword", "<redacted>"))
    assert kept == ("fish", "wipe")


@pytest.mark.parametrize("source", ["def (", "\0", b"\xff\xfe", "(" * 5000, ""])
def test_what_cannot_be_parsed_has_no_names(source: str | bytes) -> None:
    assert names_of_source(source) == ()


def test_the_program_is_found_in_its_command(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "wash.py").write_text("import house\nhouse.scrub()\n")
    (tmp_path / "tools" / "__main__.py").write_text("import house\nhouse.sweep()\n")
    for command, names in (
        (["python", "-u", "wash.py", "-c", "house.ignored()"], ("scrub",)),
        (["uv", "run", "wash.py"], ("scrub",)),
        (["python", "-m", "tools", "--fast"], ("sweep",)),
        (["python", "-m", "wash"], ("scrub",)),
        (["python", "-c", "import house; house.dust()"], ("dust",)),
        (["python", "-m", "nowhere.at_all"], ()),
        (["python", "-m", "../wash"], ()),
        (["python", "missing.py"], ()),
        (["echo", "-m"], ()),
        ([], ()),
    ):
        assert names_of_program(command, tmp_path) == names, command


def test_a_program_that_is_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("x.reads = 1\n" * (LARGEST // 10))
    assert names_of_program(["python", "big.py"], tmp_path) == ()
    many = "\n".join(f"a.{'z' * (i // 26 % 26 + 3)}{chr(97 + i % 26)}{'q' * (i // 676 + 1)}" for i in range(3000))
    assert len(names_of_source(many)) <= MOST_NAMES
