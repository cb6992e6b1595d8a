"""Where the demo keeps what."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.embedded.folders import CHECKOUT, Folders


def test_folders_are_closed_to_other_users_and_all_below_one(tmp_path: Path) -> None:
    folders = Folders(var=tmp_path / "var")
    folders.create()
    folders.create()
    for folder in (folders.var, folders.log, folders.run, folders.mailbox, folders.simulators):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.is_relative_to(folders.var)
    assert folders.pid_file(program="web").name == "web.pid"


def test_folder_is_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    assert Folders.of_this_checkout().var == tmp_path
    monkeypatch.delenv("VAR_DIR")
    assert Folders.of_this_checkout().var == CHECKOUT / "var"
