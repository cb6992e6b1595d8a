"""One demo a checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dev.embedded.folders import Folders
from dev.embedded.only_one import AlreadyRunning, only_one, running


def test_second_demo_is_refused_with_the_firsts_address_and_the_next_is_not(tmp_path: Path) -> None:
    folders = Folders(var=tmp_path)
    folders.create()
    assert running(folders=folders) is None
    with only_one(folders=folders, web_port=8123):
        found = running(folders=folders)
        assert found is not None
        assert (found.pid, found.url) == (os.getpid(), "http://127.0.0.1:8123")
        with pytest.raises(AlreadyRunning, match="8123"), only_one(folders=folders, web_port=9000):
            pass
    assert running(folders=folders) is None
