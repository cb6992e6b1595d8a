"""What people do about goods that come back, and about offers."""

from django.utils.translation import gettext

from desk import forms
from desk.refund.decisions import Asked, decision
from refunds.goods import offers, returns


@decision("ask_goods")
def ask_goods(asked: Asked) -> str:
    """Ask the customer for the goods."""
    due = asked.form.get("due_at", "")
    returns.ask(
        request_id=asked.found.pk,
        by=asked.by,
        at=asked.at,
        version=asked.version,
        message=asked.typed("message", 500),
        due_at=forms.moment(due) if due else None,
        way=asked.form.get("way", ""),
    )
    return gettext("%(number)s: the customer is asked for the goods; the clock is paused.") % asked.named


@decision()
def call_off_goods(asked: Asked) -> str:
    """Go on without the goods."""
    returns.call_off(request_id=asked.found.pk, by=asked.by, at=asked.at, version=asked.version)
    return gettext("%(number)s goes on without the goods.") % asked.named


@decision("send_goods")
def send_goods(asked: Asked) -> str:
    """Note the parcel that the customer named on the phone."""
    returns.send(
        request_id=asked.found.pk,
        carrier=asked.typed("carrier", 60),
        parcel_no=asked.typed("parcel_no", 80),
        by=asked.by,
        at=asked.at,
    )
    return gettext("%(number)s: the parcel is noted.") % asked.named


@decision("receive_goods")
def receive_goods(asked: Asked) -> str:
    """Say that the goods are there."""
    returns.receive(
        request_id=asked.found.pk,
        carrier=asked.typed("carrier", 60),
        parcel_no=asked.typed("parcel_no", 80),
        by=asked.by,
        at=asked.at,
    )
    return gettext("%(number)s: the goods are there. Look at them, then say what you found.") % asked.named


@decision("offer")
def offer(asked: Asked) -> str:
    """Offer an exchange or a second delivery."""
    offers.offer(
        request_id=asked.found.pk,
        kind=asked.form.get("kind", ""),
        message=asked.typed("message", 500),
        by=asked.by,
        at=asked.at,
        version=asked.version,
    )
    return gettext("%(number)s: the customer is asked whether they want it instead.") % asked.named


@decision()
def answer_offer(asked: Asked) -> str:
    """What the customer said in the store or on the phone."""
    accepted = asked.form.get("accepted") == "1"
    offers.answer(
        request_id=asked.found.pk,
        accepted=accepted,
        new_order_no=asked.typed("new_order_no", 64),
        by=asked.by,
        at=asked.at,
    )
    if accepted:
        return gettext("%(number)s is withdrawn: the customer took the offer. No money moved.") % asked.named
    return gettext("%(number)s: the customer wants the money.") % asked.named


@decision()
def name_new_order(asked: Asked) -> str:
    """The order that took the place of the old one."""
    offers.name_order(request_id=asked.found.pk, new_order_no=asked.typed("new_order_no", 64), by=asked.by, at=asked.at)
    return gettext("%(number)s: the new order is noted.") % asked.named
