"""The vendor's request limits: per second, and erroneous requests per second. 0 means not enforced."""

from __future__ import annotations

import time
from collections.abc import Mapping

from simulators.wechat.errors import ApiError


class Throttle:
    """Counts within whole seconds of real time."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self._limits = limits
        self._second = 0
        self._calls = 0
        self._errors = 0

    def check(self) -> None:
        """Count a call. Raises ApiError FREQUENCY_LIMITED."""
        self._turn()
        self._calls += 1
        calls, errors = self._limits["per_second"], self._limits["errors_per_second"]
        if (calls and self._calls > calls) or (errors and self._errors > errors):
            raise ApiError(429, "FREQUENCY_LIMITED", "频率限制")

    def count_error(self) -> None:
        """Count an erroneous call."""
        self._turn()
        self._errors += 1

    def _turn(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._calls, self._errors = second, 0, 0
