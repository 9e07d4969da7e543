"""``python -m aviary_e2e demo | scenarios | bench``: what the Makefile's targets of these names run."""

import sys

from aviary_e2e.commands import CommandError
from aviary_e2e.kubectl import KubectlError
from aviary_e2e.waiting import DeadlineExceededError

USAGE = "usage: python -m aviary_e2e demo | scenarios [PYTEST ARGUMENTS] | bench [NAMES]"


def main(arguments: list[str]) -> int:
    """Run one of the programs and return its exit code."""
    match arguments:
        case ["demo"]:
            from aviary_e2e.demo import demo

            return demo()
        case ["scenarios", *rest]:
            from aviary_e2e.scenario_run import run_scenarios

            return run_scenarios(rest)
        case ["bench", *rest]:
            from aviary_e2e.bench import bench

            return bench(rest)
        case _:
            print(USAGE, file=sys.stderr)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (CommandError, KubectlError, DeadlineExceededError) as error:
        print(f"aviary: {error}", file=sys.stderr)
        sys.exit(1)
