"""What the supervisor survives, and what ends with it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.embedded import leftovers, ports
from dev.embedded.folders import Folders
from dev.embedded.programs import Program
from dev.embedded.supervision import Supervisor

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[3]
QUIET = "import time\ntime.sleep(600)"
# Goes on saying who it is.
CHATTY = "import os, time\nwhile True:\n    print('here is', os.getpid(), flush=True)\n    time.sleep(0.05)"


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(var=tmp_path / "var")
    made.create()
    return made


@contextmanager
def supervised(folders: Folders, *, code: str = CHATTY) -> Iterator[tuple[Supervisor, Program]]:
    """A supervisor with one program, which it has started."""
    chatty = folders.var / "chatty.py"
    chatty.write_text(code)
    program = Program(name="chatty", argv=[sys.executable, str(chatty)], rank=1)
    supervisor = Supervisor(folders=folders, port=ports.pick_for_tests(count=1)[0], password="secret")
    supervisor.launch(programs=[program], env=os.environ | {leftovers.MARK: str(folders.var)})
    try:
        wait_until(supervisor.answers, what="the supervisor answers")
        supervisor.start(program=program)
        wait_until(lambda: supervisor.states()["chatty"] == "RUNNING", what="the program runs")
        yield supervisor, program
    finally:
        supervisor.stop()
        leftovers.end_leftovers(var=folders.var)


def pid_of(supervisor: Supervisor) -> int:
    assert supervisor._process is not None
    return supervisor._process.pid


def pids_of_program(supervisor: Supervisor, folders: Folders) -> list[int]:
    return [pid for pid in leftovers.belonging(var=folders.var) if pid != pid_of(supervisor)]


def test_program_when_its_supervisor_is_killed_ends_too(folders: Folders) -> None:
    # A chatty one would end by itself: nobody reads what it says any more.
    with supervised(folders, code=QUIET) as (supervisor, _program):
        assert len(pids_of_program(supervisor, folders)) == 1
        os.kill(pid_of(supervisor), signal.SIGKILL)
        wait_until(lambda: not supervisor.is_alive, what="the supervisor is gone")
        wait_until(lambda: not leftovers.belonging(var=folders.var), what="the program has ended, too")


def test_supervisor_when_no_log_can_be_written_still_starts_again_what_ended(folders: Folders) -> None:
    for name in ("supervisord.log", "supervisord-events.log", "chatty.log"):
        (folders.log / name).symlink_to("/dev/full")
    with supervised(folders) as (supervisor, _program):
        (before,) = pids_of_program(supervisor, folders)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{before}").exists() or not supervisor.is_alive, what="it has ended")
        wait_until(
            lambda: (
                not supervisor.is_alive
                or (supervisor.states().get("chatty") == "RUNNING" and pids_of_program(supervisor, folders) != [before])
            ),
            what="another one runs",
        )
        assert supervisor.is_alive, "the supervisor was ended by its own log"


def test_supervisor_when_there_is_room_again_goes_on_logging_and_says_what_is_missing(folders: Folders) -> None:
    log = folders.log / "chatty.log"
    with supervised(folders) as (supervisor, _program):
        wait_until(lambda: log.stat().st_size > 0, what="it has said something")
        # No file of the supervisor's may grow beyond this: to it that is a full disk.
        resource.prlimit(pid_of(supervisor), resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        time.sleep(0.1)
        full = log.stat().st_size
        time.sleep(1)
        assert supervisor.is_alive, "the supervisor was ended by its own log"
        assert log.stat().st_size == full
        resource.prlimit(pid_of(supervisor), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: "lines may be missing here" in log.read_text(), what="the log says what is missing")
        said = log.stat().st_size
        wait_until(lambda: log.stat().st_size > said, what="the log goes on")


WATCH = "import sys; from dev.embedded import with_parent; sys.exit(with_parent.watch(sys.argv[2:], signum=int(sys.argv[1])))"


@contextmanager
def watched(code: str) -> Iterator[subprocess.Popen[str]]:
    """A program as it runs where the kernel cannot be asked: watched through the pipe that its parent holds."""
    argv = [sys.executable, "-c", WATCH, str(int(signal.SIGTERM)), sys.executable, "-c", code]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return str(process.stdout.readline()).strip()


# With os.write: the signal may come while the first word is still being flushed, and print cannot be called inside print.
TELLS_WHAT_ENDS_IT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"asked to end\\n"), sys.exit(7)))
os.write(1, b"here\\n")
time.sleep(60)
"""


def test_watched_program_when_the_pipe_of_its_parent_ends_is_asked_to_end() -> None:
    with watched(TELLS_WHAT_ENDS_IT) as process:
        assert said(process) == "here"
        assert process.stdin is not None
        process.stdin.close()
        assert said(process) == "asked to end"
        assert process.wait(timeout=60) == 7


def test_watched_program_when_its_watcher_is_signalled_gets_the_signal() -> None:
    with watched(TELLS_WHAT_ENDS_IT) as process:
        assert said(process) == "here"
        process.terminate()
        assert said(process) == "asked to end"
        assert process.wait(timeout=60) == 7


def test_watched_program_when_it_ends_gives_its_status() -> None:
    with watched("raise SystemExit(3)") as process:
        assert process.wait(timeout=60) == 3
