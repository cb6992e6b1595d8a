"""A full disk costs lines of the log, never the supervisor."""

from __future__ import annotations

from pathlib import Path

import pytest
from supervisor import loggers

from dev.embedded.supervisord import LossyHandler


def test_handler_when_the_disk_is_full_drops_lines_and_says_so_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = LossyHandler(str(tmp_path / "log"))
    handler.setFormat("%(message)s\n")
    file = handler.stream

    def full(_text: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(handler, "stream", _Stream(full, file))
    handler.emit(loggers.LogRecord(loggers.LevelsByName.WARN, "lost"))
    handler.stream.write = file.write
    handler.emit(loggers.LogRecord(loggers.LevelsByName.WARN, "kept"))
    file.close()
    text = (tmp_path / "log").read_text()
    assert "lost" not in text
    assert "kept" in text
    assert "1 times the log could not be written" in text


class _Stream:
    """A file whose writing can be replaced."""

    def __init__(self, write: object, inner: object) -> None:
        self.write = write
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)
