from __future__ import annotations

import base64
from pathlib import Path

from dev.embedded import keys


def test_kept_makes_private_secrets_once(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    made = keys.kept(file=file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.kept(file=file) == made
    assert keys.kept(file=tmp_path / "another.json") != made


def test_application_keys_have_the_length_the_ciphers_need() -> None:
    made = keys.application_keys()
    assert len(base64.b64decode(made["PERSONAL_DATA_KEY"])) == 32
    assert len(base64.b64decode(made["SEARCH_KEY"])) == 32
    assert len(made["SECRET_KEY"]) >= 50


def test_write_private_replaces_a_readable_file_by_a_private_one(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("old")
    file.chmod(0o644)
    keys.write_private(file=file, text="new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]
