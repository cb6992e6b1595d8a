"""What a person can do about a refusal: key -> English sentence.

Plain text without Django; the pages translate the sentence (it is the msgid of the locale files).
"""


def gettext_noop(text: str) -> str:
    """The text as it is; the catalogue finds it by this call."""
    return text


REMEDIES: dict[str, str] = {
    "top_up": gettext_noop(
        "The merchant account is short of funds. Top it up: the refund goes on by itself under the same number."
    ),
    "slow_down": gettext_noop("The channel asks for fewer requests. The refund is sent again by itself in a moment."),
    "later": gettext_noop("The channel cannot take it at the moment. The refund is sent again by itself."),
    "other_route": gettext_noop(
        "The customer's account at the channel cannot take money. Agree on another way of paying back."
    ),
    "payee_account": gettext_noop(
        "The channel could not deliver the money. Ask the customer for a bank card and send it there."
    ),
    "check_keys": gettext_noop(
        "The channel does not accept our signature. Mend the account's keys: the refund then goes on by itself."
    ),
    "check_their_key": gettext_noop(
        "The channel's answers cannot be verified, so nothing is concluded. Check its key in the channel account."
    ),
    "check_clock": gettext_noop(
        "The clock here and the channel's differ by minutes. Put our clock right: the refund then goes on by itself."
    ),
    "unlisted_code": gettext_noop(
        "The channel gives a reason that is in none of its lists. It is asked again; then a person decides."
    ),
    "person_decides": gettext_noop(
        "The channel knows no such refund and does not take it. Look it up in its portal, then say what you found there."
    ),
    "find_out": gettext_noop(
        "The channel has given no answer that can be believed. Look the refund up in its portal; it is never paid twice."
    ),
    "bank_refused": gettext_noop(
        "The bank did not take the money. It lies in the customer's balance at the channel: tell the customer."
    ),
    "check_permission": gettext_noop(
        "The account may not make refunds. Allow them in the channel's portal: they then go on by themselves."
    ),
    "check_account": gettext_noop(
        "The channel does not know this merchant account. Put its number right: the refund then goes on."
    ),
    "check_request": gettext_noop(
        "The channel finds the request faulty. Show this page to whoever looks after the installation."
    ),
    "check_sale": gettext_noop(
        "The channel does not know this sale. Check that the receipt belongs to this channel account."
    ),
    "check_amount": gettext_noop(
        "The amount does not fit what is left of the sale. Compare with the refunds made in the portal."
    ),
    "check_rules": gettext_noop(
        "The channel's rules do not allow this: the amount, the sale's age or the number. Check its portal."
    ),
    "whole_only": gettext_noop("This sale can only be refunded whole. Agree on that, or pay back another way."),
    "over_limit": gettext_noop("The amount is above a limit of the channel or the card. Ask the channel's support."),
    "check_shares": gettext_noop(
        "A share of this sale was split off and cannot be taken back. Settle the shares in the channel's portal first."
    ),
    "check_history": gettext_noop(
        "The number was used before with other details. Compare with the channel's portal first."
    ),
    "sale_closed": gettext_noop(
        "The channel no longer refunds this sale: it is too old or already closed. Pay back another way."
    ),
    "sale_state": gettext_noop("The sale is in a state that allows no refund. Look it up in the channel's own portal."),
    "sale_amount": gettext_noop(
        "The channel knows this sale over another amount than it was reported with. Correct the sale, then send it again."
    ),
    "sale_unpaid": gettext_noop("Ask the channel about the payment, and close the request if it says so again."),
    "sale_frozen": gettext_noop("The channel has frozen this sale. Ask the channel's support before going on."),
    "refunded_already": gettext_noop(
        "The channel says that this sale is already refunded or voided. Compare with its portal."
    ),
    "refunded_elsewhere": gettext_noop(
        "The channel has less left: refunded in its portal. Take that refund into the books; nothing more has to be paid for it."
    ),
    "new_number": gettext_noop(
        "The channel closed this refund without paying. It can be made again under a new number."
    ),
    "risk": gettext_noop("The channel stopped the refund for risk reasons. Ask the channel's support before going on."),
    "outside_hours": gettext_noop(
        "The channel does not accept this operation at this hour. Refund instead, or try in its hours."
    ),
    "ask_channel": gettext_noop("The channel gives no reason. Ask its support before going on."),
    "pay_by_hand": gettext_noop("Pay the customer back by hand, then enter when and how it was done."),
    "payee_wrong": gettext_noop(
        "The account was wrong. Ask the customer for the right one and send the request in again with it."
    ),
    "other_way": gettext_noop("Agree with the customer on how they are paid, and send the request in again with it."),
    "not_collected": gettext_noop(
        "The money was not collected. Send it out again when the customer comes, or agree on another way."
    ),
    "no_means": gettext_noop(
        "There was too little money to pay it. Fill the till or the account, then send it out again."
    ),
    "paid_meanwhile": gettext_noop(
        "An earlier payout of this money is reported as paid. Finance looks it up and ends the hold on the sale."
    ),
    "compare": gettext_noop(
        "The channel reports another amount or number than ours. Compare both before doing anything."
    ),
}


def remedy(key: str) -> str:
    """The sentence for a key, or an empty string where there is no advice to give."""
    return REMEDIES.get(key, "")
