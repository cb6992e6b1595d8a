"""Children that are ended, politely first."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from dev.embedded import processes


def test_child_is_asked_to_end_and_killed_where_it_does_not(tmp_path: Path) -> None:
    polite = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    stubborn = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
    ]
    for argv, status in ((polite, -signal.SIGTERM), (stubborn, -signal.SIGKILL)):
        path = tmp_path / f"log{status}"
        with path.open("wb") as log:
            child = processes.start(argv=argv, stop_signal=signal.SIGKILL, log=log)
            while not path.read_bytes():
                assert child.poll() is None
            processes.stop(process=child, patience_s=0.3)
        assert child.returncode == status
        processes.stop(process=child)
