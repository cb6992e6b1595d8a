"""The page of rights."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from merchants.management.commands import rights


def test_page_when_it_drifted_fails_the_check_and_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "rights.md"
    monkeypatch.setattr(rights, "_PAGE", page)
    with pytest.raises(CommandError, match="make rights"):
        call_command("rights", check=True)
    call_command("rights")
    call_command("rights", check=True)
    page.write_text(page.read_text() + "more")
    with pytest.raises(CommandError, match="make rights"):
        call_command("rights", check=True)
