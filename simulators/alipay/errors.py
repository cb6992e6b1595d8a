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
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Conditions Not Met",
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
    "clock": ("40002", "isv.invalid-timestamp", "非法的时间戳参数"),
    "unlisted_code": ("40004", "ACQ.NEVER_DOCUMENTED", "尚未公布的原因"),
    **{
        f"acq_{sub_code.lower()}": ("40004", f"ACQ.{sub_code}", words)
        for sub_code, words in (
            ("ALLOC_AMOUNT_VALIDATE_ERROR", "退分账金额超限"),
            ("BUYER_ENABLE_STATUS_FORBID", "买家状态异常"),
            ("BUYER_ERROR", "买家状态异常"),
            ("BUYER_NOT_EXIST", "买家不存在"),
            ("CURRENCY_NOT_SUPPORT", "退款币种不支持"),
            ("CUSTOMER_VALIDATE_ERROR", "账户已注销或者被冻结"),
            ("ENTERPRISE_PAY_BIZ_ERROR", "因公付业务异常"),
            ("NOT_ALLOW_PARTIAL_REFUND", "不支持部分退款"),
            ("ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND", "交易不允许退款"),
            ("OVERDRAFT_AGREEMENT_NOT_MATCH", "垫资退款与签约配置不一致"),
            ("OVERDRAFT_ASSIGN_ACCOUNT_INVALID", "垫资退款出资账号与商户不一致"),
            ("REASON_TRADE_STATUS_INVALID", "交易状态异常"),
            ("REFUNDALLOC_UNAUTH_LIMIT", "分账接收方未开启分账回退"),
            ("REFUND_ACCOUNT_NOT_EXIST", "退款出资账号不存在或账号异常"),
            ("REFUND_CHARGE_ERROR", "退收费异常"),
            ("REFUND_FEE_ERROR", "交易退款金额有误"),
            ("REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST", "退分账收入方账户不存在"),
            ("TRADE_HAS_CLOSE", "交易已关闭"),
            ("TRADE_SETTLE_ERROR", "交易结算异常"),
            ("USER_NOT_MATCH_ERR", "交易用户不匹配"),
        )
    },
}

#: Faults that refuse a query, of a refund or of a trade.
QUERY_REFUSALS: dict[str, tuple[str, str, str]] = {
    "rate_limited": REFUSALS["rate_limited"],
    "error": REFUSALS["error_before_commit"],
    "not_exist": REFUSALS["trade_not_exist"],
    "not_exist_unprefixed": ("40004", "TRADE_NOT_EXIST", "查询退款的交易不存在"),
    "invalid_parameter": REFUSALS["invalid_parameter"],
    "acq_enterprise_pay_biz_error": REFUSALS["acq_enterprise_pay_biz_error"],
    "no_auth": REFUSALS["no_auth"],
    "clock": REFUSALS["clock"],
}


def refusal(name: str) -> Refusal:
    """The refusal of that name."""
    return Refusal(*(REFUSALS.get(name) or QUERY_REFUSALS[name]))


def invalid_parameter(issue: str) -> Refusal:
    """ACQ.INVALID_PARAMETER that says what."""
    return Refusal("40004", "ACQ.INVALID_PARAMETER", f"参数无效：{issue}")


def bill_not_exist(issue: str) -> Refusal:
    """isp.bill_not_exist."""
    return Refusal("40004", "isp.bill_not_exist", issue)
