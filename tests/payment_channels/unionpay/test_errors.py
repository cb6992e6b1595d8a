"""What UnionPay's codes prove: of an application, of a query, of a trade that is reported as failed."""

from __future__ import annotations

import pytest

from payment_channels.contract import Refused, Retry, Unknown
from payment_channels.unionpay import errors


def test_application_when_it_was_taken_in_is_accepted_and_no_proof() -> None:
    outcome = errors.outcome_of_application("05", "taken in", raw="", maybe_received=False)
    assert isinstance(outcome, Unknown)
    assert outcome.accepted


@pytest.mark.parametrize(
    ("code", "retry"), [("64", Retry.AFTER_TOP_UP), ("11", Retry.AFTER_MENDING), ("34", Retry.NEVER)]
)
def test_application_when_its_code_is_listed_is_refused_as_listed(code: str, retry: Retry) -> None:
    outcome = errors.outcome_of_application(code, "said", raw="", maybe_received=False)
    assert isinstance(outcome, Refused)
    assert outcome.retry is retry


def test_query_when_it_knows_no_trade_is_no_proof() -> None:
    outcome = errors.outcome_of_query(errors.NOT_FOUND, "no such trade", raw="")
    assert (outcome.code, outcome.accepted) == ("not_found", False)


@pytest.mark.parametrize("code", errors.PENDING)
def test_trade_when_it_is_pending_is_asked_about_again(code: str) -> None:
    outcome = errors.outcome_of_failed_trade(code, "", channel_refund_no="8", raw="")
    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.attention, outcome.channel_refund_no) == (True, False, "8")


def test_trade_when_it_failed_has_spent_its_number() -> None:
    outcome = errors.outcome_of_failed_trade("61", "no such card", channel_refund_no="8", raw="")
    assert isinstance(outcome, Refused)
    assert (outcome.retry, outcome.channel_refund_no) == (Retry.NEW_NUMBER, "8")


@pytest.mark.parametrize("code", ["Z9", "06"])
def test_trade_when_its_code_proves_nothing_calls_a_person(code: str) -> None:
    outcome = errors.outcome_of_failed_trade(code, "", channel_refund_no="", raw="")
    assert isinstance(outcome, Unknown)
    assert (outcome.attention, outcome.remedy) == (True, "find_out")


@pytest.mark.parametrize("said", ["A6", "a6", " A6 "])
def test_code_is_read_as_the_list_spells_it(said: str) -> None:
    assert errors.code_of({"respCode": said}, "respCode") == "A6"
