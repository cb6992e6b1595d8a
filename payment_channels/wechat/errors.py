"""WeChat Pay's error codes -> what they prove. One table.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012587971 (申请退款, 错误码), .../4012810603 (发起异常退款).
A code that is not listed proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from payment_channels.contract import Outcome, Retry, Unknown
from payment_channels.parsing import Unreadable, json_object, text, text_or_empty
from payment_channels.rules import Rule, outcome_of
from payment_channels.transport import Reply

RULES: dict[str, Rule] = {
    "SYSTEM_ERROR": Rule(retry=None),
    "FREQUENCY_LIMITED": Rule(retry=Retry.SAME_NUMBER, remedy="slow_down", throttled=True),
    "FREQUENCY_LIMIT_EXCEED": Rule(retry=Retry.SAME_NUMBER, remedy="slow_down", throttled=True),
    "RATELIMIT_EXCEEDED": Rule(retry=Retry.SAME_NUMBER, remedy="slow_down", throttled=True),
    "NOT_ENOUGH": Rule(retry=Retry.AFTER_TOP_UP, remedy="top_up"),
    "USER_ACCOUNT_ABNORMAL": Rule(retry=Retry.NEVER, remedy="other_route"),
    # Of our account and not of the refund: nothing was looked at, the next refund would be refused alike.
    "NO_AUTH": Rule(retry=Retry.AFTER_MENDING, remedy="check_permission"),
    "SIGN_ERROR": Rule(retry=Retry.AFTER_MENDING, remedy="check_keys"),
    "MCH_NOT_EXISTS": Rule(retry=Retry.AFTER_MENDING, remedy="check_account"),
    "PARAM_ERROR": Rule(retry=Retry.NEVER, remedy="check_request"),
    # Many meanings: more than is left, too old, more than 50 partials, same number with other parameters.
    "INVALID_REQUEST": Rule(retry=Retry.NEVER, remedy="check_rules"),
    "RESOURCE_NOT_EXISTS": Rule(retry=Retry.NEVER, remedy="check_sale"),
}

#: A query's way of saying that it knows no such refund. No proof: queries lag behind.
NOT_FOUND = "RESOURCE_NOT_EXISTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """The body of an error: ``{code, message, detail}``."""

    code: str
    message: str


def read_complaint(reply: Reply) -> Complaint:
    """Read an error's body. Raises ``Unreadable``."""
    body = json_object(reply.body)
    return Complaint(code=text(body, "code"), message=text_or_empty(body, "message"))


def outcome_of_application(reply: Reply, *, maybe_received: bool) -> Outcome:
    """What an answer other than 2xx to an application proves."""
    if reply.status >= 500:
        return Unknown(code="server_error", message=f"HTTP {reply.status}")
    complaint = _complaint_or_none(reply)
    raw = reply.body.decode("utf-8", "replace")
    if complaint is None:
        return Unknown(code="unreadable", message=f"HTTP {reply.status}", raw=raw)
    return outcome_of(
        RULES.get(complaint.code),
        code=complaint.code,
        message=complaint.message,
        raw=raw,
        maybe_received=maybe_received,
    )


def outcome_of_query(reply: Reply) -> Unknown:
    """What an answer other than 2xx to a query says of the refund: nothing, it speaks of the query."""
    if reply.status >= 500:
        return Unknown(code="server_error", message=f"HTTP {reply.status}")
    complaint = _complaint_or_none(reply)
    raw = reply.body.decode("utf-8", "replace")
    if complaint is None:
        return Unknown(code="unreadable", message=f"HTTP {reply.status}", raw=raw)
    code = "not_found" if reply.status == 404 and complaint.code == NOT_FOUND else complaint.code
    rule = RULES.get(complaint.code)
    remedy = rule.remedy if rule and code != "not_found" else ""
    return Unknown(code=code, message=complaint.message, remedy=remedy, raw=raw)


def _complaint_or_none(reply: Reply) -> Complaint | None:
    if not 400 <= reply.status < 500:
        return None
    try:
        return read_complaint(reply)
    except Unreadable:
        return None
