"""What WeChat Pay's errors prove: of an application something, of a query nothing."""

from __future__ import annotations

import json

import pytest

from payment_channels.contract import Refused, Retry, Unknown
from payment_channels.transport import Reply
from payment_channels.wechat import errors


def _reply(code: str, message: str = "said", *, status: int = 400) -> Reply:
    return Reply(status, {}, json.dumps({"code": code, "message": message}, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("code", "retry"),
    [
        ("NOT_ENOUGH", Retry.AFTER_TOP_UP),
        ("NOTENOUGH", Retry.AFTER_TOP_UP),
        ("SIGN_ERROR", Retry.AFTER_MENDING),
        ("FREQUENCY_LIMITED", Retry.SAME_NUMBER),
        ("REQUEST_BLOCKED", Retry.LATER),
        ("BIZERRNEEDRETRY", Retry.LATER),
        ("TRADE_OVERDUE", Retry.NEVER),
        ("RESOURCE_NOT_EXISTS", Retry.NEVER),
    ],
)
def test_application_when_its_code_is_listed_is_refused_as_listed(code: str, retry: Retry) -> None:
    outcome = errors.outcome_of_application(_reply(code), maybe_received=False)
    assert isinstance(outcome, Refused)
    assert outcome.retry is retry


@pytest.mark.parametrize("reply", [_reply("NOT_ENOUGH", status=500), Reply(502, {}, b"<html>bad gateway</html>")])
def test_application_when_the_channel_is_at_fault_is_unknown_whatever_it_says(reply: Reply) -> None:
    outcome = errors.outcome_of_application(reply, maybe_received=False)
    assert isinstance(outcome, Unknown)
    assert outcome.code == "server_error"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": "no code"}'])
def test_error_when_it_cannot_be_read_proves_nothing(body: bytes) -> None:
    reply = Reply(403, {}, body)
    assert errors.outcome_of_application(reply, maybe_received=False).code == "unreadable"  # type: ignore[union-attr]
    assert errors.outcome_of_query(reply).code == "unreadable"


@pytest.mark.parametrize("message", ["Timestamp is out of range", "请求头时间戳已过期"])
def test_application_when_the_words_name_the_timestamp_blames_the_clock(message: str) -> None:
    outcome = errors.outcome_of_application(_reply("SIGN_ERROR", message, status=401), maybe_received=False)
    assert isinstance(outcome, Refused)
    assert (outcome.remedy, outcome.retry) == ("check_clock", Retry.AFTER_MENDING)


def test_query_when_it_finds_nothing_is_no_proof_and_only_with_404() -> None:
    assert errors.outcome_of_query(_reply("RESOURCE_NOT_EXISTS", status=404)).code == "not_found"
    assert errors.outcome_of_query(_reply("RESOURCE_NOT_EXISTS", status=400)).code == "RESOURCE_NOT_EXISTS"
    assert errors.outcome_of_query(_reply("SIGN_ERROR", status=401)).remedy == "check_keys"


@pytest.mark.parametrize(
    ("code", "message", "retry", "remedy"),
    [
        ("INVALID_REQUEST", "交易未结算资金不足，请使用可用余额退款", Retry.AFTER_TOP_UP, "top_up"),
        ("INVALID_REQUEST", "基本账户余额不足，请充值后重新发起", Retry.AFTER_TOP_UP, "top_up"),
        ("INVALID_REQUEST", "订单已全额退款", Retry.NEVER, "check_amount"),
        ("INVALID_REQUEST", "申请退款金额超过订单可退金额", Retry.NEVER, "check_amount"),
        ("RULE_LIMIT", "refund_fee大于可退金额", Retry.NEVER, "check_amount"),
        ("INVALID_REQUEST", "累计退款金额大于支付金额", Retry.NEVER, "check_amount"),
        ("PARAM_ERROR", "invalid refund_fee", Retry.NEVER, "check_amount"),
        ("INVALID_REQUEST", "不支持部分退款，请全额退款", Retry.NEVER, "whole_only"),
        ("RULE_LIMIT", "该交易只支持全额退款", Retry.NEVER, "whole_only"),
        ("INVALID_REQUEST", "订单已分账，请先分账回退", Retry.NEVER, "check_shares"),
        ("TRADE_ERROR", "该笔订单分账未完结，不支持退款", Retry.NEVER, "check_shares"),
        ("INVALID_REQUEST", "订单不存在", Retry.NEVER, "check_sale"),
        ("PARAM_ERROR", "The order does not exist", Retry.NEVER, "check_sale"),
        ("INVALID_REQUEST", "该交易已被投诉冻结", Retry.NEVER, "sale_frozen"),
        ("TRADE_ERROR", "订单已冻结，不能退款", Retry.NEVER, "sale_frozen"),
        ("TRADE_ERROR", "银行卡已挂失", Retry.NEVER, "other_route"),
        ("INVALID_REQUEST", "超期订单不允许退款", Retry.NEVER, "sale_closed"),
        ("PARAM_ERROR", "订单已超过可退款的最大期限", Retry.NEVER, "sale_closed"),
        ("INVALID_REQUEST", "频率限制，1个月之前的订单请降低申请频率再重试", Retry.SAME_NUMBER, "slow_down"),
        ("INVALID_REQUEST", "订单处理中，暂时无法退款，请稍后再试", Retry.LATER, "later"),
        ("TRADE_ERROR", "用户账户已注销", Retry.NEVER, "other_route"),
        ("INVALID_REQUEST", "订单未支付成功，不能退款", Retry.NEVER, "sale_state"),
        ("INVALID_REQUEST", "多账户出资退款不支持非分账订单", Retry.NEVER, "check_rules"),
        ("PARAM_ERROR", "请求中含有未在API文档中定义的参数", Retry.NEVER, "check_request"),
    ],
)
def test_application_when_its_code_has_many_meanings_is_refused_as_its_words_say(
    code: str, message: str, retry: Retry, remedy: str
) -> None:
    outcome = errors.outcome_of_application(_reply(code, message), maybe_received=False)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.message, outcome.retry, outcome.remedy) == (code, message, retry, remedy)


@pytest.mark.parametrize(
    "message", ["同一退款单号金额不一致", "The same out_refund_no Refund amount should be consistent"]
)
def test_application_when_its_words_name_an_earlier_attempt_proves_nothing_of_that(message: str) -> None:
    outcome = errors.outcome_of_application(_reply("INVALID_REQUEST", message), maybe_received=False)
    assert isinstance(outcome, Unknown)
    assert outcome.remedy == "check_history"


@pytest.mark.parametrize("code", ["NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL"])
def test_application_when_its_code_has_one_meaning_is_not_read_by_its_words(code: str) -> None:
    outcome = errors.outcome_of_application(_reply(code, "频率限制，请稍后再试"), maybe_received=False)
    assert isinstance(outcome, Refused)
    assert outcome.remedy == errors.RULES[code].remedy
