"""Trade and fund-flow bills."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillRow,
    BillRowKind,
    Bills,
    BillTotals,
    BillUnavailable,
)
from payment_channels.wechat import bills
from payment_channels.wechat.adapter import WeChatRefundChannel
from tests.payment_channels.server import Answer, Asked, LocalServer
from tests.payment_channels.wechat.conftest import BEIJING, MakeChannel, Platform

DAY = date(2026, 11, 21)
REFUND_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
ALL_HEADER = REFUND_HEADER.replace("退款申请时间,退款成功时间,", "")
SUMMARY_HEADER = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,"
    "业务凭证号"
)


def line(*fields: str) -> str:
    return ",".join(f"`{field}" for field in fields)


def refund_line(number: int, yuan: str, *, goods: str = "咖啡", fee: str = "-0.07", state: str = "SUCCESS") -> str:
    return line(
        "2026-11-20 09:00:00", "wx1", "1900000109", "0", "", f"42{number:026d}", f"T{number}", "oUser", "NATIVE",
        "REFUND", "CMB_DEBIT", "CNY", "0.00", "0.00", "2026-11-21 10:00:00",
        "2026-11-21 10:00:05" if state == "SUCCESS" else "", f"50{number:026d}", f"R{number}", yuan, "0.00",
        "ORIGINAL", state, goods, "", fee, "0.60%", "0.00", yuan, "",
    )  # fmt: skip


def payment_line(number: int, yuan: str) -> str:
    return line(
        "2026-11-21 09:00:00", "wx1", "1900000109", "0", "", f"42{number:026d}", f"T{number}", "oUser", "NATIVE",
        "SUCCESS", "CMB_DEBIT", "CNY", yuan, "0.00", "0", "0", "0.00", "0.00", "", "", "茶", "", "0.16", "0.60%", yuan,
        "0.00", "",
    )  # fmt: skip


def all_refund_line(number: int, yuan: str) -> str:
    fields = refund_line(number, yuan).split(",`")
    return ",`".join(fields[:14] + fields[16:])


def bill(header: str, rows: list[str], summary: str) -> bytes:
    return "".join(f"{text}\r\n" for text in [header, *rows, SUMMARY_HEADER, summary]).encode()


REFUND_BILL = bill(
    REFUND_HEADER,
    [refund_line(1, "12.00"), refund_line(2, "0.01", goods="杯子,红色`大", state="REFUNDCLOSE")],
    line("2", "0.00", "12.01", "0.00", "-0.14000", "0.00", "12.01"),
)


def site(
    server: LocalServer,
    platform: Platform,
    content: bytes,
    *,
    sha1: str | None = None,
    url: str | None = None,
    status: int = 200,
) -> Callable[[Asked], Answer]:
    """Answers the application and the download; the hash is of the unpacked file."""
    announced = {
        "hash_type": "SHA1",
        "hash_value": sha1 or hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "download_url": url or f"{server.base_url}/v3/billdownload/file?token=abc&tartype=gzip",
    }
    return lambda asked: (
        Answer(status=status, body=gzip.compress(content))
        if asked.target.startswith("/v3/billdownload/")
        else platform.answer(announced)
    )


def test_adapter_has_bills(channel: WeChatRefundChannel) -> None:
    assert isinstance(channel, Bills)


def test_refund_bill_is_read_row_by_row(channel: WeChatRefundChannel, server: LocalServer, platform: Platform) -> None:
    server.respond = site(server, platform, REFUND_BILL)

    with channel.download_bill(day=DAY) as statement:
        first, second = statement

    assert first == BillRow(
        channel="wechat",
        kind=BillRowKind.REFUND,
        order_no="T1",
        channel_transaction_no=f"42{1:026d}",
        refund_no="R1",
        channel_refund_no=f"50{1:026d}",
        amount_fen=1200,
        fee_fen=-7,
        accepted_at=datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING),
        succeeded_at=datetime(2026, 11, 21, 10, 0, 5, tzinfo=BEIJING),
        state="SUCCESS",
        line=2,
    )
    assert (second.refund_no, second.amount_fen, second.succeeded_at, second.state) == ("R2", 1, None, "REFUNDCLOSE")
    assert statement.declared() == BillTotals(rows=2, payments_fen=0, refunds_fen=1201)
    assert statement.digest == hashlib.sha256(REFUND_BILL).hexdigest()


def test_bill_is_asked_for_signed_and_fetched_once(
    make_channel: MakeChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = site(server, platform, REFUND_BILL)

    with make_channel(sub_mchid="1900000110").download_bill(day=DAY) as statement:
        list(statement)

    applied, fetched = server.asked
    assert applied.target == (
        "/v3/bill/tradebill?bill_date=2026-11-21&tar_type=GZIP&bill_type=REFUND&sub_mchid=1900000110"
    )
    assert fetched.target == "/v3/billdownload/file?token=abc&tartype=gzip"
    assert fetched.headers["authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")


def test_all_trades_have_payments_and_refunds(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    content = bill(
        ALL_HEADER,
        [payment_line(1, "268.00"), all_refund_line(2, "12.00")],
        line("2", "268.00", "12.00", "0.00", "0.09", "268.00", "12.00"),
    )
    server.respond = site(server, platform, content)

    with channel.download_bill(day=DAY, kind=BillKind.TRADES) as statement:
        payment, refund = statement

    assert (payment.kind, payment.amount_fen, payment.fee_fen, payment.refund_no) == (
        BillRowKind.PAYMENT,
        26800,
        16,
        "",
    )
    assert (refund.kind, refund.amount_fen, refund.refund_no) == (BillRowKind.REFUND, 1200, "R2")
    assert "bill_type=ALL" in server.asked[0].target


def test_fund_flow_names_what_happened(channel: WeChatRefundChannel, server: LocalServer, platform: Platform) -> None:
    def flow(number: int, name: str, business: str, direction: str, yuan: str) -> str:
        return line(
            "2026-11-21 10:00:00", f"WX{number}", f"F{number}", name, business, direction, yuan, "100.00", "system",
            "备注,有逗号", f"NO{number}",
        )  # fmt: skip

    rows = [
        flow(1, "交易", "交易", "收入", "268.00"),
        flow(2, "退款", "退款", "支出", "12.00"),
        flow(3, "退款关闭", "退款", "收入", "12.00"),
        flow(4, "扣除交易手续费", "扣除交易手续费", "支出", "0.16"),
        flow(5, "手续费退还", "手续费", "收入", "0.07"),
        flow(6, "提现", "提现", "支出", "1.00"),
    ]
    summary = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
    text = [FUND_HEADER, *rows, summary, line("6", "3", "280.07", "3", "13.16")]
    server.respond = site(server, platform, "\r\n".join(text).encode())

    with channel.download_bill(day=DAY, kind=BillKind.FUNDS) as statement:
        found = list(statement)

    assert [(row.kind, row.amount_fen, row.fee_fen) for row in found] == [
        (BillRowKind.PAYMENT, 26800, 0),
        (BillRowKind.REFUND, 1200, 0),
        (BillRowKind.REFUND_CLOSED, 1200, 0),
        (BillRowKind.FEE, 16, 16),
        (BillRowKind.FEE, 7, -7),
        (BillRowKind.OTHER, 100, 0),
    ]
    assert (found[1].refund_no, found[1].channel_refund_no) == ("NO2", "WX2")
    assert (found[0].order_no, found[0].channel_transaction_no) == ("NO1", "WX1")
    assert statement.declared() == BillTotals(rows=6, payments_fen=28007, refunds_fen=1316)
    assert server.asked[0].target.startswith("/v3/bill/fundflowbill?bill_date=2026-11-21&tar_type=GZIP&account_type=")


def test_uploaded_bill_is_read_packed_or_not_with_or_without_mark(channel: WeChatRefundChannel) -> None:
    marked = b"\xef\xbb\xbf" + REFUND_BILL
    for content in (REFUND_BILL, marked, gzip.compress(REFUND_BILL)):
        file = io.BytesIO(content)
        with channel.open_bill(file=file, day=DAY) as statement:
            assert [row.refund_no for row in statement] == ["R1", "R2"]
        assert not file.closed


def test_bill_with_a_wrong_hash_is_not_used(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = site(server, platform, REFUND_BILL, sha1="0" * 40)

    with pytest.raises(BillCorrupt, match="hash"):
        channel.download_bill(day=DAY)


@pytest.mark.parametrize(
    ("status", "code", "later", "empty"),
    [
        (400, "NO_STATEMENT_EXIST", False, True),
        (400, "STATEMENT_CREATING", True, False),
        (400, "PARAM_ERROR", False, False),
        (403, "NO_AUTH", False, False),
        (429, "FREQUENCY_LIMITED", True, False),
        (500, "SYSTEM_ERROR", True, False),
    ],
)
def test_bill_that_is_not_to_be_had_says_whether_to_ask_again(
    channel: WeChatRefundChannel,
    server: LocalServer,
    platform: Platform,
    status: int,
    code: str,
    later: bool,
    empty: bool,
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "message": "无"}, status)

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)

    assert (unavailable.value.code, unavailable.value.later, unavailable.value.empty) == (code, later, empty)


def test_link_elsewhere_is_not_followed(channel: WeChatRefundChannel, server: LocalServer, platform: Platform) -> None:
    for url in ("http://127.0.0.1:1/f", f"{server.base_url}.evil.example/f", f"{server.base_url}@evil.example/f"):
        server.respond = site(server, platform, REFUND_BILL, url=url)
        with pytest.raises(BillUnavailable) as unavailable:
            channel.download_bill(day=DAY)
        assert unavailable.value.code == "foreign_address"


@pytest.mark.parametrize("kind", ["unsigned", "expired link", "dropped", "garbage", "not packed right"])
def test_bill_when_something_goes_wrong_on_the_way(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, kind: str
) -> None:
    genuine = site(server, platform, REFUND_BILL)
    expired = site(server, platform, REFUND_BILL, status=401)
    answers: dict[str, Callable[[Asked], Answer]] = {
        "unsigned": lambda _: Answer(body=b"{}"),
        "expired link": expired,
        "dropped": lambda asked: Answer(drop=True) if "billdownload" in asked.target else genuine(asked),
        "garbage": lambda _: platform.answer(b"[]"),
        "not packed right": lambda asked: (
            Answer(body=gzip.compress(REFUND_BILL)[:-9]) if "billdownload" in asked.target else genuine(asked)
        ),
    }
    server.respond = answers[kind]

    with pytest.raises((BillUnavailable, BillCorrupt)):
        channel.download_bill(day=DAY)


@pytest.mark.parametrize(
    ("content", "at_line"),
    [
        (b"", 0),
        (REFUND_BILL[: len(REFUND_BILL) // 2], 0),
        (REFUND_BILL.split(SUMMARY_HEADER.encode(), maxsplit=1)[0], 0),
        (REFUND_BILL.replace(b"`12.00,`0.00,`ORIGINAL", b"`12.00,`ORIGINAL"), 2),
        (REFUND_BILL.replace("退款金额,".encode(), "别的,".encode()), 1),
        (REFUND_BILL.replace("设备号".encode(), "微信订单号".encode()), 1),
        (REFUND_BILL.replace(b"`0.01,`\r\n", b"`0.001,`\r\n"), 3),
        (REFUND_BILL.replace(b"`0.01,`\r\n", b"`1e2,`\r\n"), 3),
        (REFUND_BILL.replace(b"2026-11-21 10:00:05", b"2026-11-31 10:00:05"), 2),
        (REFUND_BILL.replace(b"`2,`0.00,`12.01", b"`two,`0.00,`12.01"), 0),
        (REFUND_BILL.replace("咖啡".encode(), b"x" * 70_000), 2),
        (REFUND_BILL.replace(b"`CNY", b"`HKD", 1), 2),
        (REFUND_BILL.replace(b"2026-11-21 10:00:05", b"9999-12-31 10:00:05"), 2),
        (REFUND_BILL.replace(b"`T2,", b"`" + b"T" * 65 + b","), 3),
        (gzip.compress(REFUND_BILL, mtime=0)[:-4], 0),
    ],
)
def test_unreadable_row_is_set_aside_and_unreadable_bill_refused_by_its_line(content: bytes, at_line: int) -> None:
    assert _lines_in_trouble(content) == [at_line]


def test_fee_that_is_blank_is_unknown_and_costs_no_row() -> None:
    content = REFUND_BILL.replace(b"`-0.07,", b"`--,", 1).replace(b"`CNY", "`人民币".encode(), 1)
    with bills.opened(io.BytesIO(content), kind=BillKind.REFUNDS) as statement:
        assert [row.fee_fen for row in statement] == [None, -7]
    assert statement.declared() == BillTotals(rows=2, payments_fen=0, refunds_fen=1201)


def _lines_in_trouble(content: bytes) -> list[int]:
    try:
        statement = bills.opened(io.BytesIO(content), kind=BillKind.REFUNDS)
        list(statement)
    except BillCorrupt as corrupt:
        return [corrupt.line]
    return [row.line for row in statement.notes.odd]


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused_but_nothing_else(content: bytes) -> None:
    for kind in BillKind:
        for whole in (content, REFUND_BILL + content, b"\x1f\x8b" + content):
            try:
                list(bills.opened(io.BytesIO(whole), kind=kind))
            except BillCorrupt:
                continue


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=10**10),
            st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20).filter(
                lambda goods: ",`" not in goods
            ),
        ),
        max_size=5,
    )
)
def test_written_rows_are_read_back(rows: list[tuple[int, str]]) -> None:
    written = [
        refund_line(number, f"{fen // 100}.{fen % 100:02d}", goods=goods) for number, (fen, goods) in enumerate(rows)
    ]
    content = bill(REFUND_HEADER, written, line("0", "0", "0", "0", "0", "0", "0"))

    read = list(bills.opened(io.BytesIO(content), kind=BillKind.REFUNDS))

    assert [row.amount_fen for row in read] == [fen for fen, _ in rows]
    assert [row.refund_no for row in read] == [f"R{number}" for number in range(len(rows))]
