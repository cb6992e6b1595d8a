"""Goods on their way back: asked for by a person, sent, received, given up.

The policy asks by itself while it judges (``refunds.intake``). A request waits in ``waiting_goods`` until somebody has looked at
them, they have not come in time, or a person needs them no more; then it is judged again. Whatever else becomes of a request, its
goods may still come: they are received and inspected all the same, and its state stays as it is.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from core.audit.actors import SYSTEM
from core.errors import Conflict, Invalid, NotFound
from core.failpoints import failpoint
from core.plain_text import one_line
from core.quantities import Quantity
from merchants.models import Store
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, goods
from refunds.models import GoodsReturn, RefundRequest
from refunds.models.goods_return import ReturnState, ReturnWay
from refunds.states import State
from terminals.orders import article, article_key

#: Nobody is asked to send goods within a longer time.
LONGEST: Final = timedelta(days=60)
#: A parcel that was handed in on the last day still needs time to come.
IN_TRANSIT: Final = timedelta(days=7)
_PARCEL_NO = re.compile(r"[A-Z0-9][A-Z0-9-]{4,39}")
_AT_ONCE: Final = 100


class NoReturn(Conflict):
    """Nothing is on its way back, or it is at another step than this needs."""

    code = "no_such_return"


class AlreadyReceived(Conflict):
    """The goods have been received before."""

    code = "goods_already_received"


@transaction.atomic
def ask(
    *,
    request_id: UUID,
    by: Principal,
    at: datetime,
    version: int,
    message: str = "",
    due_at: datetime | None = None,
    way: str = "",
    lines: Sequence[tuple[str, Quantity]] = (),
) -> GoodsReturn:
    """Ask the customer for the goods of a request in review, by default all that it names, until ``due_at`` (by default what the
    policy gives); the handling clock pauses. ``lines`` are articles and pieces. ``way`` empty: the customer chooses.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ASK_GOODS, by=by, request=request, at=at)
    lifecycle.check_version(request, version)
    conditions.check_not_anothers(request, by=by)
    if request.state != State.IN_REVIEW:
        raise lifecycle.WrongState("only a request in review asks for goods", state=request.state)
    if way and way not in ReturnWay.values:
        raise Invalid("goods are brought to the store or sent by parcel", code="unknown_way")
    if due_at is not None and not at < due_at <= at + LONGEST:
        raise Invalid("goods come back within 60 days", code="goods_due_invalid")
    if goods.open_return(request) is not None:
        raise AlreadyReceived("the goods are there already")
    asked = lifecycle.advance(
        request_id, "ask_goods", by=by.actor, at=at, data={"message": message}, message=message.strip()[:500]
    )
    pieces = _pieces(request, lines)
    return goods.expect(asked, at=at, due_at=due_at, pieces=pieces, way=way, asked_by=by.name[:80])


@transaction.atomic
def call_off(*, request_id: UUID, by: Principal, at: datetime, version: int) -> RefundRequest:
    """Need the goods no more: the request goes on without them, to a person."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ASK_GOODS, by=by, request=request, at=at)
    lifecycle.check_version(request, version)
    row = _open(request, ReturnState.AWAITED, ReturnState.ON_ITS_WAY)
    if request.state != State.WAITING_GOODS:
        raise lifecycle.WrongState("the request does not wait for goods", state=request.state)
    row.state = ReturnState.CALLED_OFF
    row.save(update_fields=["state"])
    due_at = goods.clock_again(request, at=at)
    return lifecycle.advance(request_id, "judge_goods", by=by.actor, at=at, data={"goods": row.state}, due_at=due_at)


@transaction.atomic
def send(*, request_id: UUID, carrier: str, parcel_no: str, by: Principal, at: datetime) -> GoodsReturn:
    """Say by which parcel the goods come, or say it otherwise. The first time, the parcel has its time on the road. Raises
    ``Invalid`` or ``NoReturn``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.SEND_GOODS, by=by, request=request, at=at)
    row = _open(request, ReturnState.AWAITED, ReturnState.ON_ITS_WAY)
    row.carrier, row.parcel_no = _parcel(carrier, parcel_no)
    row.way = ReturnWay.PARCEL
    if row.sent_at is None:
        row.sent_at, row.state = at, ReturnState.ON_ITS_WAY
        row.due_at = max(row.due_at or at, at + IN_TRANSIT)
    row.save(update_fields=["carrier", "parcel_no", "way", "sent_at", "state", "due_at"])
    _tell(request, "refund.goods_sent", by=by, at=at, carrier=row.carrier, parcel_no=row.parcel_no)
    return row


