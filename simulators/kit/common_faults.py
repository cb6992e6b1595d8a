"""Faults that every channel can show, named the same everywhere."""

from __future__ import annotations

from simulators.kit.faults import FaultKind

#: Before anything is accepted.
BEFORE = {
    "drop_before_accept": FaultKind("未受理即断开连接", "the connection drops, nothing was accepted"),
    "error_before_commit": FaultKind("系统错误，未受理", "system error, nothing was accepted"),
    "rate_limited": FaultKind("频率限制，未受理", "throttled, nothing was accepted"),
    "not_enough": FaultKind("余额不足，未受理", "balance short, nothing was accepted"),
}

#: Something on the way answers in the channel's place: name -> what it says. Nothing was accepted, nothing is signed.
PROXY = {
    "html_403": FaultKind("代理返回 403 网页，未受理", "a proxy's page with status 403, nothing was accepted"),
    "html_200": FaultKind("代理返回 200 网页，未受理", "a proxy's page with status 200, nothing was accepted"),
    "unsigned_400": FaultKind(
        "未签名的 400 拒绝，未受理", "a refusal with status 400 that nobody signed, nothing was accepted"
    ),
}

#: Accepted, then the answer goes wrong.
AFTER = {
    "timeout_after_accept": FaultKind("受理后不应答，直至超时", "accepted, then no answer until the caller gives up"),
    "drop_after_accept": FaultKind("受理后断开连接", "accepted, then the connection drops without an answer"),
    "reset_in_body": FaultKind("受理后应答传到一半断开", "accepted, then a reset in the middle of the answer's body"),
    "error_after_commit": FaultKind("受理后却返回系统错误", "accepted, yet the answer is a system error"),
    "garbage": FaultKind("受理后返回无法解析的内容", "accepted, yet the answer is an unreadable page with status 200"),
    "latency": FaultKind("延迟应答（delay_s，默认 2 秒）", "the answer comes late (delay_s, 2 s by default)"),
    "packed": FaultKind("应答用 gzip 压缩，虽未要求", "the answer is packed with gzip, which nobody asked for"),
}

#: The answer's signature.
SIGNATURE = {
    "bad_signature": FaultKind("应答签名错误", "the answer's signature is wrong"),
    "no_signature": FaultKind("应答没有签名", "the answer carries no signature"),
    "tampered_response": FaultKind("应答签名后被篡改", "the answer is changed after it was signed"),
}

#: How the refund ends.
OUTCOME = {
    "slow": FaultKind("处理中，稍后成功（delay_s，默认 5 秒）", "processing, success later (delay_s, 5 s by default)"),
    "forever": FaultKind("一直处理中（可用 POST /settle 结束）", "processing for ever (POST /settle ends it)"),
    "notice_before_reply": FaultKind("通知先于应答到达", "money moves and the notice arrives before the answer"),
}

#: A query's answer.
QUERY = {
    **PROXY,
    "timeout": FaultKind("不应答，直至超时", "no answer until the caller gives up"),
    "drop": FaultKind("断开连接", "the connection drops without an answer"),
    "reset_in_body": FaultKind("应答传到一半断开", "a reset in the middle of the answer's body"),
    "error": FaultKind("系统错误", "system error"),
    "rate_limited": FaultKind("频率限制", "throttled"),
    "garbage": FaultKind("返回无法解析的内容", "an unreadable page with status 200"),
    "latency": FaultKind("延迟应答（delay_s，默认 2 秒）", "the answer comes late (delay_s, 2 s by default)"),
    "stale_processing": FaultKind("已有终态仍答处理中", "answers processing although the outcome is final"),
    "packed": FaultKind("应答用 gzip 压缩，虽未要求", "the answer is packed with gzip, which nobody asked for"),
    **SIGNATURE,
}

#: A notice to the merchant.
NOTICE = {
    "foreign": FaultKind("退款通知之后又来一条投诉通知", "after the notice comes one of a complaint, well signed"),
    "foreign_payment": FaultKind(
        "退款通知之后又来一条支付通知", "after the notice comes one of a payment, well signed"
    ),
    "foreign_coupon": FaultKind(
        "退款通知之后又来一条优惠券通知", "after the notice comes one of a coupon, well signed"
    ),
    "foreign_forged": FaultKind(
        "其他业务的通知，签名错误", "after the notice comes one about something else, badly signed"
    ),
    "lost": FaultKind("通知丢失，不再发送", "the notice is lost and never sent again"),
    "late": FaultKind("通知迟到（delay_s，默认 5 秒）", "the notice is late (delay_s, 5 s by default)"),
    "repeated": FaultKind("同一通知连发 15 次", "the notice is sent 15 times, whatever is answered"),
    "parallel": FaultKind("同一通知同时发 100 次（count）", "the notice is sent 100 times at once (count)"),
    "tampered": FaultKind("通知内容被篡改", "a byte of the notice is changed after signing"),
    "bad_signature": FaultKind("通知签名错误", "the notice's signature is wrong"),
    "wrong_amount": FaultKind("签名正确但金额多一分", "well signed, but the amount is one fen more"),
    "unknown_number": FaultKind("签名正确但退款单号不存在", "well signed, but of a refund number that nobody knows"),
    "stale_processing": FaultKind(
        "终态通知之后又来处理中通知", "after the final notice comes a stale one that says processing"
    ),
}

#: A bill. Row faults take ``count`` and ``order_no``; several may stand in one bill.
BILL = {
    "row_missing": FaultKind("账单少一行（count）", "a refund row is missing (count)"),
    "row_extra": FaultKind("账单多一行（count）", "a refund row too many (count)"),
    "amount_off": FaultKind("账单金额多 0.01（count）", "a refund's amount is off by 0.01 (count)"),
    "creating": FaultKind("账单尚在生成", "the bill is still being made"),
    "no_statement": FaultKind("账单不存在", "there is no bill"),
    "truncated": FaultKind("账单下载到一半断开", "the download breaks off half way"),
    "extra_columns": FaultKind("每行末尾多出几列", "columns more at the end of every row"),
    "odd_row": FaultKind("有一行的金额无法识别", "one row whose amount cannot be read"),
    "error": FaultKind("系统错误", "system error"),
}

#: A bill that is a table of text, as real ones are.
TABLE = {
    "coupons": FaultKind(
        "有商家优惠和平台优惠：应结金额与订单金额不同",
        "discounts of merchant and platform: what is settled is not what was ordered",
    ),
    "fine_fees": FaultKind("手续费精确到分以下", "fees finer than a fen"),
    "full_width": FaultKind("表头为全角字符", "a header in full-width characters"),
    "odd_names": FaultKind("名称中有逗号和反引号", "names with comma and backtick"),
    "line_break": FaultKind("名称中有换行", "names with a line break"),
    "login_page": FaultKind("下载到的是登录页", "a login page instead of the file"),
    "empty_file": FaultKind("下载到的是空文件", "an empty file"),
}
