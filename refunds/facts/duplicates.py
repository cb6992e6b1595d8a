"""The same wish again: another refund that asks the same of the same order, whatever key, tab, face or day it came by.

The same is: of one order (same number, store and day), the same amount, as asked for or as approved, and the same articles
where both name any; or pieces that have come back already, or were exchanged. What was asked in one and is asked again in parts,
by payment or by article, comes to the same amount, and so does the other way round: where articles are named, to the same of
them. So does what a person has left out of it, or a part of that. Where one of two refunds names articles and the other a sum
alone, the sum may be for these, if they and others come to it: the whole order, and then a piece of it. Reason and words are no
difference: they change from one telling to the next. What was rejected, withdrawn or refused by the channel for good has let go
of its amount and stands against nothing; an exchange has not, the customer has something for it. Nor has what the same customer
was given when the sale could not be found: the receipt may have turned up since.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from uuid import UUID

from django.db import connection

from refunds.facts.sums import ORDER
from refunds.models import RefundRequest
from refunds.rules import worth
from refunds.rules.policy import NEEDS_FINDING
from refunds.states import Reason
from terminals import orders
from terminals.models import Transaction, TransactionKind, TransactionLine
from terminals.orders import ARTICLE, article

#: Reasons for which money goes back and nobody means articles by it, whichever they name.
_MONEY_ALONE = NEEDS_FINDING | {Reason.PRICE_ADJUSTMENT, Reason.WRONG_AMOUNT, Reason.GOODWILL}
#: Of so many refunds of an order it is looked whether some of them together are the same: all sums of ten are a thousand.
_TOGETHER = 10

_LIVE = f"""
SELECT r.id, r.number, r.amount_fen, r.approved_fen,
       (SELECT json_agg(json_build_array({ARTICLE.format("l")}, n.quantity)) FROM refunds_refundline n
          JOIN terminals_transactionline l ON l.id = n.line_id WHERE n.request_id = r.id),
       EXISTS (SELECT FROM refunds_refundline n WHERE n.request_id = r.id
                  AND n.line_id = ANY(%(gone)s) AND n.held_quantity > 0),
       r.reserved_fen = 0, r.reason
  {ORDER}
  JOIN refunds_refundrequest r ON r.transaction_id = o.id
 WHERE t.id = %(sale)s AND r.id IS DISTINCT FROM %(but)s
   AND (r.reserved_fen > 0
        OR EXISTS (SELECT FROM refunds_exchangeoffer x WHERE x.request_id = r.id AND x.answer = 'accepted'))
 ORDER BY r.id
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Same:
    """A refund that asks the same."""

    id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class _Live:
    """A refund of the order that holds its amount, or whose goods were exchanged."""

    same: Same
    amounts_fen: frozenset[int]
    refused_fen: int
    pieces: Mapping[str, Decimal]
    has_gone: bool
    was_exchanged: bool
    reason: str


