"""An exchange or a second delivery, offered instead of the money: offered first, answered once."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from core.errors import Conflict, Invalid
from core.plain_text import one_line
from merchants.principals import Kind, Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, goods, sums
from refunds.models import ExchangeOffer, RefundRequest
from refunds.models.goods_return import OfferAnswer, OfferKind
from refunds.states import State


class OfferStands(Conflict):
    """The customer has an offer that they have not answered."""

    code = "offer_stands"


class NoOffer(Conflict):
    """There is no offer that could be answered, or no accepted one whose order is still to be named."""

    code = "no_such_offer"


@transaction.atomic
def offer(*, request_id: UUID, kind: str, message: str, by: Principal, at: datetime, version: int) -> ExchangeOffer:
    """Offer the customer of a request in review an exchange or a second delivery; they are told, and may still have the money."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.OFFER_EXCHANGE, by=by, request=request, at=at)
    lifecycle.check_version(request, version)
    conditions.check_not_anothers(request, by=by)
    if kind not in OfferKind.values:
        raise Invalid("an exchange or a second delivery is offered", code="unknown_offer")
    if goods.open_offer(request) is not None:
        raise OfferStands("the customer has not answered the last offer")
    lifecycle.advance(request_id, "offer", by=by.actor, at=at, data={"offer": kind, "message": message.strip()[:500]})
    return ExchangeOffer.objects.create(
        request=request, kind=kind, message=message.strip()[:500], offered_by=by.name[:80], offered_at=at
    )


@transaction.atomic
def answer(*, request_id: UUID, accepted: bool, by: Principal, at: datetime, new_order_no: str = "") -> ExchangeOffer:
    """Say what the customer answered. Accepted, the request is withdrawn and its amount is free again: nothing is paid back.
    Raises ``NoOffer``, or ``WrongState`` where the refund was decided meanwhile.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ANSWER_OFFER, by=by, request=request, at=at)
    found = goods.open_offer(request)
    if found is None:
        raise NoOffer("nothing is offered")
    if request.state not in (State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS):
        raise lifecycle.WrongState("the refund was decided meanwhile", state=request.state)
    found.answer = OfferAnswer.ACCEPTED if accepted else OfferAnswer.DECLINED
    found.answered_by, found.answered_at = by.name[:80], at
    found.new_order_no = one_line(new_order_no, limit=64) if accepted and by.kind is not Kind.CUSTOMER else ""
    found.save(update_fields=["answer", "answered_by", "answered_at", "new_order_no"])
    said = {"offer": found.kind, "new_order_no": found.new_order_no}
    if accepted:
        sums.note_exchange(request_id)
        message = _goodbye(request, found)
        lifecycle.advance(request_id, "cancel", by=by.actor, at=at, data=said, message=message)
    else:
        RefundRequest.objects.filter(pk=request_id).update(updated_at=at)
        lifecycle.record_act(request, "refund.offer_declined", by=by.actor, at=at, data=said)
    return found


@transaction.atomic
def name_order(*, request_id: UUID, new_order_no: str, by: Principal, at: datetime) -> ExchangeOffer:
    """Say which order has taken the place of the old one, where that was not known when the offer was accepted."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ANSWER_OFFER, by=by, request=request, at=at)
    found = request.offers.filter(answer=OfferAnswer.ACCEPTED, new_order_no="").first()
    if found is None or by.kind is Kind.CUSTOMER:
        raise NoOffer("no accepted offer waits for its order")
    found.new_order_no = one_line(new_order_no, limit=64)
    if not found.new_order_no:
        raise Invalid("name the new order", code="new_order_required")
    found.save(update_fields=["new_order_no"])
    RefundRequest.objects.filter(pk=request_id).update(updated_at=at)
    said = {"offer": found.kind, "new_order_no": found.new_order_no}
    lifecycle.record_act(request, "refund.offer_order", by=by.actor, at=at, data=said)
    return found


def _goodbye(request: RefundRequest, found: ExchangeOffer) -> str:
    with translation.override("en" if request.customer_locale.lower().startswith("en") else "zh-hans"):
        if found.kind == OfferKind.EXCHANGE:
            return gettext("Exchanged instead of refunded, as you agreed.")
        return gettext("Sent once more instead of refunded, as you agreed.")
