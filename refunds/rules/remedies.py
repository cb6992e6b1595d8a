"""What a person can do about a channel's refusal, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: The keys are those of ``payment_channels.remedies``; a test holds both together.
REMEDIES: dict[str, Promise | str] = {
    "top_up": _(
        "The merchant account is short of funds. Top it up: the refund goes on by itself under the same number."
    ),
    "slow_down": _("The channel asks for fewer requests. The refund is sent again by itself in a moment."),
    "other_route": _("The customer's account at the channel cannot take money. Agree on another way of paying back."),
    "payee_account": _("The channel could not deliver the money. Ask the customer for a bank card and send it there."),
    "check_keys": _(
        "The channel does not accept our signature. Mend the account's keys: the refund then goes on by itself."
    ),
    "check_their_key": _(
        "The channel's answers cannot be verified, so nothing is concluded. Check its key in the channel account."
    ),
    "check_permission": _(
        "The account may not make refunds. Allow them in the channel's portal: they then go on by themselves."
    ),
    "check_account": _(
        "The channel does not know this merchant account. Put its number right: the refund then goes on."
    ),
    "check_request": _("The channel finds the request faulty. Show this page to whoever looks after the installation."),
    "check_sale": _("The channel does not know this sale. Check that the receipt belongs to this channel account."),
    "check_amount": _("The amount does not fit what is left of the sale. Compare with the refunds made in the portal."),
    "check_history": _("The number was used before with other details. Compare with the channel's portal first."),
    "sale_closed": _("The channel no longer refunds this sale: it is too old or already closed. Pay back another way."),
    "sale_state": _("The sale is in a state that allows no refund. Look it up in the channel's own portal."),
    "sale_frozen": _("The channel has frozen this sale. Ask the channel's support before going on."),
    "refunded_already": _("The channel says that this sale is already refunded or voided. Compare with its portal."),
    "new_number": _("The channel closed this refund without paying. It can be made again under a new number."),
    "risk": _("The channel stopped the refund for risk reasons. Ask the channel's support before going on."),
    "outside_hours": _("The channel does not accept this operation at this hour. Refund instead, or try in its hours."),
    "check_rules": _(
        "The channel's rules do not allow this: the amount, the sale's age or the number. Check its portal."
    ),
    "ask_channel": _("The channel gives no reason. Ask its support before going on."),
    "pay_by_hand": _("Pay the customer back by hand, then enter when and how it was done."),
    "payee_wrong": _(
        "The account was wrong. Ask the customer for the right one and send the request in again with it."
    ),
    "other_way": _("Agree with the customer on how they are paid, and send the request in again with it."),
    "not_collected": _(
        "The money was not collected. Send it out again when the customer comes, or agree on another way."
    ),
    "no_means": _("There was too little money to pay it. Fill the till or the account, then send it out again."),
    "compare": _("The channel reports another amount or number than ours. Compare both before doing anything."),
}


def remedy(key: str) -> str:
    """One sentence, or nothing where there is no advice."""
    return str(REMEDIES.get(key, ""))
