"""WeChat Pay's error codes -> what they prove. A code that is not listed proves nothing.

Sources, one list an operation (``LISTS``): https://pay.weixin.qq.com/doc/v3/merchant/4012587971 (申请退款, 错误码),
.../4013071040 (查询单笔退款), .../4012810603 (发起异常退款), .../4013070354 and .../4013070356 (查询订单),
.../4013070360 (关闭订单),
https://pay.weixin.qq.com/docs/merchant/apis/code-payment-v3/direct/reverse.html (撤销);
.../4013071200 (退款, 常见问题) names codes of refunds that are in no list of version 3.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from payment_channels.contract import Outcome, Unknown
from payment_channels.parsing import Unreadable, json_object, text, text_or_empty
from payment_channels.rules import CodeList, Rule, ask, later, mend, never, outcome_of, slow_down, top_up
from payment_channels.transport import Reply

RULES: dict[str, Rule] = {
    "SYSTEM_ERROR": ask("system error: the same number and details again, after a query"),
    "BANK_ERROR": ask("the bank's system is in trouble: ask again"),
    "USERPAYING": ask("the payer is paying just now"),
    "FREQUENCY_LIMITED": slow_down("asked too often: not accepted"),
    "FREQUENCY_LIMIT_EXCEED": slow_down("asked too often: not accepted"),
    "RATELIMIT_EXCEEDED": slow_down("asked too often: not accepted"),
    "REQUEST_BLOCKED": later("the request was held up and not accepted"),
    "NOT_ENOUGH": top_up("the merchant's balance is short"),
    "USER_ACCOUNT_ABNORMAL": never("the payer's account is closed or in trouble", "other_route"),
    "ACCOUNT_ERROR": never("the payer's account is in trouble", "other_route"),
    # Of our account and not of the refund: nothing was looked at, the next refund would be refused alike.
    "NO_AUTH": mend("no permission for refunds, or for this sale", "check_permission"),
    "SIGN_ERROR": mend("the signature does not fit", "check_keys"),
    "MCH_NOT_EXISTS": mend("no such merchant", "check_account"),
    "APPID_MCHID_NOT_MATCH": mend("application and merchant do not belong together", "check_account"),
    "PARAM_ERROR": never("a parameter is wrong", "check_request"),
    # Many meanings: more than is left, too old, more than 50 partials, same number with other parameters.
    "INVALID_REQUEST": never("well formed, but against the rules of the business", "check_rules"),
    "RULE_LIMIT": never("against a rule of the business", "check_rules"),
    "TRADE_ERROR": never("the trade failed for a reason of the business", "check_rules"),
    "RESOURCE_NOT_EXISTS": never("no such order or refund", "check_sale"),
    "ORDER_NOT_EXIST": never("no such order", "check_sale"),
    "ORDER_CLOSED": never("the order is closed", "sale_closed"),
    # An earlier attempt with other details is there: whether it moved money, the query says.
    "OUT_TRADE_NO_USED": ask("the order number was used before with other details", "check_history"),
    "REFUND_FEE_MISMATCH": ask("the same number with another amount", "check_history"),
    "TRADE_OVERDUE": never("the order is past its refund period", "sale_closed"),
    "ORDER_NOT_READY": later("the order is still being worked on"),
    "BIZERR_NEED_RETRY": later("asked for at the same time as another: the same number again"),
    "INVALID_REQ_TOO_MUCH": slow_down("too many requests that made no sense: barred for a moment"),
}

_COMMON = ("PARAM_ERROR", "INVALID_REQUEST", "SIGN_ERROR", "SYSTEM_ERROR")
_ORDER = ("APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS", "ACCOUNT_ERROR", "NO_AUTH", "NOT_ENOUGH", "OUT_TRADE_NO_USED")
_ORDER_TOO = ("RULE_LIMIT", "TRADE_ERROR", "ORDER_NOT_EXIST", "BANK_ERROR", "FREQUENCY_LIMITED", "ORDER_CLOSED")
_PAGES = "https://pay.weixin.qq.com/doc/v3/merchant"
LISTS = (
    CodeList(
        operation="POST /v3/refund/domestic/refunds",
        source=f"{_PAGES}/4012587971",
        codes=(
            *_COMMON,
            "NO_AUTH",
            "NOT_ENOUGH",
            "USER_ACCOUNT_ABNORMAL",
            "MCH_NOT_EXISTS",
            "RESOURCE_NOT_EXISTS",
            "FREQUENCY_LIMITED",
            "FREQUENCY_LIMIT_EXCEED",
            "RATELIMIT_EXCEEDED",
            "REQUEST_BLOCKED",
            "REFUND_FEE_MISMATCH",
            "TRADE_OVERDUE",
            "ORDER_NOT_READY",
            "BIZERR_NEED_RETRY",
            "INVALID_REQ_TOO_MUCH",
        ),
        rules=RULES,
    ),
    CodeList(
        operation="GET /v3/refund/domestic/refunds/{out_refund_no}",
        source=f"{_PAGES}/4013071040",
        codes=(*_COMMON, "NO_AUTH", "MCH_NOT_EXISTS", "RESOURCE_NOT_EXISTS", "FREQUENCY_LIMITED"),
        rules=RULES,
    ),
    CodeList(
        operation="POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
        source=f"{_PAGES}/4012810603",
        codes=(*_COMMON, "NO_AUTH", "NOT_ENOUGH", "MCH_NOT_EXISTS", "RESOURCE_NOT_EXISTS", "FREQUENCY_LIMITED"),
        rules=RULES,
    ),
    CodeList(
        operation="GET /v3/pay/transactions/…",
        source=f"{_PAGES}/4013070354",
        codes=(*_COMMON, *_ORDER, *_ORDER_TOO, "RESOURCE_NOT_EXISTS"),
        rules=RULES,
    ),
    CodeList(
        operation="POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse",
        source=f"{_PAGES}/4013070360",
        codes=(*_COMMON, *_ORDER, *_ORDER_TOO, "USERPAYING"),
        rules=RULES,
    ),
)

#: A query's ways of saying that it knows no such refund or order. No proof: queries lag behind.
NOT_FOUND = ("RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST")
#: Older pages of the vendor, and its version 2, write NOTENOUGH and ORDERNOTEXIST.
_AS_SPELLED = {code.replace("_", ""): code for code in RULES}


_CLOCK = mend("the timestamp of the signature is more than 5 minutes off", "check_clock")
_HISTORY = ask("the same number with other details", "check_history")
#: INVALID_REQUEST has it without a code of its own: 订单金额或退款金额与之前请求不一致，商户退款单号已存在.
_OF_HISTORY = re.compile(
    r"之前的?请求|退款单号.{0,6}(已存在|已使用|重复|(金额|参数).{0,4}不(一致|同|符))|out_refund_no.*(exist|duplicate|used|consistent)",
    re.IGNORECASE,
)


#: Codes with many meanings, whose words name the cause. Texts that shops report, in the vendor's questions and answers
#: (.../4013071200) and in its forum: developers.weixin.qq.com/community/pay/doc/000200385bc3f8838282964b96bc00 (more than is
#: left), .../000e6cac284f88547c9b2f3845bc00 (of history), .../00024e687d45289f03c9862e756c00 (超期订单不允许退款).
_MANY_MEANINGS = ("INVALID_REQUEST", "PARAM_ERROR", "RULE_LIMIT", "TRADE_ERROR")
_BY_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (r"频率|过于频繁|too (frequent|many)", slow_down("asked too often, as its words say")),
        (r"(余额|资金)不足|not enough|insufficient", top_up("the merchant's balance is short, as its words say")),
        (r"分账.{0,6}(回退|未完)|已分账", never("a share of the sale was split off, as its words say", "check_shares")),
        (r"不支持部分退款|(只能|仅支持|只支持|请)全额退款", never("only to be refunded whole", "whole_only")),
        (
            r"全额退款|可退(款)?金额|已全部退款|已退款|退款(总?金)?额(大于|超过|超出)"
            r"|(refund|amount).{0,40}(exceed|greater|more than)|invalid refund_fee",
            never("less is left of the sale than is asked for", "check_amount"),
        ),
        (r"超期|(最大|退款)期限|超过一年|有效期", never("past the refund period, as its words say", "sale_closed")),
        (
            r"(用户|买家|银行卡|储蓄卡|信用卡).{0,6}(注销|异常|冻结|挂失|销户)",
            never("the payer's account is in trouble", "other_route"),
        ),
        (r"(交易|订单).{0,6}冻结", never("the sale is frozen, as its words say", "sale_frozen")),
        (r"订单(号)?不存在|order.{0,20}not exist", never("no such order, as its words say", "check_sale")),
        (r"未支付|尚未付款|not paid", never("the sale is not paid, as its words say", "sale_state")),
        (r"处理中|并发|稍后(再试|重试)|try again later", later("not at the moment, as its words say")),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """The body of an error: ``{code, message, detail}``."""

    code: str
    message: str


def read_complaint(reply: Reply) -> Complaint:
    """Read an error's body. Raises ``Unreadable``."""
    body = json_object(reply.body)
    code = text(body, "code")
    return Complaint(code=_AS_SPELLED.get(code.upper().replace("_", ""), code), message=text_or_empty(body, "message"))


