"""Finding a sale again, with or without its receipt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import FieldError, Invalid
from core.numbers import order_of_attempt, reference, spellings
from core.personal_data import search_hash
from terminals.models import Transaction, TransactionLine

#: Facts a customer without a receipt can give.
_FACTS = ("amount_fen", "card_last4", "phone_last4", "sku")
#: What a sale is looked for by -> the look-up of it.
_LOOKUPS = {
    **{name: name for name in ("cashier", "amount_fen", "card_last4")},
    "paid_after": "paid_at__gte",
    "paid_before": "paid_at__lt",
}
#: And what is found in any case.
_NUMBERS = {
    "channel_transaction_no": "channel_transaction_no__in",
    "store": "store__code__in",
    "terminal": "terminal__code__in",
}


def with_article(sku: str) -> Exists:
    """Sales that hold this article. Not a join: its rows would have to be made distinct, all of them, before the first page."""
    return Exists(TransactionLine.objects.filter(transaction=OuterRef("pk"), sku__in=spellings(sku)))


def with_number(found: QuerySet[Transaction], number: str) -> QuerySet[Transaction]:
    """The sales of a number as it stands on the receipt, or else on the payer's own slip: the channel's, or what the channel was
    sent for one try to pay the order.
    """
    # As it is kept, or as it was copied from a cell, a slip or a message.
    copied = reference(number)
    named = found.filter(order_no__in=spellings(number) + spellings(copied))
    if named.exists():
        return named
    by_slip = on_slip(number)
    if order_no := order_of_attempt(copied):
        by_slip |= Q(order_no__in=spellings(order_no))
    return found.filter(by_slip)


def on_slip(number: str) -> Q:
    """The payments that a number on the payer's own slip names for certain: the channel's number of one, or the shop's own."""
    numbers = spellings(number) + spellings(reference(number))
    return Q(channel_transaction_no__in=numbers) | Q(payment_no__in=numbers) & ~Q(payment_no="")


def check_two_facts(given: Collection[str]) -> None:
    """Raise ``Invalid`` for fewer than two facts: one alone would let anybody fish for strangers' purchases."""
    if len(given) < 2:
        raise Invalid(
            "give at least two of time window, amount, card, phone and article",
            code="two_facts_needed",
            errors=[FieldError(name, "two_facts_needed") for name in given],
        )


def narrow(found: QuerySet[Transaction], *, wanted: Mapping[str, Any]) -> QuerySet[Transaction]:
    """Narrow the merchant's sales by what is known of the one looked for.

    Raises ``Invalid`` when a sale is looked for without its number and by fewer than two facts.
    """
    window = wanted.get("paid_after") is not None or wanted.get("paid_before") is not None
    numbered = wanted.get("order_no") or wanted.get("channel_transaction_no")
    facts = [name for name in _FACTS if wanted.get(name) not in (None, "")]
    if facts and not numbered and not window:
        check_two_facts(facts)
    known = {lookup: wanted[name] for name, lookup in _LOOKUPS.items() if wanted.get(name) not in (None, "")}
    known |= {lookup: spellings(wanted[name]) for name, lookup in _NUMBERS.items() if wanted.get(name)}
    if wanted.get("phone_last4"):
        known["payer_phone_last4_hash"] = search_hash("phone_last4", wanted["phone_last4"])
    found = found.filter(**known)
    if wanted.get("order_no"):
        found = with_number(found, wanted["order_no"])
    return found.filter(with_article(wanted["sku"])) if wanted.get("sku") else found
