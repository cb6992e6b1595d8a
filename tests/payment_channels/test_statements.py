"""What all statements share: bounded unpacking, bounded lines, exact decoding, one pass."""

from __future__ import annotations

import gzip
import io
from collections.abc import Generator
from typing import BinaryIO

import pytest

from payment_channels import statements, tables
from payment_channels.contract import BillCorrupt, BillRow, BillTotals
from payment_channels.statements import Statement


def test_small_file_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"0" * 50_000_000)))

    with pytest.raises(BillCorrupt, match="too large"):
        for _ in statements.pieces(bomb, max_bytes=2_000_000):  # type: ignore[arg-type]
            pass


def test_line_without_end_is_refused() -> None:
    with pytest.raises(BillCorrupt, match="line 2: the line is too long"):
        list(tables.lines(io.BytesIO(b"a\n" + b"b" * 100_000)))


def test_lines_are_numbered_and_lose_only_their_ends() -> None:
    assert list(tables.lines(io.BytesIO(b"a \r\n\n b"))) == [(1, "a "), (2, ""), (3, " b")]


def _broken(file: BinaryIO) -> Generator[BillRow, None, BillTotals | None]:
    if not file.read():
        raise EOFError
    yield from ()
    return None


def test_reader_that_stumbles_makes_the_statement_corrupt() -> None:
    statement = Statement(file=io.BytesIO(), digest="", read=_broken, owned=False)

    with pytest.raises(BillCorrupt):
        list(statement)


@pytest.mark.parametrize("owned", [True, False])
def test_file_is_closed_by_whom_it_belongs_to(owned: bool) -> None:
    file = io.BytesIO()

    with Statement(file=file, digest="", read=_broken, owned=owned):
        pass

    assert file.closed is owned
