"""Noticing that the `make` which started us was interrupted alone.

At a terminal Ctrl-C reaches make and us. A program that signals only the make it started does not reach us: make passes
SIGTERM on, but after SIGINT or SIGHUP it just waits for its children to end, and after SIGKILL it is gone.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_NOT_PASSED_ON = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Parent:
    """The process that started us, looked at when this object is made and again at each question."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        # Whoever else started us (a shell that has gone home, a service manager) may end without ending us.
        self._is_make = "make" in self._read("comm")
        self._caught = self._catches()

    def wants_us_to_stop(self) -> bool:
        """Whether make has ended, or has taken a signal that it did not pass on."""
        if not self._is_make:
            return False
        if os.getppid() != self._pid:
            return True
        # Make goes back to a signal's default action as soon as it handles it.
        return not self._caught <= self._catches()

    def _catches(self) -> set[signal.Signals]:
        masks = [line.split()[1] for line in self._read("status").splitlines() if line.startswith("SigCgt:")]
        mask = int(masks[0], 16) if masks else 0
        return {signum for signum in _NOT_PASSED_ON if mask & 1 << (signum - 1)}

    def _read(self, name: str) -> str:
        try:
            return Path(f"/proc/{self._pid}/{name}").read_text()
        except OSError:
            return ""
