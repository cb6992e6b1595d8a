"""A channel account that is down gets single probes; one that refuses our keys is not called silent."""

from __future__ import annotations

import pytest
import redis

from payment_channels.contract import Refused, Retry, Unknown
from refunds.payouts import breaker
from refunds.payouts.breaker import OPENS_AFTER, PROBE_AFTER_S, Breakers
from tests.factories import make_account, make_merchant

WRONG_KEY = Refused(code="SIGN_ERROR", message="", retry=Retry.AFTER_MENDING, remedy="check_keys")
TAKEN = Unknown(code="PROCESSING", message="", accepted=True)
SILENT = Unknown(code="timeout", message="")
#: No account of another test.
ACCOUNT = 910_000_007


def test_circuit_when_the_channel_is_silent_is_told_to_the_desk_until_it_answers() -> None:
    breakers = Breakers()
    for _ in range(OPENS_AFTER - 1):
        breakers.note(ACCOUNT, SILENT)
    assert (breakers.open_accounts(), breaker.down([ACCOUNT])) == ([], set())
    breakers.note(ACCOUNT, SILENT)
    assert (breakers.open_accounts(), breaker.down([ACCOUNT, ACCOUNT + 1])) == ([ACCOUNT], {ACCOUNT})
    breakers.note(ACCOUNT, TAKEN)
    assert (breakers.open_accounts(), breaker.down([ACCOUNT])) == ([], set())


def test_signed_answer_with_unknown_words_does_not_make_a_channel_silent() -> None:
    breakers = Breakers()
    for _ in range(OPENS_AFTER):
        breakers.note(ACCOUNT, Unknown(code="unreadable", message="an unknown refund_status", raw="{}"))
    assert breakers.open_accounts() == []


def test_down_when_redis_does_not_answer_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(breaker, "client", away)
    assert breaker.down([ACCOUNT]) == set()


@pytest.mark.django_db
def test_wrong_keys_open_the_circuit_without_calling_the_channel_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account(make_merchant())
    breakers = Breakers()
    for _ in range(OPENS_AFTER):
        assert breakers.note(account.pk, WRONG_KEY) is False
    assert breakers.open_accounts() == [account.pk]
    assert breaker.down([account.pk]) == set()
    assert breakers.note(account.pk, TAKEN) is True
    assert breakers.open_accounts() == []
    assert breakers.note(account.pk, TAKEN) is False


def test_first_probes_come_quickly_and_later_ones_at_a_steady_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("refunds.payouts.breaker.time.monotonic", lambda: now)
    breakers = Breakers()
    for _ in range(OPENS_AFTER):
        breakers.note(7, SILENT)
    probes = []
    for _ in range(600):
        if breakers.due_probes():
            probes.append(now)
            breakers.note(7, SILENT)
        now += 0.1
    gaps = [round(later - earlier) for earlier, later in zip([1_000.0, *probes], probes, strict=False)]
    assert gaps[:4] == [round(seconds) for seconds in PROBE_AFTER_S]
    assert set(gaps[4:]) == {round(PROBE_AFTER_S[-1])}