@transaction.atomic
def receive(
    *,
    request_id: UUID,
    by: Principal,
    at: datetime,
    store: str = "",
    carrier: str = "",
    parcel_no: str = "",
    lines: Sequence[tuple[str, Quantity]] = (),
) -> GoodsReturn:
    """Say that the goods are there: those that were awaited, or such as came unasked, whatever became of the request. The clock
    that stood goes on. ``store`` is the code of the one that has them, by default the request's. Raises ``AlreadyReceived``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RECEIVE_GOODS, by=by, request=request, at=at)
    row = goods.open_return(request)
    if row is not None and row.state == ReturnState.RECEIVED:
        raise AlreadyReceived("the goods are there already")
    if row is None:
        last = goods.latest(request)
        if last is not None and last.state == ReturnState.INSPECTED and not lines:
            raise AlreadyReceived("the goods are there already")
        row = goods.expect(
            request, at=at, pieces=_pieces(request, lines), state=ReturnState.RECEIVED, received_at=at, due_at=None
        )
        row.due_at = None
    if store:
        row.store_id = _store(store, request, by)
    if carrier or parcel_no:
        row.carrier, row.parcel_no = _parcel(carrier, parcel_no)
    row.way = ReturnWay.PARCEL if row.parcel_no else ReturnWay.IN_STORE
    row.state, row.received_at, row.received_by = ReturnState.RECEIVED, at, by.name[:80]
    row.save()
    if request.state == State.WAITING_GOODS:
        due_at = goods.clock_again(request, at=at)
        lifecycle.advance(request_id, "receive_goods", by=by.actor, at=at, data={"way": row.way}, due_at=due_at)
    else:
        _tell(request, "refund.goods_noted", by=by, at=at, way=row.way)
    failpoint("goods.before_commit")
    return row


def give_up_late(*, at: datetime) -> int:
    """Send requests whose goods did not come in time back, to be judged without them; how many. Safe to run by several workers
    at once.
    """
    late = GoodsReturn.objects.filter(
        state__in=[ReturnState.AWAITED, ReturnState.ON_ITS_WAY], due_at__lte=at, request__state=State.WAITING_GOODS
    )
    return sum(_give_up(pk, at) for pk in late.order_by("due_at").values_list("request_id", flat=True)[:_AT_ONCE])


@transaction.atomic
def _give_up(request_id: UUID, at: datetime) -> bool:
    request = lifecycle.lock_requests([request_id])[request_id]
    row = goods.open_return(request)
    # Meanwhile they may have come, been sent, or somebody have withdrawn the request.
    if request.state != State.WAITING_GOODS or row is None or row.state == ReturnState.RECEIVED:
        return False
    if row.due_at is None or row.due_at > at:
        return False
    row.state = ReturnState.NOT_COME
    row.save(update_fields=["state"])
    due_at = goods.clock_again(request, at=at)
    lifecycle.advance(request_id, "judge_goods", by=SYSTEM, at=at, data={"goods": row.state}, due_at=due_at)
    return True


def _open(request: RefundRequest, *states: ReturnState) -> GoodsReturn:
    row = goods.open_return(request)
    if row is None:
        raise NoReturn("nothing is on its way back")
    if row.state not in states:
        raise AlreadyReceived("the goods are there already")
    return row


def _pieces(request: RefundRequest, lines: Sequence[tuple[str, Quantity]]) -> list[goods.Pieces]:
    """Articles by their codes, as lines of the request, or of its sale where it names none. Raises ``Invalid``."""
    if not lines:
        return []
    own = request.lines.select_related("line").order_by("-pk")
    named = {article_key(article(row.line)): (row.line_id, row.quantity) for row in own}
    sold = request.transaction.lines.order_by("-position")
    known = named or {article_key(article(line)): (line.pk, line.quantity) for line in sold}
    found: list[goods.Pieces] = []
    for sku, quantity in [(article_key(sku), quantity) for sku, quantity in lines]:
        if sku not in known or quantity > known[sku][1] or known[sku][0] in dict(found):
            raise Invalid(f"the refund is not about so many pieces of {sku!r}", code="unknown_article")
        found.append((known[sku][0], quantity))
    return found


def _store(code: str, request: RefundRequest, by: Principal) -> int:
    store = Store.objects.filter(merchant_id=request.merchant_id, code=code).first()
    if store is None or not by.works_in(store.pk):
        raise NotFound("there is no such store")
    return store.pk


def _parcel(carrier: str, parcel_no: str) -> tuple[str, str]:
    carrier, number = one_line(carrier, limit=40), one_line(parcel_no, limit=60).replace(" ", "").upper()
    if not carrier or not _PARCEL_NO.fullmatch(number):
        raise Invalid("name the carrier and the number on the parcel", code="parcel_invalid")
    return carrier, number


def _tell(request: RefundRequest, action: str, *, by: Principal, at: datetime, **data: str) -> None:
    """Of what changes no state: the event, and pages that show the request load it again."""
    RefundRequest.objects.filter(pk=request.pk).update(updated_at=at)
    lifecycle.record_act(request, action, by=by.actor, at=at, data=data)
