"""Reconciliation as its pages show it: the list of days, one day, one difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from core import codes
from desk import funds_card, keyset
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.filters import Choice, Filter
from desk.people import person
from desk.rows import pager
from merchants import channels
from merchants.models import Role, Staff
from reconciliation import closing, days, differences, matching
from reconciliation.models import BillLine, Difference, ReconciliationDay
from reconciliation.models.bill import BillSource, DayState, MatchOutcome
from reconciliation.models.difference import BY_HAND, Resolution
from refunds.states import ExecutionState

PAGE_SIZE = 50
#: How many days the list shows unless asked for others, and at most.
USUAL_DAYS, MOST_DAYS = 14, 92
#: In-flight payouts listed one by one; the count above them is exact.
_WAITING_SHOWN = 200

_TONES = {
    MatchOutcome.MATCHED: "ok",
    MatchOutcome.AMOUNT_DIFFERS: "bad",
    MatchOutcome.OURS_ONLY: "bad",
    MatchOutcome.CHANNEL_ONLY: "warn",
    MatchOutcome.PENDING: "info",
}
#: The tab that opens by itself is the first of these that has anything.
_URGENCY = (
    MatchOutcome.AMOUNT_DIFFERS,
    MatchOutcome.OURS_ONLY,
    MatchOutcome.CHANNEL_ONLY,
    MatchOutcome.PENDING,
    MatchOutcome.MATCHED,
)
_LINES = (MatchOutcome.MATCHED, MatchOutcome.PENDING)
_BOTH_SIDES = ("ours_fen", "ours_count", "bill_fen", "bill_count", "gap_fen")


def text_of(code: str) -> str:
    """The sentence for a code of ours; none for a channel's own."""
    return codes.words(code) if code in codes.CODES else ""


def address(day: ReconciliationDay, name: str = "reconciliation-day") -> str:
    return reverse(f"desk:{name}", args=[day.channel_account.code, day.date.isoformat()])


# --- the list -------------------------------------------------------------------------------------------------------


def list_filters(scope: Scope) -> list[Filter]:
    codes = list(dict.fromkeys(account.channel for account in days.accounts_of(merchant_id=scope.staff.merchant_id)))
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


def list_rows(found: QuerySet[ReconciliationDay], *, at: datetime) -> list[dict[str, Any]]:
    """The days, newest first, each with the age of its oldest open difference."""
    open_ones = Q(differences__resolution="")
    rows = found.annotate(oldest_at=Min("differences__opened_at", filter=open_ones))
    return [
        {
            **_figures(row),
            "url": address(row),
            "channel": row.channel_account.channel,
            "account_code": row.channel_account.code,
            "kinds": _kinds(row),
            "age_days": (at - row.oldest_at).days if row.oldest_at else None,
        }
        for row in rows.order_by("-date", "channel_account__channel", "channel_account__code")
    ]


def list_totals(rows: Sequence[Mapping[str, Any]], path: str, query: QueryDict) -> dict[str, Any]:
    """Both sides of the days that are shown and have a statement, and what is left to do about all of them."""
    both = [row for row in rows if row["has_bill"]]
    return {
        **{name: sum(row[name] or 0 for row in both) for name in _BOTH_SIDES},
        "open_differences": sum(row["open_differences"] for row in rows),
        "differences_url": with_query(path, query, state="differences"),
        "days": len(rows),
        "to_close": sum(not row["is_closed"] for row in rows),
        "to_close_url": with_query(path, query, state="open"),
    }


def _figures(day: ReconciliationDay) -> dict[str, Any]:
    label, tone = state_of(day)
    return {
        "date": day.date.isoformat(),
        "has_bill": day.bill_id is not None,
        "compared_at": day.compared_at,
        "ours_count": day.ours_count,
        "ours_fen": day.ours_fen if day.compared_at else None,
        "bill_count": day.bill_count,
        "bill_fen": day.bill_fen if day.bill_id else None,
        "gap_fen": day.gap_fen if day.bill_id else None,
        "open_differences": day.open_differences,
        "is_closed": day.state == DayState.CLOSED,
        "state_label": label,
        "tone": tone,
    }


def _kinds(day: ReconciliationDay) -> list[dict[str, Any]]:
    return [
        {"label": kind.label, "count": getattr(day, kind.value), "tone": _TONES[kind]}
        for kind in MatchOutcome
        if getattr(day, kind.value)
    ]


