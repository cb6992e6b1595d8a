"""The embedded services, and what runs on them: `python -m dev.embedded COMMAND`."""

from __future__ import annotations

import argparse
import sys

from dev.embedded import demo, throwaway
from dev.embedded.only_one import AlreadyRunning
from dev.embedded.ports import NoFreePort
from dev.embedded.postgres import PostgresFailed
from dev.embedded.rootless import RootRefused
from dev.embedded.valkey import ValkeyFailed

# What can be wrong with a machine rather than with us: a sentence helps, a traceback does not.
_FAILURES = (demo.DemoFailed, AlreadyRunning, NoFreePort, PostgresFailed, RootRefused, ValkeyFailed)


def main() -> int:
    """Read the command line and do what it says.

    Returns:
        The process's exit status.
    """
    parser = _parser()
    options = parser.parse_args()
    try:
        return _do(
            options.command, argv=_command_of(options, parser=parser), durable=getattr(options, "durable", False)
        )
    except _FAILURES as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _do(command: str, *, argv: list[str], durable: bool) -> int:
    match command:
        case "demo":
            demo.run()
        case "simulators":
            demo.run(only_simulators=True)
        case "status":
            return demo.status()
        case "reset":
            demo.reset()
        case "run":
            return demo.run_beside(argv=argv)
        case "test-services":
            return throwaway.run_with_services(argv=argv, durable=durable)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run everything in the foreground")
    commands.add_parser("simulators", help="run the channels' stand-ins and the mailbox in the foreground")
    commands.add_parser("status", help="say what is running; exit status 3: nothing, 4: leftovers")
    commands.add_parser("reset", help="put the demo's data and secrets aside")
    for name, text in (
        ("run", "run a command with the environment of the running demo"),
        ("test-services", "run a command beside a fresh PostgreSQL and Valkey"),
    ):
        with_command = commands.add_parser(name, help=text)
        if name == "test-services":
            with_command.add_argument("--durable", action="store_true", help="on disk and with fsync, for benchmarks")
        with_command.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _command_of(options: argparse.Namespace, *, parser: argparse.ArgumentParser) -> list[str]:
    given: list[str] = getattr(options, "argv", [])
    argv = given[1:] if given[:1] == ["--"] else given
    if options.command in {"run", "test-services"} and not argv:
        parser.error(f"a command is missing: {options.command} -- COMMAND")
    return argv


if __name__ == "__main__":
    sys.exit(main())
