"""The review desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from desk import actions, channel_health, filters, keyset, presence, queues, refund_page, rows
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import return_to, with_query
from desk.desk_list import DeskList, desk_list
from desk.empty_view import words_for
from desk.export import export_url
from desk.summary import reviewed_today
from desk.views.answers import go_on
from desk.views.refund import dialogs
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.review import decidable, deciding

PAGE_SIZE = 20


@require_safe
@staff_page(Act.SEE_QUEUE)
def queue(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Saved views with counts, filters from the URL, the list by time left, and the selected refund's preview."""
    now = timezone.now()
    wanted = desk_list(request.GET, scope=scope, at=now)
    page = keyset.page(rows.lean(wanted.rows), order=wanted.order, cursor=request.GET.get("c", ""), size=PAGE_SIZE)
    refused = _refused(page.rows, scope, now)
    selected = _selected(page.rows, request.GET.get("selected", ""), scope, refused)
    shown = rows.queue(page.rows, staff=scope.staff, at=now, query=request.GET, selected=selected, refused=refused)
    context = {
        "now": now,
        "rows": shown,
        "pager": rows.pager(page, total=keyset.count(wanted.rows), path=request.path, query=request.GET),
        **_views(wanted, request, scope, now),
        **_bulk(scope),
    }
    if is_htmx(request):
        return _fresh(request, scope, context, page.rows, selected)
    done = reviewed_today(scope=scope, at=now)
    context |= {
        "troubles": channel_health.troubles(merchant_id=scope.staff.merchant_id, at=now),
        "summary": done,
        "empty": words_for(view=wanted.view, scope=scope, done=done, at=now),
        **_preview(scope, selected, shown, now),
    }
    return render(request, "desk/queue.html", context)


def _fresh(
    request: HttpRequest, scope: Scope, context: dict[str, Any], found: list[RefundRequest], selected: str
) -> HttpResponse:
    """The list and the numbers of the views as they are now. Whoever asks still has the selected refund before them."""
    looked_at = next((row for row in found if row.number == selected == request.GET.get("selected")), None)
    if looked_at is not None:
        presence.look(request_id=looked_at.pk, staff=scope.staff, at=context["now"])
    wanted = queues.view_named(request.GET.get("view", ""))
    done = reviewed_today(scope=scope, at=context["now"])
    empty = words_for(view=wanted, scope=scope, done=done, at=context["now"])
    context |= {"fragment": True, "empty": empty}
    parts = (render_to_string(f"desk/queue.html#{part}", context, request) for part in ("list", "views"))
    return HttpResponse("".join(parts))


@require_POST
@staff_page(Act.CLAIM)
def claim_next(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Take on the unclaimed refund whose time is shortest."""
    claimed = deciding.claim_next(by=scope.by, at=timezone.now())
    if claimed is None:
        messages.info(request, gettext("Nothing is left to claim that you may decide."))
        return go_on(request, return_to(request, reverse("desk:queue")))
    messages.success(request, gettext("%(number)s is yours.") % {"number": claimed.number})
    return go_on(request, with_query(reverse("desk:queue"), view="mine", selected=claimed.number))


def _refused(found: list[RefundRequest], scope: Scope, now: datetime) -> dict[UUID, str]:
    """Why this person may not decide, of those rows that they may not."""
    refused = decidable.undecidable(requests=found, by=scope.by, at=now)
    return {pk: actions.refusal_of(why.code, roles=why.roles) for pk, why in refused.items()}


def _selected(found: list[RefundRequest], wanted: str, scope: Scope, refused: dict[UUID, str]) -> str:
    """The refund that the address names, else the first that is this person's to work on; "" for none."""
    if any(row.number == wanted for row in found):
        return wanted
    return next((row.number for row in found if rows.is_theirs(row, scope.staff, refused)), "")


def _views(wanted: DeskList, request: HttpRequest, scope: Scope, now: datetime) -> dict[str, Any]:
    counted = queues.counts(scope=scope, at=now)
    path, query = request.path, request.GET
    return {
        "view_label": wanted.view.label,
        "views": [
            {
                "label": view.label,
                "url": with_query(path, view=view.name if view is not queues.VIEWS[0] else ""),
                "count": counted[view.name],
                "hot": view.urgent and counted[view.name] > 0,
                "current": view is wanted.view,
            }
            for view in queues.VIEWS
        ],
        "filters": filters.menus(wanted.filters, query, path),
        "sort": {
            "label": gettext("Time left, longest first")
            if wanted.order.descending
            else gettext("Time left, shortest first"),
            "url": with_query(path, query, sort="" if wanted.order.descending else "-due"),
            "ascending": not wanted.order.descending,
        },
        "has_filters": filters.any_chosen(wanted.filters, query) or bool(query.get("q")),
        "clear_filters_url": with_query(path, view=query.get("view", ""), sort=query.get("sort", "")),
        "claim_next_url": reverse("desk:claim-next") if scope.may(Act.CLAIM) else "",
        "export_url": export_url(query, scope, view=wanted.view.name),
    }


def _bulk(scope: Scope) -> dict[str, Any]:
    if not scope.may(Act.CLAIM):
        return {"bulk_actions": [], "bulk_url": ""}
    return {
        "bulk_actions": [
            {"action": "approve", "label": gettext("Approve"), "icon": "check", "key": "A"},
            {"action": "reject", "label": gettext("Reject"), "icon": "x", "key": "R"},
            {"action": "claim", "label": gettext("Claim"), "icon": "hand", "key": "C"},
            {"action": "release", "label": gettext("Release"), "icon": "undo-2", "key": ""},
        ],
        "bulk_url": reverse("desk:bulk"),
    }


def _preview(scope: Scope, selected: str, shown: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    row = next((row for row in shown if row["number"] == selected), None)
    found, refund = None, None
    if row is not None:
        found = refund_page.find(scope, selected)
        presence.look(request_id=found.pk, staff=scope.staff, at=now)
        refund = {**refund_page.refund(found, scope=scope, at=now), "url": row["url"]}
    return {
        "selected": refund,
        "return_to": row["return_to"] if row else reverse("desk:queue"),
        **dialogs(found),
    }
