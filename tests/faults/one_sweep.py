"""``python -m tests.faults.one_sweep``: for each line on its input a worker hears what waits and sends it, once, and dies where a
failpoint says. Answers how it ended: 0, or -9.

Workers are forked from a process that has started Django and has no connection and no thread yet: that takes a tenth of a start.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import IO, Any

import django
from django.conf import settings
from django.utils import timezone

from dev.embedded import processes

#: How long a worker may take, on a busy machine, too.
PATIENCE_S = 45.0


class Sweeper:
    """That process, seen from a test."""

    def __init__(self, process: subprocess.Popen[str], orders: IO[str], answers: IO[str]) -> None:
        self._process, self._orders, self._answers = process, orders, answers

    def sweep(self, *, failpoint: str, base_url: str, audit_heads_dir: Path) -> int:
        """The exit code of a worker that dies at this place, if it comes there."""
        order = {"failpoints": [failpoint], "base_url": base_url, "audit_heads_dir": str(audit_heads_dir)}
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        assert select([self._answers], [], [], PATIENCE_S)[0], f"the worker is not done after {PATIENCE_S} s"
        return int(self._answers.readline())


@contextmanager
def sweeper(env: Mapping[str, str]) -> Iterator[Sweeper]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.one_sweep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        text=True,
        start_new_session=True,
        preexec_fn=processes.die_with_parent(sig=signal.SIGKILL),
    )
    assert process.stdin
    assert process.stdout
    with process:
        yield Sweeper(process, process.stdin, process.stdout)
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Here, so that no worker has to import them once more.
    from refunds.payouts import loop, notices

    def work(order: dict[str, Any]) -> None:
        settings.FAILPOINTS, settings.BASE_URL = order["failpoints"], order["base_url"]
        settings.AUDIT_HEADS_DIR = Path(order["audit_heads_dir"])
        notices.apply_waiting(at=timezone.now())
        loop.drain()

    for line in sys.stdin:
        worker = multiprocessing.get_context("fork").Process(target=work, args=[json.loads(line)])
        worker.start()
        worker.join()
        print(worker.exitcode, flush=True)  # noqa: T201
