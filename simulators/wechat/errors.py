"""The API's refusals: HTTP status, code and words as the vendor's error tables have them."""

from __future__ import annotations

from simulators.wechat.codes import ABNORMAL, CLOSE, QUERY, REFUND, Codes


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


#: Faults that are not called after their code, because other channels have them too.
_NAMES = {
    "FREQUENCY_LIMITED": "rate_limited",
    "USER_ACCOUNT_ABNORMAL": "account_abnormal",
    "RESOURCE_NOT_EXISTS": "not_exists",
}


def _refusals(codes: Codes, *, system_error: str) -> dict[str, tuple[int, str, str]]:
    """Fault -> (HTTP status, code, words) of one operation, and what is in no list."""
    names = {**_NAMES, "SYSTEM_ERROR": system_error}
    return {
        **{names.get(code, code.lower()): (status, code, words) for code, (status, words) in codes.items()},
        "clock": (401, "SIGN_ERROR", "签名错误：Authorization 中的 timestamp 与当前时间相差超过 5 分钟"),
        "unlisted_code": (403, "NEVER_DOCUMENTED", "尚未公布的原因"),
    }


#: Fault -> the words that shops report under INVALID_REQUEST, where they alone say why.
BY_WORDS = {
    "words_short": "交易未结算资金不足，请使用可用余额退款",
    "words_old": "超期订单不允许退款",
    "words_too_often": "频率限制，1个月之前的订单请降低申请频率再重试",
    "words_busy": "订单处理中，请稍后再试",
    "words_more_than_left": "申请退款金额超过订单可退金额",
    "words_whole_only": "不支持部分退款，请全额退款",
    "words_shares": "订单已分账，请先分账回退",
}

#: Faults that refuse before anything is accepted: operation -> fault -> (HTTP status, code, words).
REFUSALS = {
    "refund": {
        **_refusals(REFUND, system_error="error_before_commit"),
        **{name: (400, "INVALID_REQUEST", words) for name, words in BY_WORDS.items()},
    },
    "query": _refusals(QUERY, system_error="error"),
    "abnormal": _refusals(ABNORMAL, system_error="error_before_commit"),
    "close": _refusals(CLOSE, system_error="error_before_commit"),
    "reverse": _refusals(CLOSE, system_error="error_before_commit"),
}
