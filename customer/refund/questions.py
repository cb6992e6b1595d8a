"""Five questions that customers ask, answered from the refund's own data."""

from collections.abc import Sequence

from django.utils.translation import gettext

from refunds.models import RefundRequest
from refunds.states import PAID, State, edge
from refunds.telling import legs


def questions(request: RefundRequest, *, headline: str, day: str, destination: str) -> Sequence[tuple[str, str]]:
    """Each question with its answer. ``day`` says what happens next and by when, ``destination`` where the money goes."""
    ended = request.state in (State.REJECTED, State.CANCELLED)
    store = request.store
    phone = gettext("Call %(phone)s.") % {"phone": store.phone} if store.phone else gettext("Ask at the store.")
    decided = request.decided_at is not None
    return [
        (gettext("Where does my refund stand?"), gettext("%(headline)s.") % {"headline": headline}),
        (gettext("When do I have the money?"), gettext("No money is on its way.") if ended else day or headline),
        (
            gettext("Where does it go?"),
            gettext("Nowhere: it was not approved.")
            if request.state == State.REJECTED
            else gettext("Nowhere: it is closed without a payment.")
            if ended
            else gettext("To %(destination)s; it was paid by %(channel)s.")
            % {"destination": destination, "channel": legs.channels_label(request)},
        ),
        (gettext("Why this amount?"), _amount(request, has_ended=ended, is_decided=decided)),
        (
            gettext("Can I still withdraw it?"),
            gettext("Not any more: it is paid.")
            if request.state in PAID
            else gettext("There is nothing to withdraw.")
            if ended
            else gettext("While it is not sent to the payment provider, the store can withdraw it. %(phone)s")
            % {"phone": phone}
            if request.state in edge("cancel").sources
            else gettext("Not any more: its payment has begun."),
        ),
    ]


def _amount(request: RefundRequest, *, has_ended: bool, is_decided: bool) -> str:
    asked = request.amount_fen
    if has_ended:
        return gettext("Nothing is paid.")
    if not is_decided:
        return gettext("It is what was asked for; the store may approve less and says why.")
    if request.approved_fen is not None and request.approved_fen < asked:
        return gettext("The store approved a part of what was asked for; its reasons are with the store.")
    return gettext("It is all that was asked for.")
