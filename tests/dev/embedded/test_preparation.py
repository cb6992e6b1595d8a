"""When a start may go ahead before the database has been looked at, and a preparation that fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dev.embedded import preparation
from dev.embedded.preparation import Preparation, Stamp


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one source of each kind, and a cluster beside it."""
    root = tmp_path / "checkout"
    for name in ("refunds/migrations/0001_initial.py", "static/app.css", "config/settings.py", "requirements-demo.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("as it was")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18")
    monkeypatch.setattr(preparation, "CHECKOUT", root)
    return root


@pytest.fixture
def stamp(checkout: Path, tmp_path: Path) -> Stamp:
    made = Stamp(file=tmp_path / "prepared", cluster=tmp_path / "postgres")
    assert not made.is_current(), "nothing has been prepared yet"
    made.renew()
    assert made.is_current()
    return made


@pytest.mark.parametrize(
    "name",
    ["refunds/migrations/0001_initial.py", "static/app.css", "config/settings.py", "requirements-demo.txt"],
)
def test_changed_source_wants_a_new_preparation(stamp: Stamp, checkout: Path, name: str) -> None:
    (checkout / name).write_text("as it is now")
    assert not stamp.is_current()


def test_new_migration_wants_a_new_preparation(stamp: Stamp, checkout: Path) -> None:
    (checkout / "refunds/migrations/0002_more.py").write_text("")
    assert not stamp.is_current()


def test_other_cluster_wants_a_new_preparation(stamp: Stamp, tmp_path: Path) -> None:
    made = tmp_path / "postgres" / "PG_VERSION"
    os.utime(made, ns=(1, 1))
    assert not stamp.is_current()


def test_preparation_that_is_told_nothing_fails_and_says_why(tmp_path: Path) -> None:
    """Whoever started it is gone: it must not go on alone."""
    running = Preparation(log=tmp_path / "prepare.log", env=os.environ)
    try:
        running.tell("something else")
        assert running._process.wait(timeout=60) == 1
        assert running.has_failed
        assert not running.is_done
        assert not running.has_said("begun")
        running.tell("into a closed pipe")
    finally:
        running.stop()
    assert "expected to hear of the services" in (tmp_path / "prepare.log").read_text()
