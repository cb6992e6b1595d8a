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
}
