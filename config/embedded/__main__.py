"""The command: `python -m config.embedded test-services -- COMMAND`."""

from __future__ import annotations

import argparse
import sys

from config.embedded import throwaway
from config.embedded.postgres import PostgresFailed
from config.embedded.rootless import RootRefused
from config.embedded.valkey import ValkeyFailed


def main() -> int:
    """Read the command line and do what it says.

    Returns:
        The process's exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    test_services = commands.add_parser("test-services", help="run a command beside a fresh PostgreSQL and Valkey")
    test_services.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    options = parser.parse_args()
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        test_services.error("a command is missing: ... test-services -- pytest tests/core")
    try:
        return throwaway.run_with_services(argv=argv)
    except (PostgresFailed, RootRefused, ValkeyFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
