"""The days of reconciliation, account by account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db.models import Min, Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from core import codes
from desk import filters
from desk.access import Scope
from desk.addresses import with_query
from desk.filters import Choice, Filter, Hidden, Menu
from merchants import channels
from reconciliation import days
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import DayState, MatchOutcome


def text_of(code: str) -> str:
    """The sentence for a code of ours; none for a channel's own."""
    return codes.words(code) if code in codes.CODES else ""


#: How many days the list shows unless asked for others, and at most.
_USUAL_DAYS, _MOST_DAYS = 14, 92
_TONES = {
    MatchOutcome.MATCHED: "ok",
    MatchOutcome.AMOUNT_DIFFERS: "bad",
    MatchOutcome.OURS_ONLY: "bad",
    MatchOutcome.CHANNEL_ONLY: "warn",
    MatchOutcome.PENDING: "info",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Both sides; amounts are None while there is nothing to compare."""

    ours_count: int
    ours_fen: int | None
    bill_count: int
    bill_fen: int | None
    gap_fen: int | None


@dataclass(frozen=True, slots=True)
class Kind:
    """How many refunds of a day the comparison put here."""

    label: str
    count: int
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """``age_days`` is the age of the oldest open difference."""

    day: ReconciliationDay
    sums: Sums
    kinds: Sequence[Kind]
    age_days: int | None
    state_label: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationPage:
    """``sums`` are those of the days that are shown and have a statement. ``open_dialog`` names one that is open."""

    rows: Sequence[DayRow]
    sums: Sums
    open_differences: int
    differences_url: str
    to_close: int
    to_close_url: str
    filters: Sequence[Menu]
    has_filters: bool
    clear_filters_url: str
    hidden: Sequence[Hidden]
    date_from: str
    date_to: str
    accounts: Sequence[Choice]
    open_dialog: str


def reconciliation_page(*, request: HttpRequest, scope: Scope, at: datetime) -> ReconciliationPage:
    """The days that the address asks for, newest first."""
    query, path, merchant_id = request.GET, request.path, scope.staff.merchant_id
    chosen = _filters(merchant_id)
    first, last = _dates(query, today=timezone.localdate(at))
    found = filters.apply(days.days_of(merchant_id=merchant_id).filter(date__range=(first, last)), chosen, query)
    found = found.annotate(oldest_at=Min("differences__opened_at", filter=Q(differences__resolution="")))
    rows = [_row(day, at) for day in found.order_by("-date", "channel_account__channel", "channel_account__code")]
    return ReconciliationPage(
        rows=rows,
        sums=_total(row.sums for row in rows if row.day.bill_id),
        open_differences=sum(row.day.open_differences for row in rows),
        differences_url=with_query(path, query, state="differences"),
        to_close=sum(row.day.state == DayState.OPEN for row in rows),
        to_close_url=with_query(path, query, state="open"),
        filters=filters.menus(chosen, query, path),
        has_filters=filters.any_chosen(chosen, query) or bool(query.get("from") or query.get("to")),
        clear_filters_url=path,
        hidden=filters.hidden(chosen, query),
        date_from=first.isoformat(),
        date_to=last.isoformat(),
        accounts=[
            Choice(account.code, f"{channels.label(account.channel)} · {account.code}")
            for account in days.accounts_of(merchant_id=merchant_id)
        ],
        open_dialog=query.get("do", ""),
    )


def sums_of(day: ReconciliationDay) -> Sums:
    return Sums(
        ours_count=day.ours_count,
        ours_fen=day.ours_fen if day.compared_at else None,
        bill_count=day.bill_count,
        bill_fen=day.bill_fen if day.bill_id else None,
        gap_fen=day.gap_fen if day.bill_id else None,
    )


def state_of(day: ReconciliationDay) -> tuple[str, str]:
    """Label and tone of a day."""
    if day.state == DayState.CLOSED:
        return gettext("Day closed"), ""
    if day.bill_id is None:
        return gettext("No statement yet"), "warn"
    if day.open_differences:
        return gettext("Differences"), "bad"
    if day.bill is not None and (day.bill.set_aside_count or day.bill.gap_fen):
        return gettext("Rows set aside"), "warn"
    return (gettext("Not known yet"), "info") if day.pending else (gettext("Agrees"), "ok")


def _row(day: ReconciliationDay, at: datetime) -> DayRow:
    label, tone = state_of(day)
    oldest_at: datetime | None = getattr(day, "oldest_at", None)
    return DayRow(
        day=day,
        sums=sums_of(day),
        kinds=[Kind(str(kind.label), getattr(day, kind), tone) for kind, tone in _TONES.items() if getattr(day, kind)],
        age_days=(at - oldest_at).days if oldest_at else None,
        state_label=label,
        tone=tone,
    )


def _total(of: Iterable[Sums]) -> Sums:
    both = list(of)
    return Sums(**{field.name: sum(getattr(sums, field.name) or 0 for sums in both) for field in fields(Sums)})


def _filters(merchant_id: int) -> list[Filter]:
    codes = dict.fromkeys(account.channel for account in days.accounts_of(merchant_id=merchant_id))
    states = {
        "differences": (gettext("With open differences"), Q(open_differences__gt=0)),
        "missing": (gettext("Without statement"), Q(bill__isnull=True)),
        "open": (gettext("Not closed"), Q(state=DayState.OPEN)),
        "closed": (gettext("Day closed"), Q(state=DayState.CLOSED)),
    }
    return [
        Filter(
            "channel",
            gettext("Channel"),
            [Choice(code, channels.label(code)) for code in codes],
            lambda value: Q(channel_account__channel=value),
        ),
        Filter(
            "state",
            gettext("State"),
            [Choice(name, label) for name, (label, _condition) in states.items()],
            lambda value: states[value][1],
        ),
    ]


def _dates(query: QueryDict, *, today: date) -> tuple[date, date]:
    """The first and last day asked for; what cannot be read is the usual fortnight."""
    last = filters.day(query, "to") or today
    first = filters.day(query, "from") or last - timedelta(days=_USUAL_DAYS)
    return max(first, last - timedelta(days=_MOST_DAYS)), last
