"""When the customer can expect the money: at once, or in working days as the statutory calendar counts them."""

from __future__ import annotations

from datetime import datetime

import pytest

from core.calendar import SHANGHAI
from payment_channels.profile import Profile
from refunds.rules.arrival import expected_arrival


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize("funding", ["balance", "consumer_credit", "cash"])
def test_what_was_paid_from_a_wallet_is_there_within_minutes(funding: str) -> None:
    arrival = expected_arrival(funding=funding, profile=Profile(), at=_at("2026-11-22 20:00"))

    assert arrival.basis == "at_once"
    assert arrival.latest_at == _at("2026-11-22 20:10")


def test_a_card_takes_one_to_three_working_days() -> None:
    arrival = expected_arrival(funding="debit_card", profile=Profile(), at=_at("2026-11-23 10:00"))

    assert (arrival.earliest_at.date(), arrival.latest_at.date()) == (
        _at("2026-11-24").date(),
        _at("2026-11-26").date(),
    )
    assert arrival.basis == "working_days"


def test_a_weekend_is_passed_over() -> None:
    arrival = expected_arrival(funding="debit_card", profile=Profile(), at=_at("2026-11-20 10:00"))

    assert arrival.earliest_at.date() == _at("2026-11-23").date()


def test_national_day_delays_by_a_week_and_its_make_up_saturday_counts() -> None:
    """1 to 7 October 2026 are holidays; Saturday the 10th is a workday for them."""
    arrival = expected_arrival(funding="credit_card", profile=Profile(), at=_at("2026-09-30 15:00"))

    assert (arrival.earliest_at.date(), arrival.latest_at.date()) == (
        _at("2026-10-08").date(),
        _at("2026-10-10").date(),
    )


def test_a_year_that_the_calendar_does_not_know_counts_weekends_and_says_so() -> None:
    arrival = expected_arrival(funding="debit_card", profile=Profile(), at=_at("2031-01-03 10:00"))

    assert arrival.basis == "weekends_only"
    assert arrival.earliest_at.date() == _at("2031-01-06").date()


def test_the_day_is_shanghais_whatever_the_clock_of_the_server() -> None:
    late_in_london = datetime.fromisoformat("2026-11-23T17:30:00+00:00")

    arrival = expected_arrival(funding="debit_card", profile=Profile(), at=late_in_london)

    assert arrival.earliest_at.astimezone(SHANGHAI).date() == _at("2026-11-25").date()


def test_an_accounts_contract_may_say_otherwise() -> None:
    profile = Profile().over({"arrival": {"debit_card": [0, 1], "balance": [1, 1]}})

    card = expected_arrival(funding="debit_card", profile=profile, at=_at("2026-11-23 10:00"))
    wallet = expected_arrival(funding="balance", profile=profile, at=_at("2026-11-23 10:00"))

    assert card.earliest_at == _at("2026-11-23 10:00")
    assert card.latest_at.date() == wallet.latest_at.date() == _at("2026-11-24").date()
