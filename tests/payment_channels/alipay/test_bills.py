"""The trade bill: a zip of GBK CSVs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.alipay import bills
from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.clock import BEIJING
from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillRow,
    BillRowKind,
    Bills,
    BillTotals,
    BillUnavailable,
)
from tests.payment_channels.alipay.conftest import Platform, asked_parameters
from tests.payment_channels.server import Answer, Asked, LocalServer

DAY = date(2026, 11, 21)
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
NAME_RESPONSE = "alipay_data_dataservice_bill_downloadurl_query_response"


def trade_line(number: int, business: str, yuan: str, *, request_no: str = "", fee: str = "0.00") -> str:
    return (
        f"20261121{number:020d}\t,T{number}\t,{business},咖啡 & 茶,2026-11-21 10:00:00,2026-11-21 10:00:05,S001,总店,"
        f"C001,POS-01,*雨(159****5620),{yuan},{yuan},0.00,0.00,0.00,0.00,0.00,,0.00,0.00,{request_no}\t,{fee},0.00,"
    )


LINES = [
    "#支付宝业务明细查询",
    "#账号：[20880000000000010156]",
    "#-----------------------------------------业务明细列表----------------------------------------",
    HEADER,
    trade_line(1, "交易", "268.00", fee="1.61"),
    trade_line(2, "退款", "-12.00", request_no="R2", fee="-0.07"),
    "#-----------------------------------------业务明细列表结束------------------------------------",
    "#交易合计：1笔，商家实收共268.00元，商家优惠共0.00元",
    "#退款合计：1笔，商家实收退款共-12.00元，商家优惠退款共0.00元",
    "#导出时间：[2026年11月22日 10:00:00]",
]


def csv_bytes(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("gbk")


DETAILS = csv_bytes(LINES)
#: Of all but the time of export.
DIGEST = hashlib.sha256(DETAILS.replace("#导出时间：[2026年11月22日 10:00:00]".encode("gb18030"), b"")).hexdigest()


def zipped(details: bytes, *, extra: dict[str, bytes] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20881_20261121_业务明细.csv", details)
        archive.writestr("20881_20261121_业务明细(汇总).csv", "#汇总\r\n".encode("gbk"))
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return packed.getvalue()


def site(server: LocalServer, platform: Platform, content: bytes, *, status: int = 200) -> None:
    def respond(asked: Asked) -> Answer:
        if asked.target.startswith("/bill"):
            return Answer(status=status, body=content)
        url = f"{server.base_url}/bill.resource?token=a%2Fb"
        return platform.answer({"code": "10000", "msg": "Success", "bill_download_url": url}, name=NAME_RESPONSE)

    server.respond = respond


def test_bill_is_read_row_by_row(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    site(server, platform, zipped(DETAILS))

    assert isinstance(channel, Bills)
    with channel.download_bill(day=DAY, kind=BillKind.TRADES) as bill:
        payment, refund = bill

    assert refund == BillRow(
        channel="alipay",
        kind=BillRowKind.REFUND,
        order_no="T2",
        channel_transaction_no=f"20261121{2:020d}",
        refund_no="R2",
        channel_refund_no="R2",
        amount_fen=1200,
        fee_fen=-7,
        accepted_at=datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING),
        succeeded_at=datetime(2026, 11, 21, 10, 0, 5, tzinfo=BEIJING),
        state="退款",
        line=6,
    )
    assert (payment.kind, payment.amount_fen, payment.fee_fen) == (BillRowKind.PAYMENT, 26800, 161)
    assert bill.declared() == BillTotals(rows=2, payments_fen=26800, refunds_fen=1200)
    assert bill.digest == DIGEST
    applied, fetched = server.asked
    assert asked_parameters(applied)["biz_content"] == '{"bill_type":"trade","bill_date":"2026-11-21"}'
    assert fetched.target == "/bill.resource?token=a%2Fb"


def test_refunds_only(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    site(server, platform, zipped(DETAILS))

    with channel.download_bill(day=DAY) as bill:
        assert [row.refund_no for row in bill] == ["R2"]


def test_uploaded_bill_may_be_the_zip_or_the_table(channel: AlipayRefundChannel) -> None:
    for content in (DETAILS, zipped(DETAILS), _gbk_zip()):
        file = io.BytesIO(content)
        with channel.open_bill(file=file, day=DAY) as bill:
            assert [row.refund_no for row in bill] == ["R2"]
            assert bill.digest == DIGEST
        assert not file.closed


def _gbk_zip() -> bytes:
    """A zip as Alipay writes it: names in GBK without the flag for UTF-8."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("AAAAAAAA.csv", DETAILS)
        archive.writestr("AAAAAAAABBBBBB.csv", "#汇总\r\n".encode("gbk"))
    return (
        packed.getvalue()
        .replace(b"AAAAAAAABBBBBB.csv", "业务明细(汇总)".encode("gbk") + b".csv")
        .replace(b"AAAAAAAA.csv", "业务明细".encode("gbk") + b".csv")
    )


