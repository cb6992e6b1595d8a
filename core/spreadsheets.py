"""Cells of a CSV that spreadsheets show, and give back, as they were: no formulas, no rounded numbers, no dates."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from xlsxwriter import Workbook

from core.plain_text import plain_text, without_direction, without_marks

#: What makes a spreadsheet take a text for a formula, full width or not.
_FORMULA = ("=", "+", "-", "@")
_CONTROL = ("\t", "\r", "\n")
#: What it takes for a quantity although it is a name: it loses zeros in front, digits after the 15th, or its letters.
_AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_ERROR = r"#(n/a|ref!|div/0!|value!|name\?|num!|null!)"
_QUANTITY = re.compile(
    r"%?[0-9][0-9 ,.]*%?|\.[0-9]+|[0-9.]+ ?e[+-]?[0-9]+|([0-9]+ )?[0-9]+( ?[-/:.] ?[0-9]+)+([ t].*)?|[0-9]+ ?[ap]m?|"
    r"(上午|下午)[0-9:]+|"
    rf"\([0-9.]+\)|[0-9.,]+-|[$¥€£] ?[0-9.,]+|true|false|{_ERROR}|"
    rf"({_MONTH}[-/ ]?[0-9]+|[0-9]+[-/ ]?{_MONTH}[0-9]*)([-/, ]+[0-9]+)*|"
    r"(?=.)([0-9]{2,4}年)?([0-9]{1,2}月)?([0-9]{1,2}日)?",
    re.IGNORECASE,
)


class _Line:
    """What ``csv.writer`` writes to: gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table as CSV, line by line. Spreadsheets take it for UTF-8 by its first character."""
    writer, mark = csv.writer(_Line()), "\ufeff"
    for row in rows:
        yield mark + str(writer.writerow(row))
        mark = ""


#: What a table's columns are called, and what stands in each of a row.
Columns = Sequence[tuple[Promise | str, Callable[[Any], str]]]


def table(columns: Columns, rows: Iterable[Any]) -> Iterator[list[str]]:
    """The columns' names, then each row's cells."""
    yield [str(label) for label, _ in columns]
    for row in rows:
        yield [cell_of(row) for _, cell_of in columns]


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(rows: Iterable[Sequence[str | Decimal]]) -> bytes:
    """A table as a workbook of one sheet, the first row its header: texts stay texts, decimals are amounts that add up."""
    content = io.BytesIO()
    with Workbook(content, {"constant_memory": True}) as book:
        sheet, money = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, Decimal):
                    sheet.write_number(number, place, float(value), money)
                else:
                    sheet.write_string(number, place, value)
    return content.getvalue()


def cell(text: str) -> str:
    """A text that no spreadsheet takes for anything else. Figures stay figures: see ``name`` for digits that are none."""
    text = without_direction(text)
    # Programs drop blanks, marks and control characters in front before they look at what follows.
    seen = plain_text(without_marks(text))
    if not (text.startswith(_CONTROL) or unicodedata.normalize("NFKC", seen[:1]).startswith(_FORMULA)):
        return text
    return text if _AMOUNT.fullmatch(text) else f"'{text}"


def name(text: str) -> str:
    """The same of a number, code or name: a tab at the end keeps what looks like a quantity or a date a text."""
    text = without_direction(text)
    if _QUANTITY.fullmatch(unicodedata.normalize("NFKC", text)):
        return f"{text}\t"
    # A code that begins with a minus is no figure: -1.10 would become -1.1.
    return f"'{text}" if _AMOUNT.fullmatch(text) else cell(text)


def from_cell(text: str) -> str:
    """What was copied from a spreadsheet's cell, without what keeps it a text there."""
    text = plain_text(text)
    if found := re.fullmatch(r'="(.*)"', text):
        text = found[1].replace('""', '"')
    return text.removeprefix("'").removeprefix("`").strip()
