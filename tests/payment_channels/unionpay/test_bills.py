"""The settlement file: fixed widths in a zip in zlib in Base64."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zipfile
import zlib
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.clock import BEIJING
from payment_channels.contract import BillCorrupt, BillKind, BillRow, BillRowKind, Bills, BillUnavailable
from payment_channels.unionpay import bills
from payment_channels.unionpay.adapter import UnionPayRefundChannel
from tests.payment_channels.server import Answer, LocalServer
from tests.payment_channels.unionpay.conftest import MER_ID, Platform, asked_fields

DAY = date(2026, 11, 21)
WIDTHS = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 131,
]  # fmt: skip


def zm_line(number: int, txn_type: str, fen: int, *, time: str = "1121100000", fee: str = "D000000000007") -> bytes:
    fields = {
        1: "S22" if txn_type == "01" else "S30",
        2: "00010000",
        5: time,
        6: "621626******0018",
        7: f"{fen:012d}",
        10: f"{number:021d}",
        12: f"R20261121{number:06d}",
        16: fee,
        17: f"C{fen:012d}",
        20: txn_type,
        21: "00",
        22: "000201",
        27: f"6{number:020d}" if txn_type != "01" else "",
        28: MER_ID,
        30: "某某商户"[:1],
        33: f"C{fen:012d}",
        34: "01080209",
    }
    cells = [fields.get(place, "").encode("gbk").ljust(width) for place, width in enumerate(WIDTHS, start=1)]
    assert [len(cell) for cell in cells] == WIDTHS
    return b" ".join(cells) + b"\r\n"


TRADES = zm_line(1, "01", 26800) + zm_line(2, "04", 1200, fee="C000000000003") + zm_line(3, "31", 500)


def packed(trades: bytes, *, name: str = f"INN26112188ZM_{MER_ID}") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, trades)
        archive.writestr(f"INN26112188ZME_{MER_ID}", b"errors are elsewhere")
    return file.getvalue()


def content(file: bytes) -> str:
    return base64.b64encode(zlib.compress(file)).decode()


def file_answer(platform: Platform, file_content: str, **changes: str) -> Answer:
    return platform.answer(
        {
            "txnType": "76",
            "respCode": "00",
            "respMsg": "ok",
            "fileName": "x.zip",
            "fileContent": file_content,
            **changes,
        }
    )


def test_file_is_read_row_by_row(channel: UnionPayRefundChannel, server: LocalServer, platform: Platform) -> None:
    server.respond = lambda _: file_answer(platform, content(packed(TRADES)))

    assert isinstance(channel, Bills)
    with channel.download_bill(day=DAY, kind=BillKind.TRADES) as bill:
        payment, refund, void = bill

    assert refund == BillRow(
        channel="unionpay",
        kind=BillRowKind.REFUND,
        order_no="",
        channel_transaction_no=f"6{2:020d}",
        refund_no="R20261121000002",
        channel_refund_no=f"{2:021d}",
        amount_fen=1200,
        fee_fen=-3,
        accepted_at=datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING),
        succeeded_at=datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING),
        state="S30",
        line=2,
    )
    assert (payment.kind, payment.order_no, payment.amount_fen, payment.fee_fen) == (
        BillRowKind.PAYMENT, "R20261121000001", 26800, 7,
    )  # fmt: skip
    assert (void.kind, void.amount_fen) == (BillRowKind.VOID, 500)
    assert bill.declared() is None
    assert bill.digest == hashlib.sha256(TRADES).hexdigest()
    [asked] = server.asked
    assert asked.target == "/files/"
    sent = asked_fields(asked)
    assert (sent["txnType"], sent["txnSubType"], sent["settleDate"], sent["fileType"]) == ("76", "01", "1121", "00")


def test_refunds_and_voids_only(channel: UnionPayRefundChannel, server: LocalServer, platform: Platform) -> None:
    server.respond = lambda _: file_answer(platform, content(packed(TRADES)))

    with channel.download_bill(day=DAY) as bill:
        assert [row.kind for row in bill] == [BillRowKind.REFUND, BillRowKind.VOID]


def test_uploaded_file_may_be_the_zip_or_the_text(channel: UnionPayRefundChannel) -> None:
    for uploaded in (TRADES, packed(TRADES), packed(TRADES, name=f"in/INN26112188ZM_{MER_ID}")):
        file = io.BytesIO(uploaded)
        with channel.open_bill(file=file, day=DAY) as bill:
            assert [row.amount_fen for row in bill] == [1200, 500]
            assert bill.digest == hashlib.sha256(TRADES).hexdigest()
        assert not file.closed


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (date(2027, 1, 1), "1231230001", datetime(2026, 12, 31, 23, 0, 1, tzinfo=BEIJING)),
        (date(2027, 1, 1), "0101000001", datetime(2027, 1, 1, 0, 0, 1, tzinfo=BEIJING)),
        (date(2028, 3, 1), "0229120000", datetime(2028, 2, 29, 12, 0, tzinfo=BEIJING)),
        (date(2029, 2, 1), "0229120000", datetime(2028, 2, 29, 12, 0, tzinfo=BEIJING)),
    ],
)
def test_times_get_the_year_before_the_clearing_day(day: date, time: str, expected: datetime) -> None:
    [row] = bills.opened(io.BytesIO(zm_line(1, "04", 1, time=time)), day=day, kind=BillKind.REFUNDS)

    assert row.accepted_at == expected


@pytest.mark.parametrize(
    ("code", "later", "empty"),
    [("98", True, True), ("06", True, False), ("10", False, False), ("11", False, False)],
)
def test_file_that_is_not_to_be_had_says_whether_to_ask_again(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, code: str, later: bool, empty: bool
) -> None:
    server.respond = lambda _: platform.answer({"respCode": code, "respMsg": "文件不存在"})

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)

    assert (unavailable.value.code, unavailable.value.later, unavailable.value.empty) == (code, later, empty)


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(body=b"a=1"), Answer(drop=True), Answer(status=404)])
def test_file_when_something_goes_wrong_on_the_way(
    channel: UnionPayRefundChannel, server: LocalServer, answer: Answer
) -> None:
    server.respond = lambda _: answer

    with pytest.raises(BillUnavailable) as unavailable:
        channel.download_bill(day=DAY)
    assert unavailable.value.later


@pytest.mark.parametrize(
    "file_content",
    [
        "!",
        base64.b64encode(b"not zlib").decode(),
        base64.b64encode(zlib.compress(packed(TRADES))[:-8]).decode(),
        content(packed(TRADES)[:-40]),
        content(packed(b"nothing of it", name="README")),
    ],
)
def test_file_that_cannot_be_unpacked_is_not_used(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, file_content: str
) -> None:
    server.respond = lambda _: file_answer(platform, file_content)

    with pytest.raises(BillCorrupt):
        channel.download_bill(day=DAY)


def test_file_of_funds_is_not_read(channel: UnionPayRefundChannel, server: LocalServer) -> None:
    with pytest.raises(BillUnavailable):
        channel.download_bill(day=DAY, kind=BillKind.FUNDS)
    assert server.asked == []


@pytest.mark.parametrize(
    ("trades", "at_line"),
    [
        (TRADES.replace(b"000000001200 ", b"0000000012.0 ", 1), 2),
        (TRADES.replace(b"000000001200 ", b"00000001200 ", 1), 2),
        (TRADES[:50], 1),
        (TRADES + b"summary\r\n", 4),
        (TRADES.replace(b"D000000000007", b"X000000000007", 1), 1),
        (TRADES.replace(b"1121100000", b"1131100000", 1), 1),
        (TRADES.replace(b"621626", b"\xff\xff\xff\xff\xff\xff", 1), 1),
    ],
)
def test_unreadable_row_is_set_aside_and_unreadable_file_refused_by_its_line(trades: bytes, at_line: int) -> None:
    assert _lines_in_trouble(trades) == [at_line]


def _lines_in_trouble(trades: bytes) -> list[int]:
    try:
        statement = bills.opened(io.BytesIO(trades), day=DAY, kind=BillKind.TRADES)
        list(statement)
    except BillCorrupt as corrupt:
        return [corrupt.line]
    return [row.line for row in statement.notes.odd]


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_read_or_refused_but_nothing_else(raw: bytes, zipped: bool) -> None:
    for whole in (raw, TRADES + raw, b"PK\x03\x04" + raw):
        try:
            file = packed(whole) if zipped else whole
            list(bills.opened(io.BytesIO(file), day=DAY, kind=BillKind.TRADES))
        except BillCorrupt:
            continue


_NAME = f"INN26112188ZM_{MER_ID}"


def _zip(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, held in entries.items():
            archive.writestr(name, held)
    return file.getvalue()


_BROUGHT: dict[str, bytes] = {
    "byte order mark": b"\xef\xbb\xbf" + TRADES,
    "line feeds": TRADES.replace(b"\r\n", b"\n"),
    "carriage returns": TRADES.replace(b"\r\n", b"\r"),
    "both twice": TRADES.replace(b"\r\n", b"\r\r\n"),
    "end of DOS": TRADES + b"\x1a",
    "filled block": TRADES + b"\0" * 512,
    "blanks cut": b"\r\n".join(line.rstrip() for line in TRADES.split(b"\r\n")),
    "tabs": TRADES.replace(b" ", b"\t"),
    "fileContent": content(packed(TRADES)).encode(),
    "fileContent in lines": base64.encodebytes(zlib.compress(packed(TRADES))),
    "fileContent decoded": zlib.compress(packed(TRADES), 1),
    "gzip": gzip.compress(TRADES),
    "gzip of the zip": gzip.compress(packed(TRADES)),
    "zip of the zip": _zip(**{"银联.zip": packed(TRADES)}),
    "a name with an ending": packed(TRADES, name=f"{_NAME}.txt"),
    "a name of a copy": packed(TRADES, name=f"银联/{_NAME} (1)"),
    "a name before it": packed(TRADES, name=f"一店-{_NAME}"),
    "small letters": packed(TRADES, name=_NAME.lower()),
    "of a Mac": _zip(**{f"__MACOSX/._{_NAME}": b"x", _NAME: TRADES, ".DS_Store": b"x"}),
    "UTF-16": TRADES.decode("latin-1").encode("utf-16"),
    "UTF-16 without a mark": TRADES.decode("latin-1").encode("utf-16-le"),
    "rows in quotes": b"\r\n".join(b'"' + line + b'"' for line in TRADES.splitlines()),
    "ends of lines lost": TRADES.replace(b"\r\n", b""),
    "two rows in a line": TRADES.replace(b"\r\n", b"", 1),
    "called by the merchant's number": _zip(**{"802310048993424_20261121.txt": TRADES, "readme.txt": b"x"}),
    "a copy beside it": _zip(**{_NAME: TRADES, f"{_NAME} (1)": TRADES, f"copy/{_NAME}": TRADES}),
    "packed in a zip with a word about it": _zip(**{"a.zip": packed(TRADES), "readme.txt": b"x"}),
    "gzip in a zip": _zip(**{f"{_NAME}.gz": gzip.compress(TRADES)}),
    "two of a day": _zip(**{_NAME: TRADES, _NAME.replace("88ZM", "99ZM"): zm_line(1, "01", 1)}),
}


@pytest.mark.parametrize("what", _BROUGHT)
def test_file_when_a_person_brings_it_some_other_way_is_read(what: str) -> None:
    bill = bills.opened(io.BytesIO(_BROUGHT[what]), day=DAY, kind=BillKind.REFUNDS)

    assert [(row.amount_fen, row.refund_no) for row in bill] == [(1200, "R20261121000002"), (500, "R20261121000003")]
    assert bill.notes.odd_count == 0


_DISPUTE_WIDTHS = [3, 11, 11, 6, 10, 19, 12, 4, 2, 2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2, 135]


def zme_line(number: int, fen: int) -> bytes:
    """A row of the list of disputed trades."""
    fields = {
        1: "E23",
        2: "00010000",
        3: "00010000",
        4: f"{number:06d}",
        5: "1121100000",
        6: "621626******0018",
        7: f"{fen:012d}",
        8: "5411",
        9: "07",
        10: "01",
        11: "000122",
        12: "1120100000",
        13: "4532",
        14: f"{number:012d}",
        15: "C000000000001",
        17: MER_ID,
    }
    cells = [fields.get(place, "").encode().ljust(width) for place, width in enumerate(_DISPUTE_WIDTHS, start=1)]
    return b" ".join(cells) + b"\r\n"


def spread(trades: bytes, delimiter: bytes) -> bytes:
    """What a spreadsheet makes of the fixed widths that it was told."""
    rows = []
    for line in trades.splitlines():
        starts = [sum(WIDTHS[:place]) + place for place in range(len(WIDTHS))]
        cells = [line[start : start + width].strip() for start, width in zip(starts, WIDTHS, strict=True)]
        rows.append(delimiter.join(cell.lstrip(b"0") if cell.isdigit() else cell for cell in cells))
    return b"\r\n".join(rows)


@pytest.mark.parametrize("name", ["电费账单", "某某商户的账单"])
def test_row_with_chinese_saved_again_in_utf_8_is_read(name: str) -> None:
    row = zm_line(2, "04", 1_200)
    start = sum(WIDTHS[:24]) + 24
    with_name = row[:start] + name.encode("gbk").ljust(32) + row[start + 32 :]
    for content_ in (with_name, with_name.decode("gbk").encode()):
        bill = bills.opened(io.BytesIO(TRADES + content_), day=DAY, kind=BillKind.REFUNDS)
        assert [row.amount_fen for row in bill] == [1200, 500, 1200]
        assert not bill.notes.odd_count


def test_rows_of_a_day_without_a_single_end_of_line_all_count() -> None:
    whole = b"".join(zm_line(number, "04", number) for number in range(1, 501)).replace(b"\r\n", b"")
    bill = bills.opened(io.BytesIO(whole), day=DAY, kind=BillKind.REFUNDS)
    assert [row.amount_fen for row in bill] == list(range(1, 501))
    assert not bill.notes.odd_count
    with pytest.raises(BillCorrupt, match="does not end"):
        list(bills.opened(io.BytesIO(b"x" * 200_000), day=DAY, kind=BillKind.REFUNDS))


def test_fee_that_the_file_does_not_say_is_unknown_and_none_is_none() -> None:
    rows = zm_line(1, "04", 1_200, fee="") + zm_line(2, "04", 1_200, fee="C000000000000")
    bill = bills.opened(io.BytesIO(rows), day=DAY, kind=BillKind.REFUNDS)
    assert [row.fee_fen for row in bill] == [None, 0]


@pytest.mark.parametrize(
    ("brought", "code"),
    [
        (b"\x1a", "bill_empty"),
        (b" \r\n\0\r\n", "bill_empty"),
        (_zip(**{_NAME.replace("ZM_", "ZME_"): b""}), "bill_empty"),
        (b"Rar!\x1a\x07\x00" + b"x" * 99, "bill_archive"),
        (b"7z\xbc\xaf'\x1c" + b"x" * 99, "bill_archive"),
        (zme_line(1, 1_200), "bill_of_another_kind"),
        (zme_line(1, 1_200) + zme_line(2, 500), "bill_of_another_kind"),
        (_zip(**{_NAME.replace("ZM_", "ZME_"): zme_line(1, 1_200)}), "bill_of_another_kind"),
        (spread(TRADES, b","), "bill_resaved"),
        (spread(TRADES, b"\t"), "bill_resaved"),
        (b"%PDF-1.7" + b"\0" * 99, "bill_document"),
        (_zip(**{"a.png": b"\x89PNG\r\n" + b"\0" * 99}), "bill_document"),
        ("云闪付交易明细\n".encode("gbk"), "bill_of_consumer"),
        (content(packed(TRADES)).encode()[:-40], "bill_damaged"),
        ("商户号,终端号,交易日期\n1,2,20261121\n".encode("gbk"), "bill_unreadable"),
    ],
)
def test_file_when_nothing_can_be_read_of_it_is_refused_by_name(brought: bytes, code: str) -> None:
    with pytest.raises(BillCorrupt) as refused:
        list(bills.opened(io.BytesIO(brought), day=DAY, kind=BillKind.REFUNDS))

    assert refused.value.code == code


def test_zip_of_two_days_says_both() -> None:
    both = _zip(**{_NAME: TRADES, _NAME.replace("261121", "261122"): TRADES})
    bill = bills.opened(io.BytesIO(both), day=date(2026, 11, 22), kind=BillKind.REFUNDS)

    assert len(list(bill)) == 4
    assert bill.notes.period == (DAY, date(2026, 11, 22))


def test_zip_of_a_day_without_trades_is_an_empty_day() -> None:
    bill = bills.opened(io.BytesIO(_zip(**{_NAME: b""})), day=DAY, kind=BillKind.REFUNDS)

    assert list(bill) == []
    assert bill.notes.period == (DAY, DAY)


def test_only_row_of_a_day_that_is_odd_is_set_aside_with_its_amount() -> None:
    statement = bills.opened(io.BytesIO(zm_line(1, "04", 1_200, fee="-000000000007")), day=DAY, kind=BillKind.REFUNDS)
    assert list(statement) == []
    assert [(row.line, row.why, row.amount_fen) for row in statement.notes.odd] == [(1, "row_amount", 1_200)]
