"""supervisord as it comes, but for its logs: a full disk costs lines, never the supervisor.

Supervisor prints what it could not log to its standard error; that lies on the same disk, so the second error ended it, and with
it everything that would have come back by itself. Started by its path (`supervision.py`), with nothing of ours around it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from supervisor import loggers, supervisord


class LossyHandler(loggers.RotatingFileHandler):  # type: ignore[misc]  # the package has no types
    """Drops what cannot be written, and says in the log how much that was as soon as it can be written again."""

    stream: Any
    _lost = 0

    def emit(self, record: Any) -> None:
        """Write a record, or count it as lost."""
        try:
            super().emit(record)
            if self._lost:
                text = f"[lines may be missing here: {self._lost} times the log could not be written]\n"
                self._lost = 0
                super().emit(loggers.LogRecord(loggers.LevelsByName.WARN, text))
        except (OSError, ValueError):
            # ValueError: turning the files over had closed one and could not open the next.
            self._lost += 1
            if self.stream.closed:
                with suppress(OSError):
                    self.stream = open(self.baseFilename, "ab")  # noqa: SIM115 -- the handler's own stream

    def handleError(self) -> None:
        """Called where something is wrong with writing: let `emit` see it."""
        raise


if __name__ == "__main__":
    loggers.RotatingFileHandler = LossyHandler
    sys.exit(supervisord.main())
