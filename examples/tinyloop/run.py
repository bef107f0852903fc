"""`python run.py SCENARIO`: play one; exit code 0 when the answer is right, 1 when not, 2 for bad usage."""

import asyncio
import json
import sys
from pathlib import Path

from provider import serve
from tinyloop import AgentError, solve


def main(arguments: list[str]) -> int:
    """Start a scripted provider, ask one question, and compare the answer with the scenario's."""
    scenarios = json.loads(Path(__file__).with_name("scenarios.json").read_text(encoding="utf-8"))
    if len(arguments) != 1 or arguments[0] not in scenarios:
        print(f"usage: run.py {'|'.join(scenarios)}", file=sys.stderr)
        return 2
    scenario = scenarios[arguments[0]]
    with serve(scenario["turns"]) as url:
        try:
            answer = asyncio.run(solve(url, scenario["question"]))
        except AgentError as error:
            print(f"FAIL {arguments[0]}: {error}")
            return 1
    passed = answer == scenario["answer"]
    print(f"{'PASS' if passed else 'FAIL'} {arguments[0]}: {answer}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