@pytest.mark.parametrize(
    ("code", "sub_code", "later", "empty"),
    [
        ("40004", "isp.bill_not_exist", True, True),
        ("40004", "ACQ.INVALID_PARAMETER", False, False),
        ("20000", "isp.unknow-error", True, False),
        ("40006", "isv.insufficient-isv-permissions", False, False),
    ],
)
def test_bill_that_is_not_to_be_had_says_whether_to_ask_again(
    channel: AlipayRefundChannel,
    server: LocalServer,
    platform: Platform,
    code: str,
    sub_code: str,
    later: bool,
    empty: bool,
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "msg": "no", "sub_code": sub_code}, name=NAME_RESPONSE)

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)

    assert (unavailable.value.code, unavailable.value.later, unavailable.value.empty) == (sub_code, later, empty)


def test_bill_of_funds_is_not_read(channel: AlipayRefundChannel, server: LocalServer) -> None:
    with pytest.raises(BillUnavailable):
        channel.download_bill(day=DAY, kind=BillKind.FUNDS)
    assert server.asked == []


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(body=b"{}"), Answer(drop=True), Answer(status=404)])
def test_bill_when_something_goes_wrong_on_the_way(
    channel: AlipayRefundChannel, server: LocalServer, answer: Answer
) -> None:
    server.respond = lambda _: answer

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)
    assert unavailable.value.later


def test_expired_link(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    site(server, platform, b"<html>expired</html>", status=403)

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)
    assert unavailable.value.later


def _spoiled_zip() -> bytes:
    whole = bytearray(_gbk_zip())
    at = whole.index("咖啡".encode("gbk"))
    whole[at] ^= 1
    return bytes(whole)


@pytest.mark.parametrize(
    ("content", "at_line"),
    [
        (b"", 0),
        (b"#nothing\r\n", 0),
        (DETAILS.replace(b"-12.00", b"-12.001", 1), 6),
        (DETAILS.replace(b"-12.00,-12.00,", b"-12.00,", 1), 6),
        (DETAILS.replace(b"2026-11-21 10:00:05", b"2026-11-21 10-00-05", 1), 5),
        (DETAILS.replace("订单金额".encode("gbk"), "小费".encode("gbk")), 4),
        (b"PK\x03\x04" + DETAILS, 0),
        (_gbk_zip()[:-30], 0),
        (_spoiled_zip(), 0),
        (
            zipped(
                DETAILS, extra={"另一份明细.csv": DETAILS.replace("#账号：[".encode("gbk"), "#账号：[9".encode("gbk"))}
            ),
            0,
        ),
    ],
)
def test_unreadable_row_is_set_aside_and_unreadable_bill_refused_by_its_line(content: bytes, at_line: int) -> None:
    assert _lines_in_trouble(content) == [at_line]


@pytest.mark.parametrize("goods", [b"\xff\xff", b'"', b"a,b", b"a,`b", b"a\r\nb", b'"a,\r\nb"'])
def test_anything_in_a_text_field_costs_nothing(goods: bytes) -> None:
    statement = bills.opened(io.BytesIO(DETAILS.replace("咖啡".encode("gbk"), goods)), kind=BillKind.TRADES)
    assert [(row.line, row.amount_fen) for row in statement][-1][1] == 1200
    assert (statement.notes.rows, statement.notes.odd) == (2, [])


def test_table_without_its_end_was_cut(channel: AlipayRefundChannel) -> None:
    assert _lines_in_trouble(csv_bytes(LINES[:6])) == [0]


def _lines_in_trouble(content: bytes) -> list[int]:
    try:
        statement = bills.opened(io.BytesIO(content), kind=BillKind.TRADES)
        list(statement)
    except BillCorrupt as corrupt:
        return [corrupt.line]
    return [row.line for row in statement.notes.odd]


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("gb18030", "replace")))
def test_any_bytes_are_read_or_refused_but_nothing_else(content: bytes) -> None:
    for whole in (content, DETAILS + content, b"PK\x03\x04" + content, _gbk_zip()[: len(content)]):
        try:
            list(bills.opened(io.BytesIO(whole), kind=BillKind.TRADES))
        except BillCorrupt:
            continue


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_statement_downloaded_again_is_the_same_whenever_it_was_exported(encoding: str) -> None:
    text = "#支付宝业务明细查询\r\n#退款合计：0笔\r\n#导出时间：[2026年11月27日 10:00:0{}]\r\n"
    first, again = (
        bills.opened(io.BytesIO(text.format(second).encode(encoding)), kind=BillKind.REFUNDS) for second in (1, 2)
    )
    other = bills.opened(io.BytesIO(text.replace("0笔", "1笔").encode(encoding)), kind=BillKind.REFUNDS)

    assert first.digest == again.digest != other.digest


def test_refund_without_its_time_has_none_and_an_odd_one_leaves_the_total_exact() -> None:
    plain = (Path(__file__).parents[2] / "reconciliation/files/alipay-refund-with-merchant-discount.csv").read_bytes()
    untimed = bills.opened(io.BytesIO(plain.replace(b"2026-11-26 10:56:48", b"")), kind=BillKind.REFUNDS)
    (row,) = untimed
    # The other time of the row is the payment's, weeks before.
    assert (row.accepted_at, row.succeeded_at, row.amount_fen) == (None, None, 10_000)
    odd = bills.opened(io.BytesIO(plain.replace(b"-100.00,-90.00", b"x,-90.00")), kind=BillKind.REFUNDS)
    assert list(odd) == []
    declared = odd.declared()
    assert declared is not None
    assert declared.refunds_fen == 10_000
