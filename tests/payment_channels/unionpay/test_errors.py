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


@pytest.mark.parametrize(
    ("code", "message", "retry", "remedy"),
    [
        # The vendor's own words for refunds.
        ("36", "与原交易信息不符[2050004]", Retry.NEVER, "check_amount"),
        ("35", "原交易状态不正确[2040004]", Retry.NEVER, "sale_state"),
        ("35", "原交易不存在或状态不正确[2011000]", Retry.NEVER, "sale_state"),
        ("12", "重复交易[2010002]", None, ""),
        ("02", "系统未开放或暂时关闭，请稍后再试", Retry.LATER, "later"),
        ("64", "商户账户余额不足[9100064]", Retry.AFTER_TOP_UP, "top_up"),
        # Too old, under whichever code.
        ("35", "原交易不存在或状态不正确[4040007]", Retry.NEVER, "sale_closed"),
        ("01", "交易失败[4040007]", Retry.NEVER, "sale_closed"),
        ("30", "交易未通过，请尝试使用其他银联卡支付或联系95516［4040007］ ", Retry.NEVER, "sale_closed"),
        # Codes that name nothing.
        ("01", "交易失败[2050004]", Retry.NEVER, "check_amount"),
        ("60", "交易失败，详情请咨询您的发卡行[2010002]", None, ""),
        ("30", "交易未通过[1234567]", Retry.NEVER, "ask_channel"),
        # A code with one meaning is never read by its words.
        ("64", "余额不足[4040007]", Retry.AFTER_TOP_UP, "top_up"),
        ("38", "风险受限[2050004]", Retry.NEVER, "risk"),
    ],
)
def test_application_when_a_finer_code_stands_behind_its_words_is_read_by_it(
    code: str, message: str, retry: Retry | None, remedy: str
) -> None:
    outcome = errors.outcome_of_application(code, message, raw="", maybe_received=False)
    assert isinstance(outcome, Refused | Unknown)
    assert (outcome.code, outcome.remedy) == (code, remedy)
    assert isinstance(outcome, Unknown) if retry is None else isinstance(outcome, Refused) and outcome.retry is retry


@pytest.mark.parametrize(("message", "remedy"), [("交易失败[4040007]", "sale_closed"), ("交易失败", "ask_channel")])
def test_trade_that_failed_is_read_by_the_finer_code_too(message: str, remedy: str) -> None:
    outcome = errors.outcome_of_failed_trade("01", message, channel_refund_no="8", raw="")
    assert isinstance(outcome, Refused)
    assert (outcome.retry, outcome.remedy) == (Retry.NEW_NUMBER, remedy)
