"""The way from the channel to the payer's bank is asked about until it is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from payment_channels.contract import BANK_NOTIFIED, Done, Outcome, PaidTo, SecondLeg, Unknown
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.models.ledger import LedgerEntry
from refunds.payouts import second_leg
from refunds.payouts.kept_outcomes import as_json, from_json
from tests.refunds.payouts.test_doubt import Scripted, _done

pytestmark = pytest.mark.django_db


def _paid(request: RefundRequest, at: datetime, **said: Any) -> Done:
    told: dict[str, Any] = {"paid_to": PaidTo.ORIGINAL, "second_leg": SecondLeg.PENDING, **said}
    done = replace(_done(request, at), **told)
    (claimed,) = payouts.claim(limit=1, at=at)
    payouts.settle([payouts.ask(claimed, Scripted(refunds=[done]))], at=at)
    return done


def _ask(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, at: datetime) -> Execution:
    monkeypatch.setattr(second_leg, "adapter_for", lambda *_: Scripted(queries=[outcome]))
    assert second_leg.ask_due(at=at) == 1
    return Execution.objects.get()


def test_settle_when_channel_says_where_it_went_keeps_it(request_: RefundRequest) -> None:
    now = timezone.now()
    _paid(request_, now, paid_to=PaidTo.OTHER_CARD, second_leg=SecondLeg.NONE, received_account="工商银行借记卡4455")

    payout = Execution.objects.get()
    assert (payout.state, payout.paid_to, payout.second_leg) == ("succeeded", "other_card", "")
    assert (payout.received_account, payout.second_leg_due_at) == ("工商银行借记卡4455", None)
    assert second_leg.ask_due(at=now + timedelta(days=1)) == 0


def test_ask_due_when_bank_has_it_is_over(request_: RefundRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    done = _paid(request_, now)
    assert second_leg.ask_due(at=now) == 0

    payout = _ask(monkeypatch, replace(done, second_leg=SecondLeg.DONE, arrives_at=now), now + timedelta(minutes=1))

    assert (payout.second_leg, payout.second_leg_due_at, payout.arrives_at) == ("done", None, now)
    assert not payout.needs_attention
    assert LedgerEntry.objects.filter(kind="payout").count() == 2


def test_ask_due_when_bank_refuses_calls_finance_and_says_where_it_lies(
    request_: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    done = _paid(request_, now, arrives_at=now + timedelta(days=3))
    refused = replace(done, second_leg=SecondLeg.FAILED, paid_to=PaidTo.BALANCE)

    payout = _ask(monkeypatch, refused, now + timedelta(minutes=1))

    assert (payout.second_leg, payout.paid_to, payout.arrives_at) == ("failed", "balance", None)
    assert payout.needs_attention
    assert (payout.state, payout.second_leg_due_at) == ("succeeded", None)
    assert AuditEvent.objects.filter(action="refund.second_leg_failed").count() == 1


@pytest.mark.parametrize("outcome", ["pending", "unknown"])
def test_ask_due_when_nothing_is_known_yet_is_asked_again(
    request_: RefundRequest, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    now = timezone.now()
    done = _paid(request_, now)
    said: Outcome = done if outcome == "pending" else Unknown(code="timeout", message="")
    at = now + timedelta(minutes=1)

    payout = _ask(monkeypatch, said, at)

    assert payout.second_leg == "pending"
    assert payout.second_leg_due_at is not None
    assert payout.second_leg_due_at > at


def test_ask_due_when_the_bank_says_nothing_for_15_days_calls_finance(
    request_: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    done = _paid(request_, now)

    payout = _ask(monkeypatch, done, now + timedelta(days=16))

    assert (payout.needs_attention, payout.second_leg_due_at) == (True, None)


@pytest.mark.parametrize(
    ("code", "known"),
    [("notified", SecondLeg.PENDING), (BANK_NOTIFIED, SecondLeg.PENDING), (BANK_NOTIFIED, SecondLeg.NONE)],
)
def test_notice_of_the_second_leg_makes_it_due(request_: RefundRequest, code: str, known: SecondLeg) -> None:
    """Also where nothing was said of a bank so far: it was paid on a query's word that came before the bank's."""
    now = timezone.now()
    _paid(request_, now)
    Execution.objects.update(second_leg=known, second_leg_due_at=None)
    payout = Execution.objects.get()
    heard = Unknown(code=code, message="", accepted=True)
    answer = payouts.Answer(payout.pk, request_.pk, payout.channel_account_id, heard, "notice")

    payouts.settle([answer], at=now + timedelta(seconds=2))

    payout.refresh_from_db()
    assert (payout.state, payout.second_leg_due_at) == ("succeeded", now + timedelta(seconds=2))


def test_notice_keeps_where_the_money_went_on_its_way_through_the_inbox(request_: RefundRequest) -> None:
    done = replace(
        _done(request_, timezone.now()),
        paid_to=PaidTo.BALANCE,
        second_leg=SecondLeg.FAILED,
        arrives_at=timezone.now(),
    )

    assert from_json(as_json(done)) == done
