"""What of today's refunds is unlike a store's other days: clearly more of them than by this time on others, or some that were
asked for at a till or by staff while it is shut.

Clearly is as in ``analytics.anomalies``: by half as much again, and not by chance. Cheap enough to be asked every ten minutes.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q

from core.calendar import SHANGHAI, DayKind
from merchants.hours import read_hours
from merchants.models import CalendarDay, Store
from refunds.models import RefundRequest

#: So many days before are compared, and so few make no habit.
_DAYS: Final = 28
_FEWEST_DAYS: Final = 7
_LEAST, _LIFT, _STANDARD_ERRORS = 10, 1.5, 3.0
#: People still refund when the doors are closing.
_BESIDE: Final = timedelta(hours=1)
_MOST = 500


@dataclass(frozen=True, slots=True)
class Many:
    """``count`` refunds were asked for today, where ``usual`` is the mean by this time of the days before."""

    store_id: int
    store: str
    count: int
    usual: float


@dataclass(frozen=True, slots=True)
class WhileShut:
    """Numbers of today's refunds, the first ones first."""

    store_id: int
    store: str
    numbers: Sequence[str]


def many(*, merchant_id: int, at: datetime) -> list[Many]:
    """Stores with clearly more refunds than usual, by their names."""
    here = at.astimezone(SHANGHAI)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    today = Q(created_at__gte=midnight)
    asked = RefundRequest.objects.filter(
        merchant_id=merchant_id, created_at__gte=midnight - timedelta(days=_DAYS), created_at__lte=at
    )
    rows = asked.values_list("store_id", "store__name").annotate(
        count=Count("pk", filter=today),
        before=Count("pk", filter=~today & Q(created_at__time__lte=here.time())),
        first=Min("created_at"),
    )
    found = []
    for store_id, store, count, before, first in rows.order_by("store__name", "store_id"):
        days = math.ceil((midnight - first) / timedelta(days=1))
        usual = before / max(days, 1)
        stands_out = count >= max(_LEAST, _LIFT * usual) and count - usual >= _STANDARD_ERRORS * math.sqrt(
            max(usual, 1)
        )
        if days >= _FEWEST_DAYS and stands_out:
            found.append(Many(store_id, store, count, usual))
    return found


def while_shut(*, merchant_id: int, at: datetime) -> list[WhileShut]:
    """Stores whose hours are known, with what was asked for today more than an hour from them; not what customers and shop
    systems ask for, which never sleep.
    """
    midnight = at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = {
        store.pk: known
        for store in Store.objects.filter(merchant_id=merchant_id).exclude(hours={})
        if (known := read_hours(store.hours)) is not None
    }
    days = CalendarDay.objects.filter(merchant_id=merchant_id).values_list("date", "kind")
    kinds = {day: DayKind(kind) for day, kind in days}
    in_person = Q(terminal__isnull=False) | Q(staff__isnull=False)
    rows = RefundRequest.objects.filter(
        in_person, merchant_id=merchant_id, store__in=hours, created_at__gte=midnight, created_at__lte=at
    )
    odd: dict[tuple[int, str], list[str]] = defaultdict(list)
    asked = rows.order_by("created_at", "pk").values_list("store_id", "store__name", "number", "created_at")
    for store_id, store, number, created_at in asked[:_MOST]:
        opens = hours[store_id].opening(since=created_at - _BESIDE, lasting=timedelta(), kinds=kinds)
        if not opens or opens[0] * 60 > (created_at + _BESIDE).timestamp():
            odd[store_id, store].append(number)
    return [WhileShut(store_id, store, numbers) for (store_id, store), numbers in sorted(odd.items())]
