"""What time it is for a merchant."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
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


#: Where it is about the machine, or about what only staff do, who have no sandbox.
_REAL_TIME = {
    *("api/calls.py", "api/channel_notices.py", "api/deputies.py", "api/description.py", "api/idempotency.py"),
    *(
        "api/keys.py",
        "api/opening.py",
        "api/policy_drafts.py",
        "api/policy_trials.py",
        "api/sandbox.py",
        "api/stores.py",
        "api/team.py",
        "api/reviewers.py",
        "api/channel_accounts.py",
        "api/message_templates.py",
        "api/webhooks.py",
    ),
}


def test_faces_that_keys_and_customers_meet_ask_the_merchants_clock() -> None:
    """A module that keys or customers reach says ``clock.now()``: theirs may be a sandbox, whose clock runs ahead."""
    found = {
        str(path.relative_to(settings.BASE_DIR))
        for face in ("api", "customer")
        for path in (settings.BASE_DIR / face).rglob("*.py")
        if "timezone.now" in path.read_text(encoding="utf-8")
    }
    assert found - _REAL_TIME == set()
