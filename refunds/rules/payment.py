"""What a channel's word about a payment means for a refund of it."""

from collections.abc import Iterable
from typing import Final

from terminals.models import CONFIRMING, PaymentWord

#: The verdict's line.
RULE: Final = "payment_confirmed"
#: Nobody has asked the channel yet: a large refund waits for it.
NOT_ASKED: Final = "not_asked"


def word_of(words: Iterable[str], *, gave_up: bool) -> str:
    """The word that counts of those about a refund's payments: first what speaks against one. ``gave_up``: the channel was asked
    long enough.
    """
    said = list(words)
    against = [word for word in said if is_contradiction(word)]
    if against:
        return against[0]
    if not all(said):
        return PaymentWord.NO_ANSWER.value if gave_up else NOT_ASKED
    return said[0] if said else ""


def confirms(word: str) -> bool:
    """Whether the channel's word says that the payment was made."""
    return word in CONFIRMING


def is_contradiction(word: str) -> bool:
    """Whether the channel says something else than that the payment was made and is whole."""
    return word not in (*CONFIRMING, "", NOT_ASKED, PaymentWord.NO_ANSWER)


def standing(word: str, *, paid: bool) -> str:
    """The payment in one word, for the line that asks whether it succeeded."""
    if paid:
        return "success"
    return word if is_contradiction(word) else "not_paid"


def why_not_paid(standing: str) -> str:
    """The code with which a refund of a payment that did not succeed is refused."""
    match standing:
        case PaymentWord.UNPAID:
            return "payment_unpaid"
        case PaymentWord.CLOSED:
            return "payment_closed"
        case PaymentWord.REVERSED:
            return "payment_reversed"
        case PaymentWord.REFUNDED:
            return "payment_refunded"
        case PaymentWord.AMOUNT_DIFFERS:
            return "payment_amount_differs"
        case PaymentWord.NOT_KNOWN:
            return "payment_not_known"
    return "payment_succeeded"
