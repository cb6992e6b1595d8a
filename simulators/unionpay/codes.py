"""respCode and its words."""

from __future__ import annotations

OK = "00"
PENDING = "05"

WORDS = {
    "00": "成功[0000000]",
    "03": "交易通讯超时，请发起查询交易",
    "04": "交易状态未明，请查询对账结果",
    "05": "交易已受理，请稍后查询交易结果",
    "06": "系统繁忙，请稍后再试",
    "10": "报文格式错误",
    "11": "验证签名失败",
    "12": "重复交易",
    "34": "查无此交易",
    "35": "原交易不存在或状态不正确",
    "36": "与原交易信息不符",
    "38": "风险受限",
    "39": "交易不在受理时间范围内",
    "45": "原交易已被成功退货或已被成功撤销",
    "64": "可用余额不足",
    "98": "文件不存在",
}

#: Faults that refuse before anything is accepted: name -> respCode.
REFUSALS = {
    "rate_limited": "06",
    "format": "10",
    "sign_error": "11",
    "duplicate": "12",
    "no_such_trade": "34",
    "wrong_state": "35",
    "amount_mismatch": "36",
    "risk": "38",
    "outside_hours": "39",
    "already_refunded": "45",
    "not_enough": "64",
}


class Refusal(Exception):
    """A refusal as the gateway answers it."""

    def __init__(self, code: str, issue: str = "") -> None:
        super().__init__(f"{code} {issue}")
        self.code = code
        self.message = f"{WORDS[code]}{f'[{issue}]' if issue else ''}"
