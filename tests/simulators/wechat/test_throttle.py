"""The vendor's request limits as the stand-in keeps them."""

from __future__ import annotations

import pytest

from simulators.wechat.errors import ApiError
from simulators.wechat.throttle import Throttle


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The running second, which a test moves."""
    now = [100.0]
    monkeypatch.setattr("simulators.wechat.throttle.time.monotonic", lambda: now[0])
    return now


def test_throttle_when_a_second_has_more_calls_than_allowed_refuses_until_the_next(second: list[float]) -> None:
    limits = Throttle({"per_second": 2, "errors_per_second": 0})
    limits.check()
    limits.check()
    with pytest.raises(ApiError) as refused:
        limits.check()
    assert (refused.value.status, refused.value.code) == (429, "FREQUENCY_LIMITED")

    second[0] += 1
    limits.check()


def test_throttle_when_a_second_has_more_errors_than_allowed_refuses_what_is_right_too(second: list[float]) -> None:
    limits = Throttle({"per_second": 0, "errors_per_second": 1})
    limits.count_error()
    limits.check()
    limits.count_error()
    with pytest.raises(ApiError):
        limits.check()


def test_throttle_when_no_limit_is_set_refuses_nothing(second: list[float]) -> None:
    limits = Throttle({"per_second": 0, "errors_per_second": 0})
    for _ in range(1_000):
        limits.count_error()
        limits.check()
