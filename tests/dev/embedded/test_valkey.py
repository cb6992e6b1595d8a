"""The broker's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.embedded.ports import pick_for_tests
from dev.embedded.valkey import Valkey, ValkeyFailed


def test_password_is_in_a_file_that_only_we_can_read_and_in_no_argument(tmp_path: Path) -> None:
    valkey = Valkey(folder=tmp_path / "a b", port=7000, password="hush")
    valkey.initialise()
    (file,) = (tmp_path / "a b").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "requirepass hush" in file.read_text()
    assert f'dir "{tmp_path / "a b"}"' in file.read_text()
    assert "hush" not in " ".join(valkey.command())


def test_wait_when_nobody_listens_fails_in_time(tmp_path: Path) -> None:
    valkey = Valkey(folder=tmp_path, port=pick_for_tests(count=1)[0], password="hush")
    with pytest.raises(ValkeyFailed, match="not ready"):
        valkey.wait_until_ready(timeout_s=0.1)
