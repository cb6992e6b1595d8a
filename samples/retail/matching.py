"""Which sale a returned article came from: by customer, article and time.

A credit note's line is met by the customer's latest earlier sales of the article that still have pieces out; by several when one
has not enough. A line without a customer, or without an earlier sale, is a lost receipt. What goes back beyond all that was
bought is an over-return, and is held against the latest sale, where it must be refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from samples.retail.lines import Kind, Line, opened
from samples.retail.tally import Tally


class Found(StrEnum):
    """How a line of a credit note met its sales."""

    ONE = "one sale"
    SEVERAL = "several sales"
    PARTLY = "over-return, partly covered"
    OVER = "over-return"
    NO_CUSTOMER = "lost receipt: no customer"
    NO_SALE = "lost receipt: no earlier sale"


LOST = frozenset({Found.NO_CUSTOMER, Found.NO_SALE})


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces of one article that come back to one sale. ``price_fen`` a piece is never above what was paid for it."""

    invoice: str
    sku: str
    quantity: int
    price_fen: int


@dataclass(frozen=True, slots=True)
class Match:
    """One line of a credit note with where its pieces came from; ``excess`` is what never was bought."""

    line: Line
    found: Found
    parts: tuple[Part, ...] = ()
    excess: Part | None = None

    @property
    def capped_fen(self) -> int:
        """What the credit note gives above what was paid for the pieces: never asked for."""
        if self.found in LOST:
            return 0
        asked = [*self.parts, *([self.excess] if self.excess else [])]
        return self.line.amount_fen - sum(part.quantity * part.price_fen for part in asked)


@dataclass(slots=True)
class Matched:
    """Every credit note of a file, and where its other lines went."""

    tally: Tally = field(default_factory=Tally)
    matches: list[Match] = field(default_factory=list)


@dataclass(slots=True)
class _Lot:
    invoice: str
    left: int
    price_fen: int


def match_file(file: Path) -> Matched:
    """Match the credit notes of a file with its sales. Raises ``FormatError`` or ``OSError``."""
    with opened(file) as lines:
        # Only what somebody returned has to be remembered: a fortieth of all pairs.
        returned = {(line.customer, line.sku) for line in lines if line.kind is Kind.CREDIT_NOTE and line.customer}
    matched = Matched()
    with opened(file) as lines:
        matched.matches = match(matched.tally.watch(lines), returned)
    return matched


def match(lines: Iterable[Line], returned: Iterable[tuple[str, str]]) -> list[Match]:
    """Match credit note lines with the sales before them; ``lines`` in order of time, ``returned`` (customer, article)."""
    wanted = set(returned)
    lots: defaultdict[tuple[str, str], list[_Lot]] = defaultdict(list)
    matches = []
    for line in lines:
        bought = (line.customer, line.sku)
        if line.kind is Kind.SALE and bought in wanted:
            lots[bought].append(_Lot(line.invoice, line.quantity, line.price_fen))
        elif line.kind is Kind.CREDIT_NOTE:
            matches.append(_match_line(line, lots[bought] if line.customer else []))
    return matches


def _match_line(line: Line, lots: list[_Lot]) -> Match:
    if not line.customer:
        return Match(line, Found.NO_CUSTOMER)
    if not lots:
        return Match(line, Found.NO_SALE)
    missing, parts = -line.quantity, list[Part]()
    for lot in reversed(lots):
        pieces = min(missing, lot.left)
        if pieces:
            lot.left -= pieces
            missing -= pieces
            parts.append(Part(lot.invoice, line.sku, pieces, min(line.price_fen, lot.price_fen)))
    if not missing:
        found = Found.ONE if len({part.invoice for part in parts}) == 1 else Found.SEVERAL
        return Match(line, found, tuple(parts))
    excess = Part(lots[-1].invoice, line.sku, missing, min(line.price_fen, lots[-1].price_fen))
    return Match(line, Found.PARTLY if parts else Found.OVER, tuple(parts), excess)
