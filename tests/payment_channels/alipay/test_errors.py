"""What Alipay's codes prove of a refund: an application's something, a query's nothing."""

from __future__ import annotations

import pytest

from payment_channels.alipay import errors
from payment_channels.alipay.messages import Status
from payment_channels.contract import Refused, Retry, Unknown


def _status(sub_code: str, code: str = "40004") -> Status:
    return Status(code=code, sub_code=sub_code, message="said")


@pytest.mark.parametrize(
    ("sub_code", "code", "retry"),
    [
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "40004", Retry.AFTER_TOP_UP),
        ("ACQ.TRADE_HAS_FINISHED", "40004", Retry.NEVER),
        ("isv.invalid-signature", "40002", Retry.AFTER_MENDING),
        ("isv.nobody-lists-this", "40005", Retry.SAME_NUMBER),
    ],
)
def test_application_when_its_code_is_listed_is_refused_as_listed(sub_code: str, code: str, retry: Retry) -> None:
    outcome = errors.outcome_of_application(_status(sub_code, code), raw="", maybe_received=False)
    assert isinstance(outcome, Refused)
    assert outcome.retry is retry


@pytest.mark.parametrize("sub_code", ["ACQ.SYSTEM_ERROR", "ACQ.NOBODY_LISTS_THIS"])
def test_application_when_its_code_proves_nothing_is_unknown(sub_code: str) -> None:
    outcome = errors.outcome_of_application(_status(sub_code), raw="", maybe_received=False)
    assert isinstance(outcome, Unknown)
    assert outcome.code == sub_code


@pytest.mark.parametrize("sub_code", errors.NOT_FOUND)
def test_query_when_it_knows_no_refund_is_no_proof(sub_code: str) -> None:
    outcome = errors.outcome_of_query(_status(sub_code), raw="")
    assert (outcome.code, outcome.accepted, outcome.remedy) == ("not_found", False, "")


def test_query_when_our_keys_are_wrong_says_how_to_mend_them() -> None:
    assert errors.outcome_of_query(_status("isv.invalid-signature", "40002"), raw="").remedy == "check_keys"


def test_refunds_own_rules_when_a_code_is_in_both_lists_are_those_of_the_refund() -> None:
    assert errors.RULES["ACQ.INVALID_PARAMETER"].retry is Retry.NEVER


@pytest.mark.parametrize(
    ("spelled", "listed"),
    [
        ("acq.seller_balance_not_enough", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
        ("AOP.ACQ.TRADE_HAS_FINISHED", "ACQ.TRADE_HAS_FINISHED"),
        ("ISV.INVALID-SIGNATURE ", "isv.invalid-signature"),
        # As the vendor's lists of other operations and older interfaces have them.
        ("SELLER_BALANCE_NOT_ENOUGH", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
        ("REASON_TRADE_REFUND_FEE_ERR", "ACQ.REASON_TRADE_REFUND_FEE_ERR"),
        ("TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"),
        ("AQC.TRADE_HAS_FINISHED", "ACQ.TRADE_HAS_FINISHED"),
    ],
)
def test_code_in_another_spelling_means_the_same(spelled: str, listed: str) -> None:
    said = errors.outcome_of_application(_status(spelled), raw="", maybe_received=False)
    assert said == errors.outcome_of_application(_status(listed), raw="", maybe_received=False)
    assert isinstance(said, Refused)


def test_code_of_no_list_is_shown_as_it_came() -> None:
    assert errors.outcome_of_query(_status("acq.Nobody_Lists_This"), raw="").code == "acq.Nobody_Lists_This"


@pytest.mark.parametrize(
    ("code", "sub_code", "words", "remedy", "retry"),
    [
        # As shops report them, word by word.
        ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "撤销或退款金额与订单金额不一致", "check_amount", Retry.NEVER),
        ("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "REASON_TRADE_REFUND_FEE_ERR", "check_amount", Retry.NEVER),
        ("40004", "ACQ.TRADE_STATUS_ERROR", "交易状态不合法", "sale_state", Retry.NEVER),
        ("40006", "isv.insufficient-isv-permissions", "ISV权限不足", "check_permission", Retry.AFTER_MENDING),
        ("20000", "isp.unknow-error", "系统繁忙", "", None),
        ("20000", "aop.ACQ.SYSTEM_ERROR", "系统异常", "", None),
        # No sub-code at all proves nothing, whatever its words say.
        ("40004", "", "退款金额超限", "unlisted_code", None),
        ("40004", "ACQ.BATCH_REFUND_LOCK_ERROR", "同一时间不允许进行多笔并发退款", "unlisted_code", None),
    ],
)
def test_application_as_shops_report_its_answers_is_read_by_its_code(
    code: str, sub_code: str, words: str, remedy: str, retry: Retry | None
) -> None:
    said = Status(code=code, sub_code=sub_code.removeprefix("aop."), message=words)
    outcome = errors.outcome_of_application(said, raw="", maybe_received=False)
    assert isinstance(outcome, Refused | Unknown)
    assert (outcome.message, outcome.remedy) == (words, remedy)
    assert isinstance(outcome, Unknown) if retry is None else isinstance(outcome, Refused) and outcome.retry is retry
