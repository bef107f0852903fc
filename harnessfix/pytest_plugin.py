"""The pytest plugin: options only. What it does when asked is in `harnessfix.pytest_session`, imported then.

It is loaded in every pytest run of everyone who has harnessfix installed, so this module imports nothing heavy.
"""

import pytest

SESSION = "harnessfix-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--harnessfix` and its companions, with ini twins."""
    group = parser.getgroup("harnessfix", "record and diagnose the agents that tests drive")
    group.addoption(
        "--harnessfix", action="store_true", default=False, help="Record each test as a run and name its flaws."
    )
    group.addoption(
        "--harnessfix-fail-on",
        choices=("error", "warning", "never"),
        default=None,
        help="Fail the session when a flaw of this severity or worse is found [default: never].",
    )
    group.addoption(
        "--harnessfix-report", metavar="PATH", default=None, help="Write the findings as JSON (harnessfix.check/1)."
    )
    parser.addini("harnessfix", "Record and diagnose without being asked on the command line.", "bool", default=False)
    parser.addini("harnessfix_fail_on", "Twin of --harnessfix-fail-on.", default="never")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before any conftest imports the harness, when asked."""
    if early_config.known_args_namespace.harnessfix or early_config.getini("harnessfix"):
        from harnessfix.pytest_session import HarnessfixSession

        early_config.pluginmanager.register(HarnessfixSession(early_config), SESSION)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that it is known under `--strict-markers` whether the plugin is on or off."""
    config.addinivalue_line("markers", "harnessfix(ignore=[...]): rules to leave out for this test under --harnessfix.")
