"""The goods to look at, a row of fields for each way in which pieces of an article may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.quantities import quantity_text
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.refund.goods import Pieces, pieces
from refunds.models import GoodsReturn, RefundRequest
from refunds.rules.goods import Condition, Disposition

#: How many kinds of pieces of one article can be told apart on the page.
ROWS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """``name`` ends the names of its fields: quantity, condition, disposition."""

    name: str
    quantity: str
    condition: str
    disposition: str


@dataclass(frozen=True, slots=True)
class Article:
    pieces: Pieces
    sku: str
    first: Row
    others: Sequence[Row]

    @property
    def is_open(self) -> bool:
        """Whether the rows for pieces that are otherwise were used."""
        return any(row.quantity for row in self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionPage:
    number: str
    back_url: str
    inspect_url: str
    customer_note: str
    asked_fen: int
    articles: Sequence[Article]
    conditions: Sequence[Choice]
    dispositions: Sequence[Choice]
    proposed: str
    finding: str
    error: str


def inspection_page(
    request: RefundRequest, row: GoodsReturn, *, typed: Mapping[str, str], error: str = ""
) -> InspectionPage:
    """``typed`` is what the form had, empty at first."""
    return InspectionPage(
        number=request.number,
        back_url=refund_url(request.number),
        inspect_url=refund_url(request.number, "inspect"),
        customer_note=request.description,
        asked_fen=request.amount_fen,
        articles=[
            Article(
                pieces(line),
                line.line.sku if line.line else "",
                _row(f"{line.pk}-0", typed, quantity_text(line.quantity)),
                [_row(f"{line.pk}-{number}", typed, "") for number in range(1, ROWS)],
            )
            for line in row.lines.select_related("line").order_by("pk")
        ],
        conditions=[Choice(one.value, str(one.label)) for one in Condition],
        dispositions=[Choice(one.value, str(one.label)) for one in Disposition],
        proposed=typed.get("proposed", ""),
        finding=typed.get("finding", ""),
        error=error,
    )


def _row(name: str, typed: Mapping[str, str], quantity: str) -> Row:
    return Row(
        name,
        typed.get(f"quantity-{name}", quantity),
        typed.get(f"condition-{name}", ""),
        typed.get(f"disposition-{name}", ""),
    )
