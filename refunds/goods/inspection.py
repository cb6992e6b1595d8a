"""What was found of goods that came back, and what becomes of each piece."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from core.errors import Invalid
from core.plain_text import one_line
from core.quantities import Quantity
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.facts import conditions, goods
from refunds.goods.returns import NoReturn
from refunds.models import GoodsReturn, GoodsReturnLine, RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.models.goods_return import ReturnState
from refunds.rules.goods import Condition, Disposition
from refunds.states import State
from terminals.orders import article, article_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """So many pieces of a line that are alike; ``sku`` empty: of a request without articles."""

    quantity: Quantity
    condition: str
    disposition: str = ""
    sku: str = ""


@transaction.atomic
def inspect(
    *,
    request_id: UUID,
    found: Sequence[Found],
    by: Principal,
    at: datetime,
    proposed_fen: int | None = None,
    finding: str = "",
    pictures: Sequence[Picture] = (),
) -> GoodsReturn:
    """Say what was found of each piece that was received. A request that waits for it is judged again: with nothing found, the
    policy goes on where it asked for them itself; with anything found, or a lower amount proposed, a person decides.

    ``found`` comes to as many pieces of each article as were awaited. Raises ``Forbidden`` to who asked for the refund,
    ``Invalid``, or ``NoReturn`` where nothing was received that nobody has looked at.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.INSPECT_GOODS, by=by, request=request, at=at)
    row = goods.open_return(request)
    if row is None or row.state != ReturnState.RECEIVED:
        raise NoReturn("no goods wait to be looked at")
    finding = one_line(finding, limit=500)
    if proposed_fen is not None and not 0 < proposed_fen < request.amount_fen:
        raise Invalid("the proposed amount is below what was asked for", code="proposal_not_lower")
    if proposed_fen is not None and not finding:
        raise Invalid("say why less is proposed", code="reason_required")
    lines = _checked(row, found)
    row.lines.all().delete()
    GoodsReturnLine.objects.bulk_create(lines)
    row.state, row.inspected_at, row.inspected_by = ReturnState.INSPECTED, at, by.name[:80]
    row.proposed_fen, row.finding = proposed_fen, finding
    row.save(update_fields=["state", "inspected_at", "inspected_by", "proposed_fen", "finding"])
    if pictures:
        files.add(request_id=request_id, pictures=pictures, by=by, at=at, kind=EvidenceKind.INSPECTION)
    said = {
        "found": sorted({one.condition for one in found}),
        "proposed_fen": proposed_fen,
        "note": finding,
    }
    if request.state == State.WAITING_GOODS:
        due_at = goods.clock_again(request, at=at)
        lifecycle.advance(request_id, "judge_goods", by=by.actor, at=at, data=said, due_at=due_at)
    else:
        RefundRequest.objects.filter(pk=request_id).update(updated_at=at)
        lifecycle.record_act(request, "refund.goods_inspected", by=by.actor, at=at, data=said)
    return row


def _checked(row: GoodsReturn, found: Sequence[Found]) -> list[GoodsReturnLine]:
    """The rows in place of those that were awaited. Raises ``Invalid`` unless they come to the same pieces."""
    awaited: defaultdict[int | None, Quantity] = defaultdict(Decimal)
    line_of: dict[str, int | None] = {}
    for line in row.lines.select_related("line").order_by("pk"):
        awaited[line.line_id] += line.quantity
        line_of[article_key(article(line.line)) if line.line else ""] = line.line_id
    seen: defaultdict[int | None, Quantity] = defaultdict(Decimal)
    rows = []
    for one in found:
        key = article_key(one.sku)
        if one.condition not in Condition.values or one.quantity <= 0 or key not in line_of:
            raise Invalid("say of each piece how it is", code="inspection_incomplete")
        if (one.condition == Condition.MISSING) != (one.disposition == ""):
            raise Invalid("say of each piece what becomes of it", code="inspection_incomplete")
        if one.disposition and one.disposition not in Disposition.values:
            raise Invalid("say of each piece what becomes of it", code="inspection_incomplete")
        seen[line_of[key]] += one.quantity
        rows.append(
            GoodsReturnLine(
                goods_return=row,
                line_id=line_of[key],
                quantity=one.quantity,
                condition=one.condition,
                disposition=one.disposition,
            )
        )
    if seen != awaited:
        raise Invalid("the pieces are not as many as came back", code="inspection_incomplete")
    return rows