def outcome_of_application(reply: Reply, *, maybe_received: bool) -> Outcome:
    """What an answer other than 2xx to an application proves."""
    complaint, raw = _complaint_in(reply)
    if isinstance(complaint, Unknown):
        return complaint
    return outcome_of(
        _rule(complaint),
        code=complaint.code,
        message=complaint.message,
        raw=raw,
        maybe_received=maybe_received,
    )


def outcome_of_query(reply: Reply) -> Unknown:
    """What an answer other than 2xx to a query says of the refund: nothing, it speaks of the query."""
    complaint, raw = _complaint_in(reply)
    if isinstance(complaint, Unknown):
        return complaint
    code = "not_found" if reply.status == 404 and complaint.code in NOT_FOUND else complaint.code
    rule = RULES.get(complaint.code)
    remedy = rule.remedy if rule and code != "not_found" else ""
    return Unknown(code=code, message=complaint.message, remedy=remedy, raw=raw)


def _rule(complaint: Complaint) -> Rule | None:
    if _speaks_of_the_clock(complaint):
        return _CLOCK
    if complaint.code in _MANY_MEANINGS:
        if _OF_HISTORY.search(complaint.message):
            return _HISTORY
        said = next((rule for words, rule in _BY_WORDS if words.search(complaint.message)), None)
        return said or RULES[complaint.code]
    return RULES.get(complaint.code)


def _speaks_of_the_clock(complaint: Complaint) -> bool:
    """No code of its own: a signature's timestamp that is refused is named in the words of 400 or 401."""
    about_signing = complaint.code in ("SIGN_ERROR", "INVALID_REQUEST", "PARAM_ERROR")
    return about_signing and ("timestamp" in complaint.message.lower() or "时间戳" in complaint.message)


def _complaint_in(reply: Reply) -> tuple[Complaint | Unknown, str]:
    """What the channel complains of, or that its answer says nothing of the refund; and the answer as text."""
    raw = reply.body.decode("utf-8", "replace")
    if reply.status >= 500:
        return Unknown(code="server_error", message=reply.said()), raw
    if reply.status >= 400:
        with suppress(Unreadable):
            return read_complaint(reply), raw
    return Unknown(code="unreadable", message=reply.said(), raw=raw), raw
