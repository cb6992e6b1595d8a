"""The API's refusals: HTTP status, code and words as the vendor's error tables have them."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal as WeChat Pay answers it."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, object] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    def payload(self) -> dict[str, object]:
        """The body."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        return body if self.detail is None else {**body, "detail": self.detail}


def bad_param(field: str, value: object, issue: str) -> ApiError:
    """PARAM_ERROR that names the field."""
    shown = value if isinstance(value, str | int | float | bool) else ""
    return ApiError(
        400, "PARAM_ERROR", "参数错误", {"field": field, "value": shown, "issue": issue, "location": "body"}
    )


def sign_error(issue: str) -> ApiError:
    """SIGN_ERROR with what was wrong."""
    return ApiError(401, "SIGN_ERROR", "签名错误，请检查后再试", {"issue": issue, "location": "authorization"})


def invalid(message: str) -> ApiError:
    """INVALID_REQUEST: well formed, but against the rules."""
    return ApiError(400, "INVALID_REQUEST", message)


def not_exists(message: str) -> ApiError:
    """RESOURCE_NOT_EXISTS."""
    return ApiError(404, "RESOURCE_NOT_EXISTS", message)


def system_error() -> ApiError:
    """SYSTEM_ERROR: the caller cannot know what became of its request."""
    return ApiError(500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用")


#: Faults that refuse a refund before it is accepted.
REFUSALS: dict[str, tuple[int, str, str]] = {
    "error_before_commit": (500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用"),
    "rate_limited": (429, "FREQUENCY_LIMITED", "频率限制"),
    "not_enough": (403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
    "account_abnormal": (403, "USER_ACCOUNT_ABNORMAL", "用户账户注销"),
    "no_auth": (403, "NO_AUTH", "没有退款权限"),
    "sign_error": (401, "SIGN_ERROR", "签名错误，请检查后再试"),
    "param_error": (400, "PARAM_ERROR", "参数错误"),
    "invalid_request": (400, "INVALID_REQUEST", "请求参数符合参数格式，但不符合业务规则"),
    "mch_not_exists": (404, "MCH_NOT_EXISTS", "商户号不存在"),
    "not_exists": (404, "RESOURCE_NOT_EXISTS", "订单号不存在"),
    "frequency_limit_exceed": (429, "FREQUENCY_LIMIT_EXCEED", "频率超限"),
    "ratelimit_exceeded": (429, "RATELIMIT_EXCEEDED", "频率超限"),
    "request_blocked": (403, "REQUEST_BLOCKED", "请求受阻"),
    "clock": (401, "SIGN_ERROR", "签名错误：Authorization 中的 timestamp 与当前时间相差超过 5 分钟"),
    "unlisted_code": (403, "NEVER_DOCUMENTED", "尚未公布的原因"),
}

#: Faults that refuse a query, of a refund or of an order.
QUERY_REFUSALS: dict[str, tuple[int, str, str]] = {
    name: REFUSALS[name]
    for name in ("rate_limited", "no_auth", "sign_error", "param_error", "invalid_request", "mch_not_exists", "clock")
} | {
    "order_not_exist": (404, "ORDER_NOT_EXIST", "订单不存在"),
    "order_closed": (400, "ORDER_CLOSED", "订单已关闭"),
    "rule_limit": (403, "RULE_LIMIT", "业务规则限制"),
    "trade_error": (403, "TRADE_ERROR", "交易错误"),
    "account_error": (403, "ACCOUNT_ERROR", "账号异常"),
    "out_trade_no_used": (403, "OUT_TRADE_NO_USED", "商户订单号重复"),
    "appid_mchid_not_match": (400, "APPID_MCHID_NOT_MATCH", "AppID和mch_id不匹配"),
    "bank_error": (500, "BANK_ERROR", "银行系统异常"),
}
