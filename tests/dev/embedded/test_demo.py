"""Putting the demo's data aside, a database that it may not touch, and what it says before it starts anything; the rest is in
tests/faults/test_demo.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dev.embedded import demo
from dev.embedded.folders import Folders
from dev.embedded.only_one import AlreadyRunning, only_one
from dev.embedded.preparation import Preparation


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "var"
    monkeypatch.setenv("VAR_DIR", str(folder))
    return folder


def test_reset_moves_the_data_aside_and_deletes_nothing(
    var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "PG_VERSION").write_text("18")
    demo.reset()
    assert not var.exists()
    (aside,) = tmp_path.glob("var.old-*")
    assert (aside / "postgres" / "PG_VERSION").read_text() == "18"
    assert str(aside) in capsys.readouterr().out


def test_reset_when_the_demo_runs_refuses_and_leaves_its_data(var: Path, tmp_path: Path) -> None:
    folders = Folders.of_this_checkout()
    folders.create()
    with only_one(folders=folders, web_port=8000), pytest.raises(AlreadyRunning):
        demo.reset()
    assert [found.name for found in tmp_path.iterdir()] == ["var"]


def test_reset_when_there_is_no_data_makes_none(var: Path, tmp_path: Path) -> None:
    demo.reset()
    assert list(tmp_path.iterdir()) == []


def test_preparation_that_refuses_the_database_says_so_in_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho a warning >&2; echo 'another version' >&2; exit {os.EX_CONFIG}\n")
    python.chmod(0o700)
    monkeypatch.setattr("dev.embedded.preparation.sys.executable", str(python))
    running = Preparation(log=tmp_path / "prepare.log", env=os.environ)
    try:
        assert running._process.wait(timeout=60) == os.EX_CONFIG
        assert running.has_failed
        assert running.refusal() == "another version"
    finally:
        running.stop()


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_port_that_is_none_is_refused_in_a_sentence(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(demo.DemoFailed, match=f"PORT={port}"):
        demo._wanted_port()


def test_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    assert demo._tail(log) == ""
    log.write_text("\n".join(str(number) for number in range(100)))
    assert demo._tail(log, lines=2).splitlines() == [f"The end of {log}:", "  98", "  99"]
