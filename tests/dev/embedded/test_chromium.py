"""Which Chromium the browser tests take."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.embedded import chromium


def test_chromium_that_the_environment_names_is_taken_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "chromium"
    monkeypatch.setenv("CHROMIUM", str(program))
    with pytest.raises(chromium.NoChromium, match="does not exist"):
        chromium.on_system()
    program.touch()
    assert chromium.on_system() == program
