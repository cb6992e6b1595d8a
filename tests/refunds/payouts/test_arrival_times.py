"""What a channel account's refunds took to arrive is what is promised next; too few of them show nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.calendar import SHANGHAI
from merchants.models import ChannelAccount
from payment_channels.contract import PaidTo, SecondLeg
from refunds.models import Execution
from refunds.payouts import arrival_times
from refunds.payouts.arrival_times import FEWEST
from refunds.rules.arrival import expected_arrival, paid_through
from tests.customer.conftest import in_state

# Payouts without a request of their own: only their times matter here.
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]

#: A Monday and the Friday before it.
MONDAY, FRIDAY = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI), datetime(2026, 11, 20, 10, tzinfo=SHANGHAI)
NOW = MONDAY + timedelta(days=7)
DAY = timedelta(days=1)


@pytest.fixture
def paid() -> Execution:
    """A payout to a debit card, of which the tests make many."""
    return in_state("refunded", funding="debit_card").executions.get()


def took(like: Execution, days: int, *, count: int = 1, sent_at: datetime = MONDAY, **fields: Any) -> None:
    """So many payouts that were there after so many days by the bank's own word, unless ``fields`` say otherwise."""
    said = {"arrives_at": sent_at + days * DAY, "second_leg": SecondLeg.DONE, "succeeded_at": sent_at, **fields}
    for number in range(count):
        like.pk, like._state.adding = None, True
        for name, value in said.items():
            setattr(like, name, value)
        like.id = Execution._meta.get_field("id").get_default()
        like.first_sent_at, like.sequence = sent_at, like.sequence + 1
        like.refund_no, like.channel_refund_no = f"R{like.sequence}N1", f"C{like.sequence}-{number}"
        like.save(force_insert=True)


def promised(at: datetime) -> tuple[int, str]:
    """The day of the month by which a debit card has it, and on what that rests."""
    arrival = expected_arrival(funding="debit_card", profile=ChannelAccount.objects.get().usable_profile, at=at)
    return arrival.latest_at.astimezone(SHANGHAI).day, arrival.basis


def test_learn_when_banks_said_when_they_had_it_promises_that(paid: Execution) -> None:
    took(paid, 1, count=FEWEST - 1)
    took(paid, 9)

    assert arrival_times.learn(at=NOW) == 1

    # One in twenty may be late.
    assert promised(MONDAY) == (24, "own_history")
    # Too few were paid on a Friday: all of the week speak for it.
    assert promised(FRIDAY) == (23, "own_history")
    assert arrival_times.learn(at=NOW) == 0


def test_learn_when_fridays_take_longer_says_so_of_fridays(paid: Execution) -> None:
    took(paid, 1, count=3 * FEWEST)
    took(paid, 5, count=FEWEST, sent_at=FRIDAY)

    arrival_times.learn(at=NOW)

    assert (promised(MONDAY)[0], promised(FRIDAY)[0]) == (24, 25)


def test_learn_when_only_the_channel_took_long_adds_what_is_usual_of_banks(paid: Execution) -> None:
    took(paid, 0, count=FEWEST, arrives_at=None, second_leg=SecondLeg.NONE, succeeded_at=MONDAY + 2 * DAY)

    arrival_times.learn(at=NOW)

    # Two days at the channel, three at the bank: from Monday to the next.
    assert promised(MONDAY) == (30, "own_history")


@pytest.mark.parametrize(
    "fields",
    [
        {"count": FEWEST - 1},
        {"second_leg": SecondLeg.PENDING},
        {"second_leg": SecondLeg.FAILED},
        {"paid_to": PaidTo.BALANCE},
        {"proof_source": "person"},
        {"sends": 2},
        {"sent_at": NOW - 100 * DAY},
    ],
    ids=[
        "too few",
        "only an estimate",
        "the bank refused",
        "went to a balance",
        "paid by hand",
        "held first",
        "long ago",
    ],
)
def test_learn_when_nothing_is_shown_promises_what_is_usual(paid: Execution, fields: dict[str, Any]) -> None:
    took(paid, 9, **{"count": FEWEST, **fields})

    assert arrival_times.learn(at=NOW) == 0

    assert promised(MONDAY) == (26, "working_days")


def test_learn_when_history_shows_nothing_any_more_forgets(paid: Execution) -> None:
    took(paid, 1, count=FEWEST)
    arrival_times.learn(at=NOW)

    assert arrival_times.learn(at=NOW + 100 * DAY) == 1

    assert promised(MONDAY) == (26, "working_days")


def test_learn_when_one_bank_takes_longer_says_so_of_that_bank(paid: Execution) -> None:
    took(paid, 1, count=3 * FEWEST, received_account="招商银行信用卡0403")
    took(paid, 4, count=FEWEST, received_account="邮政储蓄银行储蓄卡**6021")
    took(paid, 1, count=FEWEST - 1, received_account="农村信用社7788")

    arrival_times.learn(at=NOW)

    profile = ChannelAccount.objects.get().usable_profile
    days = {
        account: expected_arrival(
            funding=paid_through("debit_card", account), profile=profile, at=MONDAY
        ).latest_at.astimezone(SHANGHAI).day
        for account in ("招商银行储蓄卡9999", "邮政储蓄银行信用卡1", "农村信用社1", "支付用户零钱", "")
    }  # fmt: skip
    assert days == {
        "招商银行储蓄卡9999": 24, "邮政储蓄银行信用卡1": 27, "农村信用社1": 27, "支付用户零钱": 27, "": 27
    }  # fmt: skip
