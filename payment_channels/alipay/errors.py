"""Alipay's codes and sub-codes -> what they prove. One table.

Source: https://opendocs.alipay.com/open/02ekfk (alipay.trade.refund, 业务错误码) and .../common/02km9f (公共错误码).
A code that is not listed proves nothing.
"""

from __future__ import annotations

from payment_channels.alipay.messages import Status
from payment_channels.contract import Outcome, Retry, Unknown
from payment_channels.rules import Rule, outcome_of

RULES: dict[str, Rule] = {
    "ACQ.SYSTEM_ERROR": Rule(retry=None),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": Rule(retry=Retry.AFTER_TOP_UP, remedy="top_up"),
    "ACQ.INVALID_PARAMETER": Rule(retry=Retry.NEVER, remedy="check_request"),
    "ACQ.TRADE_NOT_EXIST": Rule(retry=Retry.NEVER, remedy="check_sale"),
    "ACQ.TRADE_HAS_FINISHED": Rule(retry=Retry.NEVER, remedy="sale_closed"),
    "ACQ.TRADE_HAS_CLOSE": Rule(retry=Retry.NEVER, remedy="sale_closed"),
    "ACQ.TRADE_STATUS_ERROR": Rule(retry=Retry.NEVER, remedy="sale_state"),
    "ACQ.TRADE_NOT_ALLOW_REFUND": Rule(retry=Retry.NEVER, remedy="sale_state"),
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": Rule(retry=Retry.NEVER, remedy="check_amount"),
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": Rule(retry=Retry.NEVER, remedy="check_amount"),
    "ACQ.REASON_TRADE_BEEN_FREEZEN": Rule(retry=Retry.NEVER, remedy="sale_frozen"),
    "ACQ.DISCORDANT_REPEAT_REQUEST": Rule(retry=Retry.NEVER, remedy="check_history"),
    # Of our account and not of the refund: nothing was looked at, the next refund would be refused alike.
    "isv.invalid-signature": Rule(retry=Retry.AFTER_MENDING, remedy="check_keys"),
    "isv.missing-signature": Rule(retry=Retry.AFTER_MENDING, remedy="check_keys"),
    "isv.invalid-app-id": Rule(retry=Retry.AFTER_MENDING, remedy="check_account"),
    "isv.app-auth-token-expired": Rule(retry=Retry.AFTER_MENDING, remedy="check_permission"),
    "isv.invalid-app-auth-token": Rule(retry=Retry.AFTER_MENDING, remedy="check_permission"),
}

#: The gateway's own codes, where the sub-code is not listed. It refuses before the trade system sees anything.
GATEWAY_RULES: dict[str, Rule] = {
    "20000": Rule(retry=None),  # 服务不可用
    "20001": Rule(retry=Retry.AFTER_MENDING, remedy="check_permission"),  # 授权权限不足
    "40001": Rule(retry=Retry.NEVER, remedy="check_request"),  # 缺少必选参数
    "40002": Rule(retry=Retry.NEVER, remedy="check_request"),  # 非法的参数
    "40005": Rule(retry=Retry.SAME_NUMBER, remedy="slow_down", throttled=True),  # 调用频次超限
    "40006": Rule(retry=Retry.AFTER_MENDING, remedy="check_permission"),  # 权限不足
}

#: A query's ways of saying that it knows no such refund or payment. No proof: queries lag behind.
NOT_FOUND = "ACQ.TRADE_NOT_EXIST"


def outcome_of_application(status: Status, *, raw: str, maybe_received: bool) -> Outcome:
    """What an answer with a code other than 10000 to an application proves."""
    return outcome_of(_rule(status), code=status.name, message=status.message, raw=raw, maybe_received=maybe_received)


def outcome_of_query(status: Status, *, raw: str) -> Unknown:
    """What an answer with a code other than 10000 to a query says of the refund: nothing, it speaks of the query."""
    if status.name == NOT_FOUND:
        return Unknown(code="not_found", message=status.message, raw=raw)
    rule = _rule(status)
    return Unknown(code=status.name, message=status.message, remedy=rule.remedy if rule else "", raw=raw)


def _rule(status: Status) -> Rule | None:
    return RULES.get(status.name) or GATEWAY_RULES.get(status.code)
