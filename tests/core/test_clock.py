"""What time it is for a merchant."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core import clock

DAY = timedelta(days=1)


def test_now_when_nobody_is_ahead_is_the_time() -> None:
    before = timezone.now()
    assert before <= clock.now() <= timezone.now()
    assert clock.ahead() == timedelta()


def test_now_within_a_sandbox_is_its_own_and_ends_with_it() -> None:
    with clock.running_ahead(DAY):
        assert clock.now() - timezone.now() + timedelta(seconds=1) >= DAY
        with clock.running_ahead(2 * DAY):
            assert clock.ahead() == 2 * DAY
        assert clock.ahead() == DAY
    assert clock.ahead() == timedelta()


def test_run_ahead_lasts_until_it_is_called_off() -> None:
    clock.run_ahead(DAY)
    assert clock.ahead() == DAY
    clock.run_ahead()
    assert clock.ahead() == timedelta()
