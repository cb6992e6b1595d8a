"""What all statements share: bounded unpacking, bounded lines, exact decoding, one pass."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Generator
from typing import BinaryIO

import pytest

from payment_channels import statements
from payment_channels.contract import BillCorrupt, BillRow, BillTotals
from payment_channels.lines import plain
from payment_channels.statements import Statement


def test_small_file_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"0" * 50_000_000)))

    with pytest.raises(BillCorrupt, match="too large"):
        for _ in statements.pieces(bomb, max_bytes=2_000_000):  # type: ignore[arg-type]
            pass


def _broken(file: BinaryIO) -> Generator[BillRow, None, BillTotals | None]:
    if not file.read():
        raise EOFError
    yield from ()
    return None


def test_reader_that_stumbles_makes_the_statement_corrupt() -> None:
    statement = Statement(file=io.BytesIO(), digest="", read=_broken, owned=False)

    with pytest.raises(BillCorrupt):
        list(statement)


def _total_unreadable(_: BinaryIO) -> Generator[BillRow, None, BillTotals | None]:
    yield from ()
    return BillTotals(rows=1, payments_fen=0, refunds_fen=statements.fen("abc", line=0))


def test_total_that_cannot_be_read_is_no_fault_of_a_row() -> None:
    with pytest.raises(BillCorrupt) as refused:
        list(Statement(file=io.BytesIO(), digest="", read=_total_unreadable, owned=False))
    assert refused.value.code == "bill_damaged"


@pytest.mark.parametrize(
    ("written", "fen"), [("(1,234.50)", -123_450), ("0.60-", -60), ("12.30\u2212", -1_230), ("（0.60）", -60)]
)
def test_amount_as_bookkeepers_write_what_is_negative(written: str, fen: int) -> None:
    cell = plain(written)
    assert statements.fen(cell, line=1) == fen
    assert statements.Fees().fen(cell, line=1) == fen


@pytest.mark.parametrize("written", ["(-1.00)", "-1.00-", "((1.00))", "(1.00", "()", "-"])
def test_amount_that_is_negative_twice_or_half_is_none(written: str) -> None:
    with pytest.raises(BillCorrupt):
        statements.fen(written, line=1)


@pytest.mark.parametrize("name", ["20261126_refund", "账单", "bill.dat"])
def test_only_file_of_a_zip_is_read_whatever_its_name(name: str) -> None:
    with statements.unpacked(io.BytesIO(_zip(name)), wanted=lambda name: name.endswith(".csv")) as content:
        assert content.read()  # type: ignore[union-attr]


def _zip(*names: str, locked: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, f"a table called {name}")
    # The bit that says "encrypted", in the entry's own header and in the directory.
    return (
        file.getvalue()
        .replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1")
        .replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1")
        if locked
        else file.getvalue()
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (_zip("a.csv", locked=True), "bill_locked"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "bill_locked"),
        (b"\xd0\xcf\x11\xe0", "bill_workbook"),
        (_zip("mimetype", "content.xml"), "bill_workbook"),
        (_zip("a.csv", "b.csv"), "bill_zip"),
        (_zip("a.zip"), "bill_zip"),
        (_zip("a.zip", locked=True), "bill_locked"),
        (_zip("a.dat", "b.dat", locked=True), "bill_locked"),
        (_zip(), "bill_zip"),
        (_zip("word/document.xml", "[Content_Types].xml"), "bill_document"),
        (_zip("Index/Document.iwa", "preview.jpg"), "bill_workbook"),
    ],
)
def test_what_it_is_packed_in_has_a_name_where_it_cannot_be_unpacked(content: bytes, code: str) -> None:
    with pytest.raises(BillCorrupt) as refused:
        statements.digest_of_file(io.BytesIO(content), wanted=lambda name: name.endswith(".csv"))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "head",
    [
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"II*\0\x08",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x18ftypheic",
        b"{\\rtf1\\ansi",
    ],
)
@pytest.mark.parametrize("packed", ["", "gzip", "zip"])
def test_what_only_people_can_read_is_named(head: bytes, packed: str) -> None:
    content = head + b"\0" * 99
    if packed == "gzip":
        content = gzip.compress(content)
    elif packed == "zip":
        content = _zipped({"微信账单.pdf": content, "说明.txt": b"x"})
    with pytest.raises(BillCorrupt) as refused:
        statements.peeled(io.BytesIO(content))
    assert refused.value.code == "bill_document"


def _zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


_TABLE, _OTHER = b"wanted\n1\n", b"wanted\n2\n"


@pytest.mark.parametrize(
    ("entries", "read"),
    [
        ({"a.csv": _TABLE, "b.csv": b"else\n1\n"}, _TABLE),
        ({"a.csv": b"else\n1\n", "b.csv": _TABLE}, _TABLE),
        ({"a.csv": _TABLE, "a (1).csv": _TABLE, "b.csv": b"else"}, _TABLE),
        ({"1.csv": _TABLE, "2.csv": _OTHER}, _TABLE + b"\r\n" + _OTHER),
        ({"1.dat": _TABLE, "2.dat": b"else"}, _TABLE),
        ({"a.csv": b"else\n1\n", "b.csv": b"else\n2\n"}, b"else\n1\n"),
    ],
)
def test_of_several_tables_in_a_zip_those_of_the_wanted_kind_are_read_once(
    entries: dict[str, bytes], read: bytes
) -> None:
    content = statements.pieces_of(
        io.BytesIO(_zipped(entries)),
        wanted=lambda name: name.endswith(".csv"),
        holds=lambda table: table.read(6) == b"wanted",
    )
    assert b"".join(content).strip() == read.strip()


@pytest.mark.parametrize("beside", [{}, {"说明.txt": b"x"}, {"__MACOSX/._a": b"x"}])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a"])
def test_package_in_a_zip_is_taken_out_of_it(name: str, beside: dict[str, bytes]) -> None:
    inner = _zipped({"b.csv": b"x"}) if name == "a.zip" else gzip.compress(b"x")
    if name == "a" and "说明.txt" in beside:
        return  # which of the two is meant nobody can tell
    package = statements.peeled(io.BytesIO(_zipped({name: inner, **beside})))
    package.seek(0)
    assert package.read() == inner


@pytest.mark.parametrize(
    ("written", "fen"), [("CNY100.00", 10_000), ("100.00CNY", 10_000), ("RMB 12", 1_200), ("-RMB 0.50", -50)]
)
def test_amount_with_its_currency_is_read(written: str, fen: int) -> None:
    assert statements.fen(written, line=1) == fen


@pytest.mark.parametrize(
    "written", ["2026年11月26日 12:03:11", "2026.11.26 12:03:11", "26/11/2026 12:03", "11/26/26 12:03", "2026年1月2日"]
)
def test_time_in_a_spreadsheets_own_form_is_known_as_saved_again(written: str) -> None:
    with pytest.raises(statements.Resaved):
        statements.moment(written, line=1)


def test_time_of_digits_alone_is_read_where_it_is_one() -> None:
    assert str(statements.moment("20261126120311", line=1)) == "2026-11-26 12:03:11+08:00"
    with pytest.raises(BillCorrupt):
        statements.moment("20261326120311", line=1)


@pytest.mark.parametrize("owned", [True, False])
def test_file_is_closed_by_whom_it_belongs_to(owned: bool) -> None:
    file = io.BytesIO()

    with Statement(file=file, digest="", read=_broken, owned=owned):
        pass

    assert file.closed is owned
