"""Goods that come back for a refund, and what is offered instead, as its page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext

from core.calendar import SHANGHAI
from core.quantities import quantity_text
from merchants import policies
from refunds.models import ExchangeOffer, GoodsReturn, GoodsReturnLine, RefundRequest
from refunds.models.goods_return import OPEN, ReturnState
from refunds.rules.goods import FINE, Condition

_TONES = {
    ReturnState.AWAITED: ("", "hourglass"),
    ReturnState.ON_ITS_WAY: ("info", "truck"),
    ReturnState.RECEIVED: ("warn", "package-open"),
    ReturnState.INSPECTED: ("ok", "package-check"),
    ReturnState.NOT_COME: ("bad", "package-x"),
    ReturnState.CALLED_OFF: ("", "ban"),
}


#: What is read of a request's goods at once.
OF_REQUEST = ("goods_returns__store", "goods_returns__lines__line", "offers")


@dataclass(frozen=True, slots=True)
class Pieces:
    """So many of an article, or without a ``quantity`` all of them: ``found`` and ``goes`` empty until somebody has looked."""

    name: str
    quantity: str
    found: str
    goes: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """One return; ``asked_by`` empty where the policy asked, or nobody."""

    row: GoodsReturn
    tone: str
    icon: str
    asked_by: str
    late: bool
    lines: Sequence[Pieces]

    @property
    def is_open(self) -> bool:
        return self.row.state in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsCard:
    """Newest first; ``offer`` is the last one that was made."""

    returns: Sequence[Back]
    offer: ExchangeOffer | None

    @property
    def carrier(self) -> str:
        """Of the parcel that was named last ("": none was)."""
        return self.returns[0].row.carrier if self.returns else ""

    @property
    def parcel_no(self) -> str:
        return self.returns[0].row.parcel_no if self.returns else ""

    @property
    def proposed_fen(self) -> int | None:
        """What who looked at them last would pay instead."""
        return self.returns[0].row.proposed_fen if self.returns else None


def card(request: RefundRequest, *, at: datetime) -> GoodsCard:
    """``request`` may come with what ``OF_REQUEST`` names."""
    returns = sorted(request.goods_returns.all(), key=lambda row: -row.pk)
    return GoodsCard(
        returns=[_back(row, at) for row in returns],
        offer=max(request.offers.all(), key=lambda row: row.pk, default=None),
    )


def _back(row: GoodsReturn, at: datetime) -> Back:
    tone, icon = _TONES[ReturnState(row.state)]
    awaited = row.state in (ReturnState.AWAITED, ReturnState.ON_ITS_WAY)
    return Back(
        row=row,
        tone=tone,
        icon=icon,
        asked_by=gettext("Policy") if row.by_policy else row.asked_by,
        late=awaited and row.due_at is not None and row.due_at <= at,
        lines=[pieces(line) for line in sorted(row.lines.all(), key=lambda line: line.pk)],
    )


def pieces(line: GoodsReturnLine) -> Pieces:
    """``line`` comes with its article."""
    found = str(Condition(line.condition).label) if line.condition else ""
    return Pieces(
        name=line.line.name if line.line else gettext("All that the refund is about"),
        quantity=quantity_text(line.quantity) if line.line else "",
        found=found,
        goes=line.get_disposition_display() if line.disposition else "",
        tone="" if not found else "ok" if line.condition == FINE else "bad",
    )


def due_typed(request: RefundRequest, *, at: datetime) -> str:
    """Until when goods would be asked for by the policy, as the browser's field for a day and time has it."""
    days = policies.rules_of(request.policy_version_id).goods_days
    return f"{(at + timedelta(days=days)).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
