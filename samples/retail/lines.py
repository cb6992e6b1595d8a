"""Reading invoice lines: a stream of typed lines, every one of them of a known kind.

The format is that of "Online Retail" (see data/README.md): ``invoice, stock_code, description, quantity, invoiced_at,
unit_price, customer, country``, sorted by time, prices in pounds with two decimals. Pence are taken for fen, and the shop's
wall clock for that of the chain.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from core.calendar import SHANGHAI
from core.money import fen_from_yuan

COLUMNS = ("invoice", "stock_code", "description", "quantity", "invoiced_at", "unit_price", "customer", "country")

_SALE = re.compile(r"\d{6}\Z")
_CREDIT_NOTE = re.compile(r"C\d{6}\Z")
#: Articles have a number of five digits, some with letters behind it; party bags and cushion pads are the exceptions.
#: Everything else (POST, DOT, M, D, BANK CHARGES, AMAZONFEE, gift vouchers) never lay on a shelf.
_ARTICLE = re.compile(r"\d{5}|DCGS|PADS\Z")
_MAX_QUANTITY = 2_147_483_647
#: Lines of an invoice stand together but for rare stragglers: repeats are looked for among this many invoices.
_REMEMBERED = 64


class FormatError(Exception):
    """The file is not made of such lines at all; says why."""


class Kind(StrEnum):
    """What a line is. Only sales and credit notes move goods against money."""

    SALE = "sale"
    CREDIT_NOTE = "credit_note"
    NO_GOODS = "no_goods"
    ZERO_PRICE = "zero_price"
    STOCK_ADJUSTMENT = "stock_adjustment"
    DUPLICATE = "duplicate"
    BAD = "bad"


_NEVER = datetime.min.replace(tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``quantity`` is negative on credit notes; ``why`` says what is wrong with a bad one."""

    number: int
    kind: Kind
    invoice: str = ""
    sku: str = ""
    name: str = ""
    quantity: int = 0
    at: datetime = _NEVER
    price_fen: int = 0
    customer: str = ""
    why: str = ""

    @property
    def amount_fen(self) -> int:
        """What the line says, without a sign; nothing of a bad one, whose cells mean nothing."""
        return abs(self.quantity) * self.price_fen


class _BadLine(ValueError):
    """What is wrong with the line."""


@contextmanager
def opened(file: Path) -> Iterator[Iterator[Line]]:
    """The lines of a ``.csv`` or ``.csv.gz``, read as they are asked for. Raises ``FormatError`` or ``OSError``."""
    with file.open("rb") as binary:
        content = gzip.GzipFile(fileobj=binary) if file.suffix == ".gz" else binary
        with io.TextIOWrapper(content, encoding="utf-8-sig", newline="") as text:
            yield read(text)


def read(text: Iterable[str]) -> Iterator[Line]:
    """Typed lines in file order, numbered as an editor would (the header is line 1). Raises ``FormatError``."""
    rows = csv.reader(text, strict=True)
    seen: OrderedDict[str, set[tuple[str, ...]]] = OrderedDict()
    try:
        header = next(rows, None)
        if header is None or tuple(header) != COLUMNS:
            raise FormatError(f"the first line must name the columns {', '.join(COLUMNS)}")
        for row in rows:
            if not row:
                continue
            yield _line(rows.line_num, row, seen)
    except UnicodeDecodeError as error:
        raise FormatError(f"the file is not UTF-8 ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise FormatError(f"line {rows.line_num}: {error}") from error
    except EOFError as error:
        raise FormatError("the compressed file is cut off") from error


def _line(number: int, row: Sequence[str], seen: OrderedDict[str, set[tuple[str, ...]]]) -> Line:
    if len(row) != len(COLUMNS):
        return Line(number, Kind.BAD, row[0][:20], why=f"{len(row)} columns instead of {len(COLUMNS)}")
    try:
        invoice, sku, name, quantity_text, at_text, price_text, customer, _country = (cell.strip() for cell in row)
        quantity, price_fen, at = _quantity(quantity_text), _price(price_text), _instant(at_text)
        kind = _kind(invoice, sku, quantity, price_fen)
    except _BadLine as error:
        return Line(number, Kind.BAD, row[0][:20], why=str(error))
    if kind in (Kind.SALE, Kind.CREDIT_NOTE) and _is_repeated(invoice, tuple(row), seen):
        kind = Kind.DUPLICATE
    return Line(number, kind, invoice, sku[:64], name[:200], quantity, at, price_fen, customer)


def _kind(invoice: str, sku: str, quantity: int, price_fen: int) -> Kind:
    is_credit_note = bool(_CREDIT_NOTE.match(invoice))
    if not is_credit_note and not _SALE.match(invoice):
        raise _BadLine("neither an invoice nor a credit note")
    if quantity == 0:
        raise _BadLine("the quantity is zero")
    if is_credit_note and quantity > 0:
        raise _BadLine("a credit note with a positive quantity")
    if quantity < 0 and not is_credit_note:
        return Kind.STOCK_ADJUSTMENT
    if price_fen < 0:
        raise _BadLine("the price is below zero")
    if price_fen == 0:
        return Kind.ZERO_PRICE
    if not _ARTICLE.match(sku):
        return Kind.NO_GOODS
    return Kind.CREDIT_NOTE if is_credit_note else Kind.SALE


def _is_repeated(invoice: str, row: tuple[str, ...], seen: OrderedDict[str, set[tuple[str, ...]]]) -> bool:
    """Whether the same line, in every cell, stood in this invoice before."""
    rows = seen.get(invoice)
    if rows is None:
        rows = seen[invoice] = set()
        if len(seen) > _REMEMBERED:
            seen.popitem(last=False)
    if row in rows:
        return True
    rows.add(row)
    return False


def _quantity(text: str) -> int:
    try:
        quantity = int(text)
    except ValueError as error:
        raise _BadLine("the quantity is not a whole number") from error
    if not text.isascii() or abs(quantity) > _MAX_QUANTITY:
        raise _BadLine("the quantity is not a whole number")
    return quantity


@lru_cache(maxsize=8192)
def _price(text: str) -> int:
    try:
        return fen_from_yuan(text)
    except ValueError as error:
        raise _BadLine("the price is not in whole pence") from error


@lru_cache(maxsize=64)
def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise _BadLine("the time is not like 2010-12-01 08:26:00") from error
