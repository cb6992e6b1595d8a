"""What stands out, if anything does: one finding for one plain sentence. Silence is the usual answer.

A store stands out when clearly more of its sales come back than of the others'; a reason, when clearly more sales come back
for it than in the period before. Clearly: by half as much again, and not by chance (three standard errors of the difference of
two proportions), on numbers large enough to mean something.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from analytics.figures import Cut, Overview

_Key = TypeVar("_Key", int, str)

_MIN_REFUNDS, _MIN_SALES = 10, 30
_MIN_LIFT, _MIN_Z = 1.5, 3.0
#: A reason is named when it makes up this much of a store's refunds and more than elsewhere; a till, when most come from it.
_NAMED_REASON, _NAMED_REASON_LIFT, _NAMED_TILL = 0.3, 1.3, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``rate`` against ``baseline``: by value against all stores for a store, by count against before for a reason.

    ``count`` refunds are of the store (if any) and the reason (if any): the list to look at. ``reason_share`` is what the reason
    makes up of a store's refunds; ``terminal`` is the till where most of them come from, or "".
    """

    store_id: int | None
    reason: str
    reason_share: float | None
    terminal: str
    rate: float
    baseline: float
    count: int


def find(overview: Overview) -> Finding | None:
    """The store that stands out most, else the reason that does, else nothing."""
    found = [*_stores(overview)] or [*_reasons(overview)]
    return max(found, key=lambda item: item[0])[1] if found else None


def _stores(overview: Overview) -> Iterator[tuple[float, Finding]]:
    """Those that stand out, each with how clearly."""
    whole, sold = overview.current.paid, overview.current.sold
    overall = overview.current.refund_rate.value
    for store in overview.stores:
        others_paid, others_sold = whole.amount_fen - store.paid.amount_fen, sold.amount_fen - store.sold.amount_fen
        z = _z(store.paid.count, store.sold.count, whole.count - store.paid.count, sold.count - store.sold.count)
        rate = store.refund_rate.value
        if (
            rate is None
            or overall is None
            or z < _MIN_Z
            or others_sold <= 0
            or rate < _MIN_LIFT * others_paid / others_sold
        ):
            continue
        own = [cut for cut in overview.cuts if cut.store_id == store.store_id]
        reason, share = _leading_reason(own, [cut for cut in overview.cuts if cut.store_id != store.store_id])
        own = [cut for cut in own if not reason or cut.reason == reason]
        tills = {cut.terminal for cut in overview.cuts if cut.store_id == store.store_id}
        yield (
            z,
            Finding(
                store_id=store.store_id,
                reason=reason,
                reason_share=share,
                terminal=_leading_till(own, tills=tills),
                rate=rate,
                baseline=overall,
                count=sum(cut.count for cut in own),
            ),
        )


def _reasons(overview: Overview) -> Iterator[tuple[float, Finding]]:
    sales, sales_before = overview.current.sold.count, overview.previous.sold.count
    for row in overview.reasons:
        before = overview.previous_reasons.get(row.reason)
        count_before = before.count if before else 0
        z = _z(row.paid.count, sales, count_before, sales_before)
        if z < _MIN_Z or row.paid.count / sales < _MIN_LIFT * count_before / sales_before:
            continue
        own = [cut for cut in overview.cuts if cut.reason == row.reason]
        leading = _leading(own, key=lambda cut: cut.store_id) if len(overview.stores) > 1 else None
        store_id = leading[0] if leading and leading[1] >= _NAMED_TILL else None
        own = [cut for cut in own if store_id is None or cut.store_id == store_id]
        # A till's code says something only once its store is known.
        one_store = store_id is not None or len(overview.stores) == 1
        tills = {cut.terminal for cut in overview.cuts if store_id is None or cut.store_id == store_id}
        yield (
            z,
            Finding(
                store_id=store_id,
                reason=row.reason,
                reason_share=None,
                terminal=_leading_till(own, tills=tills) if one_store else "",
                rate=row.paid.count / sales,
                baseline=count_before / sales_before,
                count=sum(cut.count for cut in own),
            ),
        )


def _z(refunds: int, sales: int, other_refunds: int, other_sales: int) -> float:
    """Standard errors between two rates by count; 0 where the numbers are too small to tell."""
    if refunds < _MIN_REFUNDS or sales < _MIN_SALES or other_sales < _MIN_SALES:
        return 0.0
    # Refunds of older sales can outnumber the period's sales; a proportion cannot.
    pooled = min((refunds + other_refunds) / (sales + other_sales), 0.99)
    error = math.sqrt(pooled * (1 - pooled) * (1 / sales + 1 / other_sales))
    return (refunds / sales - other_refunds / other_sales) / error


def _leading_reason(own: list[Cut], others: list[Cut]) -> tuple[str, float | None]:
    """The reason that adds most beyond what is usual elsewhere, and its share; "" when none explains it."""
    mine, total = _counts(own, lambda cut: cut.reason)
    theirs, total_elsewhere = _counts(others, lambda cut: cut.reason)
    best, best_excess = "", 0.0
    for reason, count in mine.items():
        share = count / total
        usual = theirs[reason] / total_elsewhere if total_elsewhere else 0.0
        if share >= _NAMED_REASON and share >= _NAMED_REASON_LIFT * usual and share - usual > best_excess:
            best, best_excess = reason, share - usual
    return (best, mine[best] / total) if best else ("", None)


def _leading_till(cuts: list[Cut], *, tills: set[str]) -> str:
    """The till where most of these come from. With a single till that says nothing."""
    leading = _leading(cuts, key=lambda cut: cut.terminal)
    return str(leading[0]) if leading and len(tills) > 1 and leading[1] >= _NAMED_TILL else ""


def _leading(cuts: list[Cut], *, key: Callable[[Cut], _Key]) -> tuple[_Key, float] | None:
    counts, total = _counts(cuts, key)
    if not total:
        return None
    name = max(counts, key=lambda item: counts[item])
    return name, counts[name] / total


def _counts(cuts: Iterable[Cut], key: Callable[[Cut], _Key]) -> tuple[Counter[_Key], int]:
    counts: Counter[_Key] = Counter()
    for cut in cuts:
        counts[key(cut)] += cut.count
    return counts, counts.total()
