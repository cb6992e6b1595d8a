"""The faults and magic amounts of the Alipay simulator."""

from __future__ import annotations

from simulators.alipay.errors import CANCEL_REFUSALS, QUERY_REFUSALS, REFUSALS
from simulators.kit import common_faults
from simulators.kit.faults import Catalogue, FaultKind


def _refused(refusals: dict[str, tuple[str, str, str]]) -> dict[str, FaultKind]:
    return {
        name: FaultKind(f"拒绝：{words}", f"{code} {sub_code}, nothing was accepted", code=sub_code or code)
        for name, (code, sub_code, words) in refusals.items()
    }


_HTTP = FaultKind("网关返回 HTTP 500，未受理", "HTTP 500 from the gateway, nothing was accepted")

_OTHER = FaultKind(
    "证书模式：应答的 alipay_cert_sn 不是已知证书",
    "certificate mode: an alipay_cert_sn that the application does not know",
)

CATALOGUE: Catalogue = {
    "refund": {
        "drop_before_accept": common_faults.BEFORE["drop_before_accept"],
        **_refused(REFUSALS),
        **common_faults.PROXY,
        "http_500": _HTTP,
        **common_faults.AFTER,
        "http_500_after_commit": FaultKind("受理后网关返回 HTTP 500", "accepted, yet HTTP 500 from the gateway"),
        **common_faults.OUTCOME,
        "fund_change_n": FaultKind("资金已变动却答 fund_change=N", "money moved, yet the answer says fund_change=N"),
        "no_fund_change": FaultKind("应答没有 fund_change", "money moved, yet the answer has no fund_change"),
        "closed": FaultKind("fund_change=N，最终退款失败", "fund_change=N, and the refund fails in the end"),
        "abnormal": FaultKind(
            "成功，但退回银行卡失败", "success, but the return to the bank card fails (dback_status F)"
        ),
        "bank_pending": FaultKind(
            "成功，银行卡冲退处理中", "success, the way to the bank card is under way (dback_status P)"
        ),
        "bank_done_later": FaultKind(
            "成功，银行卡冲退先处理中后成功（delay_s，默认 1 秒），并发通知",
            "success, the way to the bank card is under way first, then it has it, with a notice (delay_s, 1 s by default)",
        ),
        "bank_refused_later": FaultKind(
            "成功，银行卡冲退先处理中后失败（delay_s，默认 1 秒），并发通知",
            "success, the way to the bank card is under way first, then it fails, with a notice (delay_s, 1 s by default)",
        ),
        "bank_done": FaultKind("成功，银行卡冲退成功", "success, and the bank card has it (dback_status S)"),
        **common_faults.SIGNATURE,
        "other_certificate": _OTHER,
    },
    "query": {
        **common_faults.QUERY,
        **_refused(QUERY_REFUSALS),
        "http_500": _HTTP,
        "other_certificate": _OTHER,
        "word_processing": FaultKind(
            "旧版应答：refund_status 为 REFUND_PROCESSING", "as older editions: refund_status REFUND_PROCESSING"
        ),
        "word_failed": FaultKind(
            "旧版应答：refund_status 为 REFUND_FAIL", "as older editions: refund_status REFUND_FAIL"
        ),
        "query_lag": FaultKind("已成功仍无 refund_status", "no refund_status although it succeeded"),
    },
    "cancel": {
        "drop_before_accept": common_faults.BEFORE["drop_before_accept"],
        **_refused(CANCEL_REFUSALS),
        **common_faults.PROXY,
        "http_500": _HTTP,
        **common_faults.AFTER,
        **common_faults.SIGNATURE,
    },
    "notice": {
        **common_faults.NOTICE,
        "stale_processing": FaultKind(
            "退款通知之后又来付款通知", "after the refund's notice comes the payment's own, without refund_fee"
        ),
        "other_app": FaultKind("签名正确但 app_id 不是本应用", "well signed, but of another app_id"),
    },
    "bill": {
        **common_faults.BILL,
        **common_faults.TABLE,
        "expired": FaultKind("下载地址立即失效", "the download address is expired at once"),
    },
}

MAGIC_MEANING = {
    1: FaultKind("先答 fund_change=N，数秒后到账", "fund_change=N first, money moves some seconds later"),
    2: FaultKind(
        "退款成功，但退回银行卡失败（停在支付宝余额）", "success, but the bank refuses: the money stays in the balance"
    ),
    3: FaultKind("商户余额不足，充值后以原单号重试即成功", "balance short until topped up; then the same number works"),
    4: FaultKind("受理后超时无应答，查询可得结果", "accepted, then a time-out; a query tells the outcome"),
}
