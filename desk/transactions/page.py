"""What the list of sales shows. Amounts in fen; an empty address hides its control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desk.filters import Narrowed
from desk.keyset import Total
from desk.rows import Pager, SaleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionsPage:
    """``recognised`` says what the search took the text for, ``refunds_url`` leads to the refunds that it names, too."""

    narrowed: Narrowed
    recognised: str
    refunds_url: str
    rows: Sequence[SaleRow]
    total: Total
    pager: Pager
