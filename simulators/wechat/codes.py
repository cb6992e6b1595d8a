"""The codes that each operation answers, as data: code -> HTTP status and words.

After the vendor's lists: pay.weixin.qq.com/doc/v3/merchant/4012587971 (refund), .../4013071040 (refund query),
.../4012810603 (abnormal refund), .../4013070354 and .../4013070356 (order query), .../4013070360 (close).
The statuses of close and reverse are inferred: those of the order query.
"""

from __future__ import annotations

Codes = dict[str, tuple[int, str]]

_EVERYWHERE: Codes = {
    "PARAM_ERROR": (400, "参数错误"),
    "INVALID_REQUEST": (400, "请求参数符合参数格式，但不符合业务规则"),
    "SIGN_ERROR": (401, "签名错误，请检查后再试"),
    "SYSTEM_ERROR": (500, "系统异常，请用相同参数重新调用"),
}
_REFUNDS: Codes = {
    **_EVERYWHERE,
    "NO_AUTH": (403, "没有退款权限"),
    "MCH_NOT_EXISTS": (404, "商户号不存在"),
    "RESOURCE_NOT_EXISTS": (404, "订单号不存在"),
    "FREQUENCY_LIMITED": (429, "频率限制"),
}
_ORDERS: Codes = {
    **_EVERYWHERE,
    "APPID_MCHID_NOT_MATCH": (400, "AppID和mch_id不匹配"),
    "MCH_NOT_EXISTS": (400, "商户号不存在"),
    "ORDER_CLOSED": (400, "订单已关闭"),
    "ACCOUNT_ERROR": (403, "账号异常"),
    "NO_AUTH": (403, "商户无权限"),
    "NOT_ENOUGH": (403, "余额不足"),
    "OUT_TRADE_NO_USED": (403, "商户订单号重复"),
    "RULE_LIMIT": (403, "业务规则限制"),
    "TRADE_ERROR": (403, "交易错误"),
    "ORDER_NOT_EXIST": (404, "订单不存在"),
    "FREQUENCY_LIMITED": (429, "频率超限"),
    "BANK_ERROR": (500, "银行系统异常"),
}

#: POST /v3/refund/domestic/refunds. From FREQUENCY_LIMIT_EXCEED on they are in older lists of it.
REFUND: Codes = {
    **_REFUNDS,
    "NOT_ENOUGH": (403, "基本账户余额不足，请充值后重新发起"),
    "USER_ACCOUNT_ABNORMAL": (403, "用户账户注销"),
    "FREQUENCY_LIMIT_EXCEED": (429, "频率超限"),
    "RATELIMIT_EXCEEDED": (429, "频率超限"),
    "REQUEST_BLOCKED": (403, "请求受阻"),
    "REFUND_FEE_MISMATCH": (400, "订单金额或退款金额与之前请求不一致，请核实后再试"),
    "TRADE_OVERDUE": (403, "订单已经超过可退款的最大期限"),
    "ORDER_NOT_READY": (403, "订单处理中，暂时无法退款，请稍后再试"),
    "BIZERR_NEED_RETRY": (403, "并发情况下，业务被拒绝，商户重试即可解决"),
    "INVALID_REQ_TOO_MUCH": (429, "无效请求过多"),
}
#: GET /v3/refund/domestic/refunds/{out_refund_no}, and of an order.
QUERY: Codes = {**_ORDERS, **_REFUNDS}
#: POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund
ABNORMAL: Codes = {**_REFUNDS, "NOT_ENOUGH": REFUND["NOT_ENOUGH"]}
#: POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse. USERPAYING is an answer without an outcome.
CLOSE: Codes = {**_ORDERS, "USERPAYING": (202, "用户支付中，需要输入密码")}
