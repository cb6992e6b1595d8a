"""Refusals in the reader's words. Each says what happened and whether money moved."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, DomainError, Forbidden

_TEXTS: dict[str, Promise | str] = {
    "version_conflict": _(
        "Somebody changed this refund meanwhile. Your decision was not stored. Look at it once more."
    ),
    "state_conflict": _("This can no longer be done: the refund is at another step by now."),
    "claimed_by_another": _("A colleague is working on this refund."),
    "own_request": _("You submitted, changed or rang up this one. Someone else must decide it."),
    "tier_required": _(
        "With all that was asked for of the order or by its customer that day, it is above what your role decides."
    ),
    "role_required": _("Your role does not allow this."),
    "amount_above_requested": _("The amount must be above zero and at most what was asked for."),
    "exceeds_refundable": _("This is more than can still be refunded of the sale."),
    "exceeds_quantity": _("These are more pieces than can still come back."),
    "original_route_impossible": _("The sale cannot be refunded on its original route."),
    "unknown_reason_code": _("Choose one of the reasons."),
    "message_required": _("Write a few words first."),
    "retry_is_no_use": _("The channel would refuse this again. Correct the request and send it in again."),
    "transaction_not_found": _("There is no such sale."),
    "ambiguous_order_no": _("Several sales have this order number. Choose one in the list."),
    "refused_by_policy": _("The policy refuses this refund."),
    "payment_succeeded": _("The payment is not confirmed, so there is nothing to refund yet."),
    "terminal_enabled": _("Refunds are switched off at this till."),
    "original_route": _("The sale has no payment channel to refund through."),
    "channel_window": _("The channel no longer refunds a sale of this age."),
    "channel_refund_count": _("The channel takes no further refund of this sale."),
    "route_allowed": _("The policy does not allow this route."),
    "amount_invalid": _("Write the amount in yuan with at most two decimals, for example 268.00."),
    "form_incomplete": _("The form was incomplete. Load the page again."),
    "not_a_picture": _("A file is no picture that can be read. JPEG, PNG and WebP are taken."),
    "picture_too_large": _("A picture is too large: at most 8 MB."),
    "too_many_pictures": _("These are too many pictures."),
    "unknown_scope": _("Choose at least one permission for the key."),
    "two_facts_needed": _("Give at least two facts: one alone fits too many sales."),
    "consent_missing": _("Ask the customer first and tick that they agree."),
    "name_required": _("Give it a name."),
    "name_not_typed": _("Type the name of the key exactly as it stands above. Nothing was changed."),
    "unknown_overlap": _("Choose how long the old key works on. Nothing was changed."),
    "key_replaced": _("This key was rotated or revoked before. Nothing was changed."),
    "not_confirmed": _("Tick that you have compared it. Nothing was done."),
    "confirmation_stale": _("Something changed, or the page is too old. Look at it once more; nothing was recorded."),
    "unknown_store": _("Choose one of your stores."),
    "not_given_up": _("This message is on its way or was sent; there is nothing to repeat."),
    "payee_incomplete": _("For a customer's card, give the bank, 12 to 19 digits and the card holder's name."),
    "payee_refused": _("The channel did not take this account. The refund stays where it was; try another account."),
    "nothing_sent": _("Choose at least one picture."),
    "unknown_colleague": _("This colleague cannot take it on."),
    "too_many_rows": _("These are more than 100,000 refunds. Narrow the list by days or filters, then export it."),
    "nothing_chosen": _("Choose at least one refund."),
    "two_persons_needed": _("You asked for this one, changed it or approved it. Somebody else must pay it."),
    "account_incomplete": _(
        "For a transfer, give the account holder, the bank and 8 to 32 digits; for other routes, nothing."
    ),
    "payment_incomplete": _(
        "Look at number, time and drawer: paid after the approval, not in the future, from a till here."
    ),
    "reference_used": _("Another payout was confirmed with this number. Look at the slip once more."),
    "moment_invalid": _("Give day and time of the payment."),
    "consent_to_route": _("Another way of paying back needs the customer's consent."),
    "no_cash_for_credit": _("A sale paid by credit is never refunded in cash."),
    "no_transfer_for_credit": _("A sale paid by credit goes back to that credit as long as the channel takes it."),
    "route_funding": _("The policy pays a sale like this back on another route."),
    "route_limit": _("This is above the limit of the route."),
    "sum_needs_review": _(
        "Together with the order's other refunds it is above what was decided on. Send it in again: a person decides."
    ),
    "busy": _("Others changed the same things at this moment. Try again."),
    "paid_in_the_future": _("The sale would be paid in the future. Look at the clock and the time zone."),
}


def sentences(*parts: str) -> str:
    """Whole sentences one after another; Chinese puts no space between them."""
    return ("" if (get_language() or "").startswith("zh") else " ").join(part for part in parts if part)


def text(code: str) -> str:
    """The sentence for a code that has one."""
    return str(_TEXTS[code])


def explain(error: DomainError) -> str:
    """One or two sentences for a refusal."""
    said = str(_TEXTS.get(error.code, error.message))
    return sentences(said, gettext("No money moved."))


def short(error: DomainError) -> str:
    """The refusal alone, where the page says of the money itself."""
    return str(_TEXTS.get(error.code, error.message))


def status(error: DomainError) -> int:
    """The HTTP status of a refusal."""
    if isinstance(error, Conflict):
        return 409
    return 403 if isinstance(error, Forbidden) else 422
