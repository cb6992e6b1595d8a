"""The faults and magic amounts of the UnionPay simulator."""

from __future__ import annotations

from simulators.kit import common_faults
from simulators.kit.faults import Catalogue, FaultKind
from simulators.unionpay.codes import ENDINGS, REFUSALS, SPENT, WORDS

_REFUSED = {
    name: FaultKind(f"拒绝：{code} {WORDS[code]}", f"respCode {code}, nothing was accepted", code=code)
    for name, code in REFUSALS.items()
}
_SIGNATURE = {
    **common_faults.SIGNATURE,
    "wrong_cert": FaultKind("签名证书不在信任链上", "signed by a certificate that does not lead to the root"),
}

CATALOGUE: Catalogue = {
    "refund": {
        "drop_before_accept": common_faults.BEFORE["drop_before_accept"],
        "error_before_commit": FaultKind("HTTP 500，未受理", "HTTP 500, nothing was accepted"),
        **_REFUSED,
        **common_faults.PROXY,
        **common_faults.AFTER,
        "error_after_commit": FaultKind("受理后返回 HTTP 500", "accepted, yet HTTP 500"),
        **common_faults.OUTCOME,
        "slow": FaultKind(
            "先答 05，稍后成功（delay_s，默认 5 秒；可为数天）",
            "05 first, success later (delay_s, 5 s by default, also days)",
            code="05",
        ),
        **{
            f"code_{code}": FaultKind(
                f"受理但先答 {code}，一秒后成功", f"accepted with {code} first, success a second later", code=code
            )
            for code in ("03", "04", "83", "A6")
        },
        "closed": FaultKind("先答 00，最终失败", "00 first, and it fails in the end"),
        **{
            name: FaultKind(
                f"先答 00，最终失败：{code} {WORDS[code]}", f"00 first, origRespCode {code} in the end", code=code
            )
            for name, code in ENDINGS.items()
        },
        **{
            name: FaultKind(
                f"拒绝：{code} {WORDS[code]}，且该订单号已用掉", f"respCode {code}, and the number is spent", code=code
            )
            for name, code in SPENT.items()
        },
        **_SIGNATURE,
    },
    "query": {
        **common_faults.QUERY,
        **_REFUSED,
        **_SIGNATURE,
        "query_lag": FaultKind("已受理仍答 34 查无此交易", "34 although accepted"),
    },
    "notice": {
        **common_faults.NOTICE,
        "wrong_cert": _SIGNATURE["wrong_cert"],
    },
    "bill": {
        **common_faults.BILL,
        "reversed": FaultKind("有当日撤销的消费", "a payment that was voided on its day"),
        "corrupt": FaultKind("文件内容损坏，无法解压", "the file cannot be unpacked"),
        "bad_signature": _SIGNATURE["bad_signature"],
    },
}

MAGIC_MEANING = {
    1: FaultKind("先答 05，数秒后成功", "05 first, success some seconds later"),
    2: FaultKind("先答 00，最终被发卡行拒绝（38）", "00 first, then the issuing bank refuses (38)"),
    3: FaultKind(
        "可用余额不足（64），充值后以原订单号重试即成功",
        "64 balance short until topped up; then the same orderId works",
    ),
    4: FaultKind("受理后超时无应答，查询可得结果", "accepted, then a time-out; a query tells the outcome"),
}
