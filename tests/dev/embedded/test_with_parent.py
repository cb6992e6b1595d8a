"""A program that ends when its parent does."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from dev.embedded import with_parent

_PROGRAM = [sys.executable, with_parent.__file__]


def test_pid_file_names_the_program_and_its_status_is_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "x.pid"
    argv = [*_PROGRAM, "SIGTERM", str(file), sys.executable, "-c", "import os, sys; print(os.getpid()); sys.exit(7)"]
    # The parent holds the other end of its standard input.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        printed = program.stdout.read()
        status = program.wait()
    assert (status, printed.strip()) == (7, file.read_text())


def test_program_when_our_standard_input_ends_is_ended_by_its_signal() -> None:
    watcher = (
        "import sys; sys.path.insert(0, sys.argv[1]); import signal; from dev.embedded import with_parent; "
        "sys.exit(with_parent.watch([sys.executable, '-c', 'import time; time.sleep(60)'], signum=signal.SIGTERM))"
    )
    root = str(Path(with_parent.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", watcher, root], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 128 + signal.SIGTERM
