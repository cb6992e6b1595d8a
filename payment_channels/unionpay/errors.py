"""UnionPay's respCode -> what it proves. One table.

Source: https://open.unionpay.com/tjweb/support/faq/mchlist?id=234 (应答码), and the list in its products' appendix.
A code that is not listed proves nothing.
"""

from __future__ import annotations

from payment_channels.contract import Outcome, Refused, Retry, Unknown
from payment_channels.rules import Rule, outcome_of

#: 00 of an application means that it was taken in, and of a trade that it succeeded; A6 is a success with a flaw.
ACCEPTED = "00"
SUCCEEDED = ("00", "A6")
#: Timed out, state unknown, taken in: ask later.
PENDING = ("03", "04", "05")

RULES: dict[str, Rule] = {
    "01": Rule(retry=Retry.NEVER, remedy="ask_channel"),  # 交易失败，详情请咨询95516
    "03": Rule(retry=None),  # 交易通讯超时，请发起查询交易
    "04": Rule(retry=None),  # 交易状态未明，请查询对账结果
    "05": Rule(retry=None),  # 交易已受理，请稍后查询交易结果
    "06": Rule(retry=None),  # 系统繁忙，请稍后再试: not said to be refused
    "10": Rule(retry=Retry.NEVER, remedy="check_request"),  # 报文格式错误
    "11": Rule(retry=Retry.AFTER_MENDING, remedy="check_keys"),  # 验证签名失败: of our key and not of the trade
    "12": Rule(retry=None),  # 重复交易: our own earlier send
    "34": Rule(retry=Retry.NEVER, remedy="check_sale"),  # 查无此交易
    "35": Rule(retry=Retry.NEVER, remedy="sale_state"),  # 原交易不存在或状态不正确
    "36": Rule(retry=Retry.NEVER, remedy="check_amount"),  # 与原交易信息不符
    "38": Rule(retry=Retry.NEVER, remedy="risk"),  # 风险受限
    "39": Rule(retry=Retry.NEVER, remedy="outside_hours"),  # 交易不在受理时间范围内
    "45": Rule(retry=Retry.NEVER, remedy="refunded_already"),  # 原交易已被成功退货或已被成功撤销
    "64": Rule(retry=Retry.AFTER_TOP_UP, remedy="top_up"),  # 余额不足
}

#: A query's way of saying that it knows no such trade. No proof: queries lag behind.
NOT_FOUND = "34"


def outcome_of_application(code: str, message: str, *, raw: str, maybe_received: bool) -> Outcome:
    """What an answer with a respCode other than 00 to an application proves."""
    if code == "05":
        return Unknown(code=code, message=message, accepted=True, raw=raw)
    return outcome_of(RULES.get(code), code=code, message=message, raw=raw, maybe_received=maybe_received)


def outcome_of_query(code: str, message: str, *, raw: str) -> Unknown:
    """What an answer with a respCode other than 00 to a query says of the trade: nothing, it speaks of the query."""
    if code == NOT_FOUND:
        return Unknown(code="not_found", message=message, raw=raw)
    rule = RULES.get(code)
    return Unknown(code=code, message=message, remedy=rule.remedy if rule else "", raw=raw)


def outcome_of_failed_trade(code: str, message: str, *, channel_refund_no: str, raw: str) -> Outcome:
    """What an ``origRespCode`` other than success proves: pending, failed for good, or unheard of.

    A trade that failed has used up its number: orderId and txnTime cannot be sent again.
    """
    rule = RULES.get(code)
    if code in PENDING:
        return Unknown(code=code, message=message, accepted=True, channel_refund_no=channel_refund_no, raw=raw)
    if rule is None or rule.retry is None:
        return Unknown(
            code=code, message=message, attention=True, remedy="compare", channel_refund_no=channel_refund_no, raw=raw
        )
    return Refused(
        code=code,
        message=message,
        retry=Retry.NEW_NUMBER,
        remedy=rule.remedy,
        channel_refund_no=channel_refund_no,
        raw=raw,
    )
