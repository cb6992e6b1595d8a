"""Tables with a header: whatever stands in a text field, no row beside it is lost, and amounts are exact."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from payment_channels import statements, tables
from payment_channels.contract import BillCorrupt, BillNotes, BillRow, BillRowKind
from payment_channels.tables import Field, Layout, Table

_LAYOUT = Layout(key="单号", required=(("单号",), ("金额",)), free_text=("商品名称",), summary=("总笔数",))
_HEADER = "单号,商品名称,金额（元）".replace("（元）", "")


def _build(field: Field, line: int) -> BillRow:
    return BillRow(
        channel="x",
        kind=BillRowKind.REFUND,
        order_no="",
        channel_transaction_no="",
        refund_no=statements.number(field("单号"), line=line),
        channel_refund_no="",
        amount_fen=statements.fen(field("金额"), line=line),
        fee_fen=None,
        accepted_at=None,
        succeeded_at=None,
        state="",
        line=line,
    )


def _read(content: bytes) -> tuple[list[tuple[str, int]], BillNotes]:
    notes = BillNotes()
    table = Table(_LAYOUT, notes, "x")
    found = table.rows(io.BytesIO(content), _build, lambda field: statements.fen(field("金额"), line=0))
    return [(row.refund_no, row.amount_fen) for row, _ in found], notes


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), max_size=6
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_row_is_read_or_set_aside_whatever_its_text_and_never_with_another_amount(
    rows: list[tuple[int, str]], encoding: str
) -> None:
    lines = [f"`R{at},`{text},`{fen // 100}.{fen % 100:02d}" for at, (fen, text) in enumerate(rows)]
    content = "\r\n".join(["交易" + "\r\n" + _HEADER, *lines, "总笔数", f"`{len(rows)}"]).encode(encoding)
    try:
        found, notes = _read(content)
    except BillCorrupt:
        return
    amounts = {f"R{at}": fen for at, (fen, _) in enumerate(rows)}
    assert all(amounts[name] == fen for name, fen in found if name in amounts)
    assert len(found) + notes.odd_count <= notes.rows


@pytest.mark.parametrize("text", ["a,b", "a,`b", "a\nb", "a\r\n`b", '"', "", "`", ",", "a,`b,`c"])
def test_text_with_commas_backticks_and_breaks_costs_no_row(text: str) -> None:
    found, notes = _read(f"{_HEADER}\n`R1,`{text},`1.00\n`R2,`x,`2.00\n总笔数\n`2\n".encode())
    assert (found, notes.odd) == ([("R1", 100), ("R2", 200)], [])


@pytest.mark.parametrize(
    "content",
    [
        f"{_HEADER}\n`R1,`x,`1.00,,,\n总笔数,,\n`1,,,,\n",
        f"{_HEADER},备注\nR1,x,1.00,,,\n总笔数,,\n1,,\n".replace(",", "\t"),
        f"{_HEADER}\nR1;x;1.00\n总笔数\n1\n".replace(",", ";"),
        f"{_HEADER}\r`R1,`x,`1.00\r总笔数\r`1\r",
        f"{_HEADER}\nR1,x,１．００\n总笔数\n１\n",
        f"{_HEADER}\nＲ1\u200b,x,\u202d1.00\n总笔数\n1\n",
        f"{_HEADER}\n'R1,x,'1.00\n总笔数\n'1\n",
        f'{_HEADER}\n="R1",x,="1.00"\n总笔数\n1\n',
        f'{_HEADER}\n"=""R1""","x","=""1.00"""\n总笔数\n1\n',
    ],
)
def test_what_spreadsheets_and_input_methods_put_around_a_cell_is_no_part_of_it(content: str) -> None:
    found, notes = _read(content.encode())
    assert (found, notes.odd) == ([("R1", 100)], [])


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("4.2E+27,x,1.00", "row_number"),
        ("4.20000900020261E+027,x,1.00", "row_number"),
        ("4.2e27,x,1.00", "row_number"),
        ("4200009000.0,x,1.00", "row_number"),
        (f"{'9' * 65},x,1.00", "row_fields"),
        ("R1,x,--", "row_amount"),
    ],
)
def test_row_that_a_spreadsheet_spoiled_is_set_aside_by_name(cells: str, why: str) -> None:
    found, notes = _read(f"{_HEADER}\nR0,x,2.00\n{cells}\n12E5,x,3.00\n总笔数\n3\n".encode())
    assert (found, [row.why for row in notes.odd]) == ([("R0", 200), ("12E5", 300)], [why])


@pytest.mark.parametrize("year", ["0001", "1899", "9999"])
def test_time_that_no_day_can_be_reckoned_from_is_none(year: str) -> None:
    with pytest.raises(BillCorrupt) as refused:
        statements.moment(f"{year}-12-31 23:59:59", line=3)
    assert refused.value.code == "row_time"


