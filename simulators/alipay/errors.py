"""The gateway's refusals. All of them arrive with HTTP status 200."""

from __future__ import annotations


class Refusal(Exception):
    """A refusal as the gateway answers it. ``anonymous``: as error_response without a signature."""

    def __init__(self, code: str, sub_code: str, sub_msg: str, *, anonymous: bool = False) -> None:
        super().__init__(f"{code} {sub_code}: {sub_msg}")
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.anonymous = anonymous

    def payload(self) -> dict[str, object]:
        """The response object."""
        return {"code": self.code, "msg": _WORDS[self.code], "sub_code": self.sub_code, "sub_msg": self.sub_msg}


_WORDS = {
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}

#: Faults, and rules, that refuse: name -> (code, sub_code, sub_msg).
REFUSALS: dict[str, tuple[str, str, str]] = {
    "error_before_commit": ("40004", "ACQ.SYSTEM_ERROR", "系统错误"),
    "rate_limited": ("40005", "isv.app-call-limited", "应用调用次数超限"),
    "not_enough": ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户的支付宝账户中无足够的资金进行退款"),
    "invalid_parameter": ("40004", "ACQ.INVALID_PARAMETER", "参数无效"),
    "trade_not_exist": ("40004", "ACQ.TRADE_NOT_EXIST", "交易不存在"),
    "trade_has_finished": ("40004", "ACQ.TRADE_HAS_FINISHED", "交易已完结"),
    "trade_status_error": ("40004", "ACQ.TRADE_STATUS_ERROR", "交易状态非法"),
    "amount_exceeded": ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"),
    "refund_fee_error": ("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效"),
    "trade_frozen": ("40004", "ACQ.REASON_TRADE_BEEN_FREEZEN", "请求退款的交易被冻结"),
    "discordant_repeat": ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致"),
    "not_allowed": ("40004", "ACQ.TRADE_NOT_ALLOW_REFUND", "当前交易不允许退款"),
    "no_auth": ("40006", "isv.insufficient-isv-permissions", "权限不足"),
    "sign_error": ("40002", "isv.invalid-signature", "验签出错，请检查签名"),
}


def refusal(name: str) -> Refusal:
    """The refusal of that name."""
    return Refusal(*REFUSALS[name])


def invalid_parameter(issue: str) -> Refusal:
    """ACQ.INVALID_PARAMETER that says what."""
    return Refusal("40004", "ACQ.INVALID_PARAMETER", f"参数无效：{issue}")


def bill_not_exist(issue: str) -> Refusal:
    """isp.bill_not_exist."""
    return Refusal("40004", "isp.bill_not_exist", issue)
