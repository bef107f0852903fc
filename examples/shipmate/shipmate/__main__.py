"""`python -m shipmate TASK`: run one task; exit code 0 when its check passed, 1 when not, 2 for bad usage."""

import argparse
import logging
import sys

from .config import ConfigError
from .trial import load_task, run_task


def main() -> int:
    """Run the task named on the command line and print one line about it."""
    parser = argparse.ArgumentParser(prog="shipmate", description="Run one release task.")
    parser.add_argument("task", help="name of a task, or the path of its file")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what tools do to standard error")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    try:
        task = load_task(options.task)
    except (OSError, ValueError) as error:
        parser.error(f"no such task: {error}")
    try:
        outcome, found = run_task(task)
    except ConfigError as error:
        parser.error(str(error))
    verdict = "FAIL" if found else "PASS"
    print("; ".join([f"{verdict} {task['name']}, {outcome.stop} after {outcome.steps} turns", *found]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
