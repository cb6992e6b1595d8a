"""A command in a process of its own: its status is told, and it is ended when it takes too long or the worker is to end."""

from __future__ import annotations

import pytest

from refunds.payouts import loop
from refunds.worker import child


def test_run_when_the_command_ends_tells_its_status() -> None:
    assert child.run("version", within_s=60) == 0
    assert child.run("no_such_command", within_s=60) == 1


def test_run_when_it_takes_too_long_kills_it(caplog: pytest.LogCaptureFixture) -> None:
    assert child.run("shell", "-c", "import time; time.sleep(600)", within_s=0) < 0
    assert "timed out" in caplog.text


def test_run_when_the_worker_is_to_end_ends_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.stopping, "wait", lambda _: True)
    assert child.run("shell", "-c", "import time; time.sleep(600)", within_s=600) != 0
