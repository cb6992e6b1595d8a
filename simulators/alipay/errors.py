"""The gateway's refusals. All of them arrive with HTTP status 200."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.alipay.codes import ANONYMOUS, CANCEL, GATEWAY, QUERY, REFUND


class Refusal(Exception):
    """A refusal as the gateway answers it. ``anonymous``: as error_response without a signature."""

    def __init__(self, code: str, sub_code: str, sub_msg: str, *, anonymous: bool = False) -> None:
        super().__init__(f"{code} {sub_code}: {sub_msg}")
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.anonymous = anonymous or sub_code in ANONYMOUS

    def payload(self) -> dict[str, object]:
        """The response object."""
        sub = {"sub_code": self.sub_code, "sub_msg": self.sub_msg} if self.sub_code else {}
        return {"code": self.code, "msg": _WORDS[self.code], **sub}


_WORDS = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Conditions Not Met",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}

#: Faults that are not called after their code, because other channels have them too or rules refuse with them.
_NAMES = {
    "isv.app-call-limited": "rate_limited",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "not_enough",
    "ACQ.INVALID_PARAMETER": "invalid_parameter",
    "ACQ.TRADE_NOT_EXIST": "trade_not_exist",
    "TRADE_NOT_EXIST": "trade_not_exist_unprefixed",
    "ACQ.TRADE_HAS_FINISHED": "trade_has_finished",
    "ACQ.TRADE_STATUS_ERROR": "trade_status_error",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "amount_exceeded",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "refund_fee_error",
    "ACQ.REASON_TRADE_BEEN_FREEZEN": "trade_frozen",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "discordant_repeat",
    "ACQ.TRADE_NOT_ALLOW_REFUND": "not_allowed",
    "isv.insufficient-isv-permissions": "no_auth",
    "isv.invalid-signature": "sign_error",
    "isv.invalid-timestamp": "clock",
}


def _refusals(business: Mapping[str, str], *, system_error: str) -> dict[str, tuple[str, str, str]]:
    """Fault -> (code, sub_code, sub_msg) of one operation: its own codes, every operation's, and one in no list."""
    names = {**_NAMES, "ACQ.SYSTEM_ERROR": system_error}
    by_code = {"40004": {**business, **GATEWAY["40004"]}} | {
        code: subs for code, subs in GATEWAY.items() if code != "40004"
    }
    found = {
        names.get(sub_code) or (sub_code or f"code_{code}").lower().replace(".", "_").replace("-", "_"): (
            code,
            sub_code,
            words,
        )
        for code, subs in by_code.items()
        for sub_code, words in subs.items()
    }
    return {**found, "unlisted_code": ("40004", "ACQ.NEVER_DOCUMENTED", "尚未公布的原因")}


#: Faults, and rules, that refuse a refund: name -> (code, sub_code, sub_msg).
REFUSALS = _refusals(REFUND, system_error="error_before_commit")
#: Faults that refuse a query, of a refund or of a trade.
QUERY_REFUSALS = _refusals(QUERY, system_error="error")
#: Faults that refuse to cancel a trade.
CANCEL_REFUSALS = _refusals(CANCEL, system_error="error_before_commit")


def refusal(name: str, refusals: Mapping[str, tuple[str, str, str]] = REFUSALS) -> Refusal:
    """The refusal of that name."""
    return Refusal(*refusals[name])


def invalid_parameter(issue: str) -> Refusal:
    """ACQ.INVALID_PARAMETER that says what."""
    return Refusal("40004", "ACQ.INVALID_PARAMETER", f"参数无效：{issue}")


def bill_not_exist(issue: str) -> Refusal:
    """isp.bill_not_exist."""
    return Refusal("40004", "isp.bill_not_exist", issue)
