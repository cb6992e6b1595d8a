"""The faults and magic amounts of the WeChat simulator."""

from __future__ import annotations

from simulators.kit import common_faults
from simulators.kit.faults import Catalogue, FaultKind
from simulators.wechat.errors import BY_WORDS, REFUSALS


def _refused(operation: str) -> dict[str, FaultKind]:
    return {
        name: FaultKind(f"拒绝：{words}", f"HTTP {status} {code}, nothing was accepted", code=code)
        for name, (status, code, words) in REFUSALS[operation].items()
    }


_RESPONSE = {
    **common_faults.SIGNATURE,
    "wrong_serial": FaultKind("应答的证书序列号不对", "the answer names a serial that does not exist"),
    "stale_response": FaultKind("应答时间戳早了 6 分钟", "the answer's timestamp is six minutes old"),
}


def _before(operation: str) -> dict[str, FaultKind]:
    return {
        "drop_before_accept": common_faults.BEFORE["drop_before_accept"],
        **_refused(operation),
        **common_faults.PROXY,
    }


CATALOGUE: Catalogue = {
    "refund": {
        **_before("refund"),
        **{
            name: FaultKind(f"拒绝：{words}", "HTTP 400 INVALID_REQUEST, whose words alone say why", "INVALID_REQUEST")
            for name, words in BY_WORDS.items()
        },
        "to_balance": FaultKind("退至用户零钱", "the money goes to the payer's balance instead of the card"),
        "to_other_balance": FaultKind("退至用户其他余额", "the money goes to another balance of the payer's"),
        "to_other_card": FaultKind("退至用户其他银行卡", "the money goes to another card of the payer's"),
        **common_faults.AFTER,
        **common_faults.OUTCOME,
        "abnormal": FaultKind("处理中，然后退款异常", "PROCESSING, then ABNORMAL"),
        "closed": FaultKind("处理中，然后退款关闭", "PROCESSING, then CLOSED"),
        **_RESPONSE,
    },
    "query": {
        **common_faults.QUERY,
        **_refused("query"),
        **_RESPONSE,
        "query_lag": FaultKind("已受理仍答 404", "404 RESOURCE_NOT_EXISTS although accepted"),
    },
    **{
        operation: {**_before(operation), **common_faults.AFTER, **_RESPONSE}
        for operation in ("abnormal", "close", "reverse")
    },
    "notice": {
        **common_faults.NOTICE,
        "signtest": FaultKind(
            "WECHATPAY/SIGNTEST/ 探测签名", "a probe whose signature starts with WECHATPAY/SIGNTEST/"
        ),
        "wrong_serial": FaultKind("通知的证书序列号不对", "the notice names a serial that does not exist"),
        "old": FaultKind("通知时间戳早了 6 分钟", "the notice's timestamp is six minutes old"),
        "stale_abnormal": FaultKind(
            "成功通知之后又来异常通知", "after the notice of success comes one that says ABNORMAL"
        ),
    },
    "bill": {
        **common_faults.BILL,
        **common_faults.TABLE,
        "reversed": FaultKind("有撤销行：没有退款单号", "a reversed payment: a row without refund numbers (REVOKED)"),
        "ordinary_settlement": FaultKind("普通结算商户的旧表头", "the older columns of ordinary settlement"),
        "net_of_fee": FaultKind("资金账单为扣除手续费后的净额", "a fund flow net of the fee that came back"),
        "wrong_hash": FaultKind("账单摘要不符", "the hash does not fit the file"),
        "expired": FaultKind("下载地址立即失效", "the download address is expired at once"),
    },
    "certificates": {
        "error": FaultKind("证书接口系统错误", "500 on the certificates"),
        "timeout": FaultKind("证书接口不应答", "the certificates never come"),
    },
}

MAGIC_MEANING = {
    1: FaultKind("先处理中，数秒后成功", "processing first, success some seconds later"),
    2: FaultKind("退款异常（用户银行卡已注销）", "ABNORMAL: the payer's card is closed"),
    3: FaultKind(
        "余额不足，充值后以原单号重试即成功", "NOT_ENOUGH until the balance is topped up; then the same number works"
    ),
    4: FaultKind("受理后超时无应答，查询可得结果", "accepted, then a time-out; a query tells the outcome"),
}