def state_of(day: ReconciliationDay) -> tuple[str, str]:
    """Label and tone of a day."""
    if day.state == DayState.CLOSED:
        return gettext("Day closed"), ""
    if day.bill_id is None:
        return gettext("No statement yet"), "warn"
    if day.open_differences:
        return gettext("Differences"), "bad"
    return (gettext("Not known yet"), "info") if day.pending else (gettext("Agrees"), "ok")


def dates(query: QueryDict, *, today: date) -> tuple[date, date]:
    """The first and last day asked for; what cannot be read is the usual fortnight."""
    try:
        last = date.fromisoformat(query.get("to", ""))
    except ValueError:
        last = today
    try:
        first = date.fromisoformat(query.get("from", ""))
    except ValueError:
        first = last - timedelta(days=USUAL_DAYS)
    return max(first, last - timedelta(days=MOST_DAYS)), last


# --- one day --------------------------------------------------------------------------------------------------------


def day_context(day: ReconciliationDay, *, scope: Scope, query: QueryDict, at: datetime) -> dict[str, Any]:
    """Everything that the page of a day shows."""
    kind = _tab(day, query)
    path = address(day)
    is_closed = day.state == DayState.CLOSED
    blocked = "" if is_closed else closing.why_not_close(day)
    shown = _rows(day, kind, query, path, at)
    return {
        "now": at,
        "day": {**_figures(day), "channel": day.channel_account.channel, "account_code": day.channel_account.code},
        "bill": _bill(day),
        "funds": funds_card.card(day),
        "last_error": "" if not day.last_error else text_of(day.last_error) or day.last_error_message or day.last_error,
        "due_at": day.due_at,
        "is_closed": is_closed,
        "closed_at": day.closed_at,
        "closed_by": person(day.closed_by),
        "reopen_note": day.reopen_note,
        "tabs": [
            {
                "label": item.label,
                "count": getattr(day, item.value),
                "url": with_query(path, tab=item.value),
                "current": item == kind,
            }
            for item in MatchOutcome
        ],
        "tab": kind.value,
        "is_difference": kind not in _LINES,
        **shown,
        "difference": _dialog(day, query, path, scope=scope, at=at),
        "close_url": "" if is_closed or blocked else address(day, "reconciliation-close"),
        "close_blocked": text_of(blocked),
        "reopen_url": address(day, "reconciliation-reopen") if is_closed else "",
        "download_url": "" if is_closed else address(day, "reconciliation-download"),
        "upload_url": "" if is_closed else address(day, "reconciliation-upload"),
        "export_url": address(day, "reconciliation-csv"),
        "list_url": reverse("desk:reconciliation"),
        "open_dialog": query.get("do", ""),
        "return_to": with_query(path, tab=kind.value, c=query.get("c", "")),
    }


def _tab(day: ReconciliationDay, query: QueryDict) -> MatchOutcome:
    wanted = query.get("tab", "")
    if wanted in MatchOutcome.values:
        return MatchOutcome(wanted)
    return next((kind for kind in _URGENCY if getattr(day, kind.value)), MatchOutcome.MATCHED)


def _bill(day: ReconciliationDay) -> dict[str, Any] | None:
    bill = day.bill
    if bill is None:
        return None
    return {
        "version": bill.version,
        "source_label": BillSource(bill.source).label,
        "imported_at": bill.imported_at,
        "sha256": bill.sha256,
        "size": bill.size,
        "refunds": bill.refunds,
        "fees_fen": -bill.fees_fen,
    }


def _rows(day: ReconciliationDay, kind: MatchOutcome, query: QueryDict, path: str, at: datetime) -> dict[str, Any]:
    found: keyset.Page[Any]
    if kind in _LINES:
        lines = (
            BillLine.objects.filter(bill=day.bill, outcome=kind)
            .select_related("execution__request")
            .defer("execution__proof")
        )
        found = keyset.page(lines, order=keyset.Order(), cursor=query.get("c", ""), size=PAGE_SIZE)
        rows = [_line(row) for row in found.rows]
        total = keyset.Capped(getattr(day, kind.value))
        if kind is MatchOutcome.PENDING and not found.next_cursor:
            rows += [_waiting(row) for row in matching.waiting(day=day, limit=_WAITING_SHOWN)]
    else:
        rows_found = (
            differences.differences_of(merchant_id=day.merchant_id)
            .filter(day=day, kind=kind)
            .exclude(resolution=Resolution.CLEARED)
        )
        found = keyset.page(rows_found, order=keyset.Order(), cursor=query.get("c", ""), size=PAGE_SIZE)
        rows = [_difference(row, path, at) for row in found.rows]
        total = keyset.count(rows_found)
    return {"rows": rows, "pager": pager(found, total=total, path=path, query=query)}


