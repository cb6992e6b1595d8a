"""The review desk."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict
from desk import filters, keyset, people, rows, words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import return_to, with_query
from desk.queue import saved_views, trouble
from desk.queue.listing import PAGE_SIZE, desk_list, next_of
from desk.queue.page import PanePage, leads, queue_page, queue_rows
from desk.queue.setting_up import setting_up
from desk.queue.summary import reviewed_today, words_for
from desk.refund.page import dialogs, find, refund
from desk.rendering import go_on, is_htmx, render_page, render_parts
from merchants.rights import Act
from refunds.review import deciding


@staff_reads()
def queue(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Saved views with counts, filters from the URL, the list by time left, and the selected refund's preview.

    htmx gets the list, the numbers and what is wrong at the channels as they are now. This is the address that everybody
    types: whoever has no queue is led to the work of their own.
    """
    if not scope.may(Act.SEE_QUEUE):
        return redirect("desk:start")
    query, now = request.GET, timezone.now()
    wanted = desk_list(query, scope=scope, at=now)
    found = keyset.page(rows.lean(wanted.rows), order=wanted.order, cursor=query.get("c", ""), size=PAGE_SIZE)
    # A list that comes anew beside a preview shows nobody another refund: none is kept from colleagues for it.
    shown = queue_rows(
        found.rows, scope=scope, at=now, query=query, wanted=query.get("selected", ""), takes=not is_htmx(request)
    )
    # A page full of what waits for others hides what one may decide oneself.
    if not any(row.current for row in shown) and not query.get("c") and len(found.rows) == PAGE_SIZE:
        work = next_of(wanted, after=None, scope=scope, at=now)
        if work is not None and not is_htmx(request):
            return redirect(with_query(request.path, query, c=work.cursor, selected=work.number))
    done = reviewed_today(scope=scope, at=now)
    # Counted for the views already, unless the address narrows it.
    is_narrowed = filters.any_chosen(wanted.filters, query) or query.get("q")
    total = keyset.count(wanted.rows) if is_narrowed else saved_views.counts(scope=scope, at=now)[wanted.view.name]
    page = queue_page(
        wanted=wanted,
        rows=shown,
        pager=rows.pager(found, total=total, path=request.path, query=query),
        query=query,
        scope=scope,
        at=now,
        summary=done,
        empty=words_for(view=wanted.view, scope=scope, done=done, at=now),
    )
    page = replace(
        page,
        troubles=[
            *trouble.delayed(saved_views.counts(scope=scope, at=now)["delayed"]),
            *trouble.troubles(merchant_id=scope.staff.merchant_id, at=now),
        ],
    )
    current = next(((row, one) for row, one in zip(shown, found.rows, strict=True) if row.current), None)
    if is_htmx(request):
        # Whoever asks still has the refund of the address before them.
        if current is not None and current[0].number == query.get("selected"):
            people.has_before_them(current[1], staff=scope.staff, by=scope.by, at=now)
        return render_parts(request, "desk/queue.html", page, "list", "views", "today", "troubles")
    selected = None
    if current is not None:
        selected = find(scope, current[0].number)
        people.has_before_them(selected, staff=scope.staff, by=scope.by, at=now)
    page = replace(
        page,
        selected=refund(selected, scope=scope, at=now, url=current[0].leads.url) if selected and current else None,
        return_to=current[0].leads.return_to if current else reverse("desk:queue"),
        dialogs=dialogs(selected, at=now) if selected else None,
        setting_up=setting_up(scope),
    )
    return render_page(request, "desk/queue.html", page)


@staff_reads(Act.SEE_QUEUE)
def pane(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The preview beside the queue; a decision in it goes on with the next row.

    Where it is taken (``take``) as what somebody sees next, nothing comes of what a colleague works on: 204, and the desk goes
    on with the row behind.
    """
    now = timezone.now()
    found = find(scope, number)
    query = request.GET.copy()
    takes = query.pop("take", None)
    # Fetched ahead, nobody looks at it yet.
    if query.pop("ahead", None):
        if takes and not people.take_next(found, staff=scope.staff, at=now):
            return HttpResponse(status=204)
    else:
        people.has_before_them(found, staff=scope.staff, by=scope.by, at=now)
    following = query.pop("next", [""])[-1]
    leading = leads(number, query, following=str(following))
    page = PanePage(
        now=now,
        selected=refund(found, scope=scope, at=now, url=leading.url),
        return_to=leading.return_to,
        dialogs=dialogs(found, at=now),
    )
    return render_page(request, "desk/queue.html#pane", page)


@staff_posts(Act.CLAIM)
def claim_next(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Take on the unclaimed refund whose time is shortest."""
    try:
        claimed = deciding.claim_next(by=scope.by, at=timezone.now())
    except Conflict as error:
        messages.info(request, words.short(error))
        return go_on(request, with_query(reverse("desk:queue"), view="mine"))
    if claimed is None:
        messages.info(request, gettext("Nothing is left to claim that you may decide."))
        return go_on(request, return_to(request, reverse("desk:queue")))
    messages.success(request, gettext("%(number)s is yours.") % {"number": claimed.number})
    return go_on(request, with_query(reverse("desk:queue"), view="mine", selected=claimed.number))
