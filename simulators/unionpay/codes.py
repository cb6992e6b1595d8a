"""respCode and its words."""

from __future__ import annotations

OK = "00"
PENDING = "05"

WORDS = {
    "00": "成功[0000000]",
    "01": "交易失败，详情请咨询95516",
    "02": "系统未开放或暂时关闭，请稍后再试",
    "03": "交易通讯超时，请发起查询交易",
    "04": "交易状态未明，请查询对账结果",
    "05": "交易已受理，请稍后查询交易结果",
    "06": "系统繁忙，请稍后再试",
    "10": "报文格式错误",
    "11": "验证签名失败",
    "12": "重复交易",
    "13": "报文交易要素缺失",
    "14": "批量文件格式错误",
    "30": "交易未通过，请尝试使用其他银联卡支付或联系95516",
    "31": "商户状态不正确",
    "32": "无此交易权限",
    "33": "交易金额超限",
    "34": "查无此交易",
    "35": "原交易不存在或状态不正确",
    "36": "与原交易信息不符",
    "37": "已超过最大查询次数或操作过于频繁",
    "38": "风险受限",
    "39": "交易不在受理时间范围内",
    "40": "绑定关系检查失败",
    "41": "批量状态不正确，无法下载",
    "42": "扣款成功但交易超过规定支付时间",
    "43": "无此业务权限",
    "44": "输入号码错误或暂未开通此项业务",
    "45": "原交易已被成功退货或已被成功撤销",
    "46": "交易已被成功冲正",
    "60": "交易失败，详情请咨询您的发卡行",
    "61": "输入的卡号无效，请确认后输入",
    "62": "交易失败，发卡银行不支持该商户",
    "63": "卡状态不正确",
    "64": "可用余额不足",
    "65": "密码、有效期或CVN2有误",
    "66": "持卡人身份信息或手机号不正确",
    "67": "密码输入次数超限",
    "68": "银行卡暂不支持该业务",
    "69": "输入超时，交易失败",
    "70": "交易已跳转，等待持卡人输入",
    "71": "动态口令或短信验证码校验失败",
    "72": "未签约银联无卡支付业务",
    "73": "支付卡已超过有效期",
    "74": "扣款成功，销账未知",
    "75": "扣款成功，销账失败",
    "76": "需要验密开通",
    "77": "银行卡未开通认证支付",
    "78": "发卡行交易权限受限",
    "79": "发卡行暂不支持短信验证",
    "80": "交易失败，Token 已过期",
    "81": "月累计交易笔数或金额超限",
    "82": "需要校验密码",
    "83": "发卡行（渠道）处理中",
    "84": "需要密码但未上送",
    "85": "营销规则不满足",
    "86": "二维码状态错误",
    "87": "支付次数超限",
    "88": "无此二维码",
    "89": "无此Token或Token状态无效",
    "90": "账户余额不足",
    "91": "认证失败",
    "92": "营业执照过期",
    "93": "营业执照吊销",
    "94": "营业执照注销",
    "95": "营业执照迁出",
    "96": "营业执照撤销",
    "98": "文件不存在",
    "99": "通用错误",
    "A6": "有缺陷的成功",
    # In no list: what a client has to get along with all the same.
    "ZZ": "尚未公布的原因",
}

#: Answered although the refund was taken on.
TAKEN_ON = ("00", "03", "04", "05", "83", "A6")

#: origRespCode of a payment by its status; ``orig_resp_code`` of a seed is any other of these codes.
PAYMENT_CODES = {
    "WAIT_BUYER_PAY": "70",
    "USERPAYING": PENDING,
    "PAYERROR": "60",
    "CLOSED": "69",
    "REVOKED": "46",
}

_NAMED = {
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
    "unlisted_code": "ZZ",
}
#: Faults that refuse before anything is accepted: name -> respCode. Codes without a name are called code_NN.
REFUSALS = _NAMED | {f"code_{code}": code for code in WORDS if code not in TAKEN_ON and code not in _NAMED.values()}
#: Faults that refuse and keep the number all the same: sent again it is a duplicate.
SPENT = {f"spent_{code}": code for code in ("02", "31", "64", "90")}
#: Faults that take the refund in and let it fail in the end with a code.
ENDINGS = {f"ends_{code}": code for code in REFUSALS.values()}


class Refusal(Exception):
    """A refusal as the gateway answers it."""

    def __init__(self, code: str, issue: str = "") -> None:
        super().__init__(f"{code} {issue}")
        self.code = code
        self.message = f"{WORDS[code]}{f'[{issue}]' if issue else ''}"
