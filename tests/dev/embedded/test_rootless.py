"""Running a program as somebody other than root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dev.embedded import rootless
from dev.embedded.rootless import Launcher, launcher


def test_ordinary_user_needs_no_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert launcher() == Launcher(prefix=())


def test_root_without_a_way_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rootless, "_works", lambda _candidate: False)
    with pytest.raises(rootless.RootRefused, match="DATABASE_URL"):
        launcher()


def test_command_is_the_prefix_and_the_program() -> None:
    command = Launcher(prefix=("env",)).command("printf", Path("x"))
    assert command == ["env", "printf", "x"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"x"