def test_fees_finer_than_a_fen_add_up_exactly() -> None:
    fees = statements.Fees()
    rounded = [fees.fen(text, line=1) for text in ("0.00400",) * 5 + ("0.60000", "-0.01250")]
    assert (sum(rounded), rounded[5]) == (61, 60)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<html></html>", "bill_web_page"),
        ('{"code":"NO_AUTH"}', "bill_web_page"),
        ("<xml><return_code><![CDATA[FAIL]]></return_code></xml>", "bill_web_page"),
        ("return_code=FAIL&return_msg=invalid bill_date", "bill_web_page"),
        ('[{"code": 1}]', "bill_web_page"),
        ("微信支付账单明细,,\n微信昵称：[x]", "bill_of_consumer"),
        ("支付宝交易记录明细查询\n", "bill_of_consumer"),
        ("微信订单号,商户订单号", "bill_of_another_channel"),
        ("nothing", "bill_unreadable"),
        ("\ufeff\r\n \0", "bill_empty"),
        ("<table><tr><td>微信订单号</td></tr></table>", "bill_workbook"),
        ("MIME-Version: 1.0\r\n\r\n<td>支付宝交易号</td>", "bill_workbook"),
        ('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "bill_workbook"),
    ],
)
def test_what_it_is_instead_has_a_name(text: str, code: str) -> None:
    assert tables.not_this_statement(text, channel="x").code == code


_ROWS = ("1,茶,1.00", "2,咖啡,2.00")
_TOTALS = "总笔数,总金额\n1,1.00\n"


@pytest.mark.parametrize(
    "below",
    [
        f"{_HEADER}\n{_ROWS[1]}\n{_TOTALS}",
        f"\ufeff{_HEADER}\n{_ROWS[1]}\n{_TOTALS}",
        f"导出时间：2026-11-27\n{_HEADER}\n{_ROWS[1]}\n{_TOTALS}",
        f"{_ROWS[1]}\n{_TOTALS}",
    ],
)
def test_statements_pasted_one_below_the_other_all_count(below: str) -> None:
    notes = BillNotes()
    table = Table(_LAYOUT, notes, "x")
    content = io.BytesIO(f"{_HEADER}\n{_ROWS[0]}\n{_TOTALS}{below}".encode())

    found = [row for row, _ in table.rows(content, _build, lambda field: statements.fen(field("金额"), line=0))]

    assert [row.amount_fen for row in found] == [100, 200]
    assert [summary["总金额"] for summary in table.summaries] == ["1.00", "1.00"]
    assert not notes.odd_count


def test_row_behind_the_totals_is_no_remark() -> None:
    found, notes = _read(f"{_HEADER}\n{_ROWS[0]}\n{_TOTALS}\n制表：王\n{_ROWS[1]}\n".encode())
    assert (found, notes.odd_count) == ([("1", 100), ("2", 200)], 0)


@pytest.mark.parametrize("header", ["商品名称,单号,金额", "单号,商品名称,备注,金额", "单号,金额,商品名称"])
def test_statement_of_other_columns_pasted_below_is_refused(header: str) -> None:
    with pytest.raises(BillCorrupt, match="other columns"):
        _read(f"{_HEADER}\n{_ROWS[0]}\n{_TOTALS}{header}\n{_ROWS[1]}\n{_TOTALS}".encode())


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_is_known_by_its_words_with_or_without_a_mark(encoding: str, mark: bytes, end: str) -> None:
    if mark and encoding.startswith("utf-16"):
        return
    lines = ["交易账单", _HEADER, _ROWS[0], *_TOTALS.split()]
    found, _ = _read(mark + f"{end.join(lines)}\n".encode(encoding))
    assert found == [("1", 100)]


def test_columns_apart_by_a_bar_are_read() -> None:
    assert _read(f"{_HEADER}\n{_ROWS[0]}\n{_TOTALS}".replace(",", "|").encode())[0] == [("1", 100)]


def _workbook(*sheets: list[str]) -> bytes:
    file = io.BytesIO()
    with Workbook(file) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row.split(","))
    return file.getvalue()


_SHEET = [_HEADER, _ROWS[0], *_TOTALS.split()]


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ([["单号,求和"], _SHEET], [("1", 100)]),
        ([["说明"], ["单号,求和", "1,2"], _SHEET], [("1", 100)]),
        ([_SHEET, [_HEADER, _ROWS[1], *_TOTALS.split()]], [("1", 100), ("2", 200)]),
        ([[_HEADER, _ROWS[0]], ["二店", _HEADER, _ROWS[1], *_TOTALS.split()]], [("1", 100), ("2", 200)]),
        ([_SHEET, ["单号,金额,商品名称", "2,2.00,x"]], [("1", 100)]),
    ],
)
def test_sheets_of_the_same_columns_all_count_and_others_are_passed_over(
    sheets: list[list[str]], read: list[tuple[str, int]]
) -> None:
    with statements.unpacked(io.BytesIO(_workbook(*sheets)), wanted=lambda _: True) as content:
        table, notes = Table(_LAYOUT, BillNotes(), "x"), BillNotes()
        found = table.rows(content, _build, lambda field: statements.fen(field("金额"), line=0))
        assert [(row.refund_no, row.amount_fen) for row, _ in found] == read
    assert not notes.odd
