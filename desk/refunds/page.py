"""What the list of all refunds shows. Amounts in fen; an empty address hides its control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desk.filters import Narrowed
from desk.keyset import Total
from desk.rows import Pager, RefundRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundsPage:
    narrowed: Narrowed
    rows: Sequence[RefundRow]
    total: Total
    pager: Pager
    export_url: str
    export_most: int