def _line(line: BillLine) -> dict[str, Any]:
    payout = line.execution
    paid = payout is not None and payout.state == ExecutionState.SUCCEEDED
    return {
        "number": payout.request.number if payout else "",
        "url": refund_url(payout.request.number) if payout else "",
        "refund_no": line.refund_no,
        "channel_refund_no": line.channel_refund_no,
        "order_no": line.order_no,
        "at": line.accepted_at,
        "ours_fen": payout.amount_fen if paid and payout else None,
        "bill_fen": line.amount_fen,
        "state_label": ExecutionState(payout.state).label if payout else line.state,
    }


def _waiting(row: matching.Waiting) -> dict[str, Any]:
    return {
        "number": row.request_number,
        "url": refund_url(row.request_number),
        "refund_no": row.refund_no,
        "channel_refund_no": "",
        "order_no": "",
        "at": row.sent_at,
        "ours_fen": row.amount_fen if row.state == ExecutionState.SUCCEEDED else None,
        "bill_fen": None,
        "state_label": ExecutionState(row.state).label,
    }


def _difference(row: Difference, path: str, at: datetime) -> dict[str, Any]:
    line, payout = row.line, row.execution
    return {
        "pk": row.pk,
        "number": payout.request.number if payout else "",
        "url": refund_url(payout.request.number) if payout else "",
        "refund_no": line.refund_no if line else payout.refund_no if payout else row.number,
        "channel_refund_no": line.channel_refund_no if line else payout.channel_refund_no if payout else "",
        "order_no": line.order_no if line else "",
        "ours_fen": row.ours_fen,
        "bill_fen": row.bill_fen,
        "gap_fen": row.gap_fen,
        "age_days": None if row.resolution else (at - row.opened_at).days,
        "owner": person(row.owner),
        "resolution_label": Resolution(row.resolution).label if row.resolution else "",
        "resolved_by": row.resolved_by.name if row.resolved_by else "",
        "note": row.note,
        "act_url": with_query(path, tab=str(row.kind), difference=str(row.pk)),
    }


# --- one difference -------------------------------------------------------------------------------------------------


def _dialog(
    day: ReconciliationDay, query: QueryDict, path: str, *, scope: Scope, at: datetime
) -> dict[str, Any] | None:
    """The difference that the address names, with what can be done about it."""
    wanted = query.get("difference", "")
    if not wanted.isascii() or not wanted.isdecimal() or len(wanted) > 18:
        return None
    found = differences.differences_of(merchant_id=day.merchant_id).filter(day=day, pk=int(wanted)).first()
    if found is None:
        return None
    sale = differences.sale_behind(found)
    is_open = not found.resolution and day.state == DayState.OPEN
    blocked = differences.why_not_adopt(found, sale)
    is_foreign = found.kind == MatchOutcome.CHANNEL_ONLY
    return {
        **_difference(found, path, at),
        "kind_label": MatchOutcome(found.kind).label,
        "opened_at": found.opened_at,
        "line": found.line,
        "money": funds_card.witness(found),
        "sale": {
            "order_no": sale.order_no,
            "url": reverse("desk:transaction", args=[sale.pk]),
            "paid_fen": sale.amount_fen,
            "refundable_fen": sale.refundable_fen,
        }
        if sale
        else None,
        "is_open": is_open,
        "resolve_url": _act(found, "resolve") if is_open else "",
        "assign_url": _act(found, "assign") if is_open else "",
        "adopt_url": _act(found, "adopt") if is_open and is_foreign and not blocked else "",
        "adopt_blocked": text_of(blocked) if is_open and is_foreign else "",
        "resolutions": [{"value": item.value, "label": item.label} for item in BY_HAND],
        "assignees": _assignees(scope.staff, found.owner),
    }


def _act(row: Difference, name: str) -> str:
    return reverse(f"desk:difference-{name}", args=[row.pk])


def _assignees(staff: Staff, owner: Staff | None) -> Sequence[dict[str, Any]]:
    people = Staff.objects.filter(
        merchant_id=staff.merchant_id, is_active=True, role__in=[Role.FINANCE, Role.MANAGER, Role.OWNER]
    ).order_by("name")
    return [
        {
            "value": row.pk,
            "label": f"{row.name} · {Role(row.role).label}",
            "current": owner is not None and row == owner,
        }
        for row in people
    ]
