from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from samples.retail.lines import COLUMNS, FormatError, Kind, Line, opened, read
from samples.retail.tally import Tally

HEADER = ",".join(COLUMNS)


def lines_of(*rows: str) -> list[Line]:
    return list(read([f"{line}\n" for line in (HEADER, *rows)]))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("536365,85123A,T-LIGHT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom", Kind.SALE),
        ("C536379,22139,TEA SET,-1,2010-12-01 09:41:00,4.25,17850,United Kingdom", Kind.CREDIT_NOTE),
        ("536370,DCGSSGIRL,PARTY BAG,2,2010-12-01 08:45:00,3.29,,United Kingdom", Kind.SALE),
        ("536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.00,12583,France", Kind.NO_GOODS),
        ("C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,United Kingdom", Kind.NO_GOODS),
        ("541604,BANK CHARGES,Bank Charges,1,2011-01-19 15:00:00,5.00,,United Kingdom", Kind.NO_GOODS),
        ("536414,22139,,56,2010-12-01 11:52:00,0,,United Kingdom", Kind.ZERO_PRICE),
        ("536589,21777,,-10,2010-12-01 16:50:00,0,,United Kingdom", Kind.STOCK_ADJUSTMENT),
        ("536589,21777,,-10,2010-12-01 16:50:00,1.50,,United Kingdom", Kind.STOCK_ADJUSTMENT),
    ],
)
def test_read_names_what_every_line_is(row: str, kind: Kind) -> None:
    (line,) = lines_of(row)

    assert line.kind is kind


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom", "neither an invoice"),
        ("550193,PADS,PADS,1,2011-04-15 09:27:00,0.001,13952,United Kingdom", "whole pence"),
        ("536365,22139,TEA SET,1,2010-12-01 08:26:00,-1.00,17850,United Kingdom", "below zero"),
        ("C536379,22139,TEA SET,1,2010-12-01 09:41:00,4.25,17850,United Kingdom", "positive quantity"),
        ("536365,22139,TEA SET,0,2010-12-01 08:26:00,4.25,17850,United Kingdom", "is zero"),
        ("536365,22139,TEA SET,1.5,2010-12-01 08:26:00,4.25,17850,United Kingdom", "not a whole number"),
        ("536365,22139,TEA SET,６,2010-12-01 08:26:00,4.25,17850,United Kingdom", "not a whole number"),
        ("536365,22139,TEA SET,6,01/12/2010 08:26,4.25,17850,United Kingdom", "the time"),
        ("536365,22139,TEA SET,6,2010-12-01 08:26:00,1e309,17850,United Kingdom", "whole pence"),
        ("536365,22139,TEA SET,6,2010-12-01 08:26:00,NaN,17850,United Kingdom", "whole pence"),
        ("536365,22139,TEA SET", "3 columns"),
    ],
)
def test_read_says_what_is_wrong_with_a_bad_line_and_goes_on(row: str, why: str) -> None:
    bad, good = lines_of(row, "536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom")

    assert bad.kind is Kind.BAD
    assert why in bad.why
    assert good.kind is Kind.SALE


def test_read_gives_amounts_in_fen_and_numbers_as_an_editor_would() -> None:
    (line,) = lines_of("536365,85123A,T-LIGHT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom")

    assert (line.number, line.price_fen, line.quantity) == (2, 255, 6)
    assert line.at.isoformat() == "2010-12-01T08:26:00+08:00"


def test_read_counts_an_exact_repeat_within_an_invoice_once() -> None:
    row = "536409,21866,FLAG MUG,1,2010-12-01 11:45:00,1.25,17908,United Kingdom"

    kinds = [line.kind for line in lines_of(row, row, row.replace("536409", "536410"))]

    assert kinds == [Kind.SALE, Kind.DUPLICATE, Kind.SALE]


def test_opened_reads_compressed_files_too(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv.gz"
    row = "536365,85123A,T-LIGHT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
    file.write_bytes(gzip.compress(f"{HEADER}\n{row}\n".encode()))

    with opened(file) as lines:
        assert [line.kind for line in lines] == [Kind.SALE]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the first line must name the columns"),
        (b"invoice,stock_code\n1,2\n", "the first line must name the columns"),
        (HEADER.encode() + b'\n536365,"open quote', "line 2"),
        (HEADER.encode() + "\n536365,名称".encode("gb18030"), "not UTF-8"),
    ],
)
def test_opened_refuses_a_file_of_another_kind(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(content)

    with pytest.raises(FormatError, match=message), opened(file) as lines:
        list(lines)


def test_opened_refuses_a_compressed_file_that_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv.gz"
    rows = "\n".join(f"5363{n:02d},2213{n % 10},TEA,1,2010-12-01 08:26:00,{n}.55,1785{n % 10},X" for n in range(90))
    file.write_bytes(gzip.compress(f"{HEADER}\n{rows}\n".encode())[:-40])

    with pytest.raises(FormatError, match="cut off"), opened(file) as lines:
        list(lines)


def test_tally_counts_every_line_once() -> None:
    tally = Tally()
    rows = (
        "536365,85123A,T-LIGHT,6,2010-12-01 08:26:00,2.55,17850,United Kingdom",
        "C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,United Kingdom",
        "A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom",
    )

    passed = list(tally.watch(lines_of(*rows)))

    assert tally.lines == len(passed) == 3
    assert tally.on_credit_notes == {Kind.NO_GOODS: 1}
    assert tally.reasons == {"neither an invoice nor a credit note": 1}
