"""Places where a test may kill the process."""

from __future__ import annotations

import os
import signal

import pytest
from pytest_django.fixtures import Settings

from core.failpoints import failpoint


def test_failpoint_when_the_setting_names_it_kills_and_otherwise_does_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, sig: killed.append((pid, sig)))
    failpoint("outbox.before_commit")
    assert killed == []
    settings.FAILPOINTS = frozenset({"outbox.before_commit"})
    failpoint("another")
    failpoint("outbox.before_commit")
    assert killed == [(os.getpid(), signal.SIGKILL)]
