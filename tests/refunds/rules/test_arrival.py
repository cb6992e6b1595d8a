"""When the customer can expect the money: at once, or in working days as the statutory calendar counts them."""

from __future__ import annotations

from datetime import datetime

import pytest

from core.calendar import SHANGHAI
from payment_channels.profile import Profile
from refunds.rules.arrival import expected_arrival, working_days_between


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


def test_own_history_goes_before_what_is_usual_and_a_weekday_has_its_own() -> None:
    profile = Profile(arrival={"debit_card": (1, 1)}, arrival_seen={"debit_card": (1, 2), "debit_card/5": (3, 4)})

    monday, friday = (
        expected_arrival(funding="debit_card", profile=profile, at=_at(day)) for day in ("2026-11-23", "2026-11-20")
    )

    assert (monday.latest_at.date(), monday.basis) == (_at("2026-11-25").date(), "own_history")
    assert (friday.earliest_at.date(), friday.latest_at.date()) == (_at("2026-11-25").date(), _at("2026-11-26").date())


def test_own_history_of_the_same_day_promises_the_day_and_no_minutes() -> None:
    profile = Profile(arrival_seen={"debit_card": (0, 0)})

    arrival = expected_arrival(funding="debit_card", profile=profile, at=_at("2026-11-23 10:00"))

    assert (arrival.latest_at, arrival.basis) == (_at("2026-11-23 23:59:59"), "own_history")


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2026-11-23 23:00", "2026-11-23 23:50", 0),
        ("2026-11-20 10:00", "2026-11-23 09:00", 1),
        # A Saturday is not reached by Friday's day: Monday is past it.
        ("2026-11-20 10:00", "2026-11-21 09:00", 1),
        ("2026-09-30 15:00", "2026-10-10 09:00", 3),
    ],
)
def test_working_days_between_counts_until_the_day_is_reached(since: str, until: str, days: int) -> None:
    assert working_days_between(_at(since), _at(until)) == days