def same_as(
    *,
    transaction_id: UUID,
    amount_fen: int,
    reason: str = "",
    pieces: Iterable[tuple[str, int | Decimal]] = (),
    gone: Collection[int] = (),
    but: UUID | None = None,
) -> list[Same]:
    """Refunds that ask the same and were not released, the first one first. ``pieces`` are (article, quantity); of the lines
    ``gone`` more is asked for than is left, and whoever has it asked the same; ``but`` is the request itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {"sale": transaction_id, "gone": list(gone), "but": but})
        rows = cursor.fetchall()
    live = [
        _Live(
            Same(pk, number),
            frozenset({asked, approved} - {None}),
            0 if approved is None else asked - approved,
            _counted(theirs or ()),
            *others,
        )
        for pk, number, asked, approved, theirs, *others in rows
    ]
    wanted = _counted(pieces)
    found = [one.same for one in live if _is_same(one, amount_fen, wanted)]
    if found:
        return found
    live = [one for one in live if not one.was_exchanged]
    return _in_parts(live, amount_fen, wanted) or _in_a_sum(
        live, amount_fen, wanted, transaction_id=transaction_id, reason=reason, but=but
    )


def same_as_request(request: RefundRequest) -> list[Same]:
    """The same of a stored request, by what it asks or was approved for."""
    return same_as(
        transaction_id=request.transaction_id,
        amount_fen=request.approved_fen or request.amount_fen,
        reason=request.reason,
        pieces=[(article(own.line), own.quantity) for own in request.lines.select_related("line")],
        but=request.pk,
    )


def without_receipt(
    *, merchant_id: int, phones: Collection[bytes], amount_fen: int, sale_fen: int, articles: Collection[str]
) -> list[Same]:
    """What went back without a receipt to the customer with one of these phones (keyed hashes), and may have been for this sale:
    of the same amount, or where the sale's amount or one of its articles was remembered.
    """
    rows = RefundRequest.objects.filter(
        merchant_id=merchant_id,
        customer_phone_hash__in=phones,
        transaction__kind=TransactionKind.NO_RECEIPT,
        reserved_fen__gt=0,
        no_receipt_case__isnull=False,
    )
    return [
        Same(row.pk, row.number)
        for row in rows.select_related("no_receipt_case").order_by("pk")
        if amount_fen in (row.amount_fen, row.approved_fen)
        or row.no_receipt_case.told.get("amount_fen") == sale_fen
        or row.no_receipt_case.told.get("sku") in articles
    ]


def _is_same(one: _Live, amount_fen: int, wanted: Mapping[str, Decimal]) -> bool:
    if one.was_exchanged:
        return _may_overlap(one.pieces, wanted)
    if amount_fen <= one.refused_fen and _may_overlap(one.pieces, wanted):
        return True
    return one.has_gone or (amount_fen in one.amounts_fen and _may_be(one.pieces, wanted))


def _in_parts(live: Sequence[_Live], amount_fen: int, wanted: Mapping[str, Decimal]) -> list[Same]:
    """The refunds that together asked the same as this one; or the one that this and some others ask again together."""
    if len(live) > _TOGETHER:
        return []
    for count in range(2, len(live) + 1):
        for some in combinations(live, count):
            if _sum(some) == amount_fen and _may_be(_all_of(some), wanted):
                return [one.same for one in some]
    for whole in live:
        others = [one for one in live if one is not whole]
        for count in range(1, len(others) + 1):
            for some in combinations(others, count):
                if _sum(some) + amount_fen in whole.amounts_fen and _may_be(whole.pieces, _all_of(some, wanted)):
                    return [whole.same]
    return []


def _in_a_sum(
    live: Sequence[_Live],
    amount_fen: int,
    wanted: Mapping[str, Decimal],
    *,
    transaction_id: UUID,
    reason: str,
    but: UUID | None,
) -> list[Same]:
    """The refunds that name articles where this one names a sum, or the other way round, and may be for the same of them. What
    takes all that is left of the order, where its other articles come to the other one's sum, is for the rest.
    """
    others = [one for one in live if one.reason not in _MONEY_ALONE and bool(one.pieces) != bool(wanted)]
    if not others or reason in _MONEY_ALONE:
        return []
    payments = orders.siblings(Transaction.objects.get(pk=transaction_id))
    goods = worth.with_worth_of(payments)
    own_fen = RefundRequest.objects.filter(pk=but).values_list("reserved_fen", flat=True).first() if but else 0
    left_fen = sum(one.refundable_fen for one in payments) + (own_fen or 0)
    found = []
    for one in others:
        sums = one.amounts_fen if wanted else [amount_fen]
        told = [_come_to(goods, fen, wanted or one.pieces) for fen in sums]
        if any(with_them and not (with_others and amount_fen == left_fen) for with_them, with_others in told):
            found.append(one.same)
    return found


def _come_to(goods: Iterable[TransactionLine], fen: int, pieces: Mapping[str, Decimal]) -> tuple[bool, bool]:
    """Whether articles come to a sum with some of these pieces, and without all of them; by what was paid for them, or by the
    prices that somebody may have read from the receipt.
    """
    left = dict(pieces)
    paid, priced = [], []
    for line in goods:
        looked_for = min(line.quantity, left.get(article(line), Decimal(0)))
        if looked_for:
            left[article(line)] -= looked_for
        paid.append((line.worth_fen, line.quantity, looked_for))
        priced.append((line.amount_fen, line.quantity, looked_for))
    (with_them, with_others), (with_them_priced, with_others_priced) = (
        worth.come_to(fen, paid),
        worth.come_to(fen, priced),
    )
    return with_them or with_them_priced, with_others or with_others_priced


def _sum(some: Iterable[_Live]) -> int:
    return sum(min(one.amounts_fen) for one in some)


def _all_of(some: Iterable[_Live], more: Mapping[str, Decimal] | None = None) -> Mapping[str, Decimal]:
    """The articles of all of them together; none where one of them names none."""
    named = [one.pieces for one in some] + ([] if more is None else [more])
    return _counted(pair for pieces in named for pair in pieces.items()) if all(named) else {}


def _may_be(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> bool:
    """Whether both may be about the same articles: who names none may mean any."""
    return not one or not other or one == other


def _may_overlap(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> bool:
    return not one or not other or not one.keys().isdisjoint(other)


def _counted(pieces: Iterable[tuple[str, int | float | Decimal]]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for sku, quantity in pieces:
        found[sku] = found.get(sku, Decimal(0)) + Decimal(str(quantity))
    return found
