"""What surrounds every staff page: navigation with counts, the merchant, the person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import get_language, gettext, ngettext, override

from core.plain_text import name_key
from desk import people
from desk.access import Scope, scope_of_request
from desk.by_hand.waiting import count
from desk.keyset import CAP, Capped
from desk.people import Person
from desk.queue.saved_views import counts
from desk.rendering import stands_at
from desk.settings.page import settings_rows
from desk.undo import Undoable, undoable
from integrations import endpoints
from merchants.models import Role
from merchants.policies import drafting
from merchants.rights import Act
from reconciliation import days
from refunds.follow_up import reports
from refunds.review import exporting, mentions
from refunds.review.exporting import Ready

_REFUND_PAGES = "/desk/refunds/"
_SALES = ("/desk/transactions/", "/desk/search")
_BY_HAND = ("/desk/by-hand/", "/desk/transfers")
_SHORT = {"en": "EN", "zh-hans": "中"}


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    label: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page in the navigation. A ``hot`` count is money that somebody has to look after."""

    label: str
    url: str
    icon: str
    current: bool
    count: Capped | None
    hot: bool


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    items: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """``tabs`` are the phone's bar; ``query`` is what the search box holds; ``downloads`` of those who take lists away."""

    merchant_name: str
    scope_label: str
    store_summary: str
    staff: Person
    role_label: Promise | str
    groups: Sequence[Group]
    tabs: Sequence[Entry]
    query: str
    downloads: Ready | None
    languages: Sequence[Language]
    undoable: Sequence[Undoable]
    unread: int
    now: datetime


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Nothing is read before a template asks: fragments and public pages cost nothing."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def languages() -> list[Language]:
    """The languages other than the one in use."""
    current = get_language()
    return [Language(code, label, _SHORT.get(code, code)) for code, label in settings.LANGUAGES if code != current]


def _shell(request: HttpRequest) -> Shell | None:
    scope, now = scope_of_request(request), timezone.now()
    if scope is None:
        return None
    staff = scope.staff
    groups = _groups(scope, stands_at(request), now)
    counted = scope.stores().order_by().aggregate(stores=Count("pk", distinct=True), tills=Count("terminals"))
    stores, tills = counted["stores"], counted["tills"]
    summary = (
        ngettext("%(n)s store", "%(n)s stores", stores) % {"n": stores},
        ngettext("%(n)s till", "%(n)s tills", tills) % {"n": tills},
    )
    return Shell(
        merchant_name=staff.merchant.name,
        scope_label=_scope_label(scope, stores),
        store_summary=" · ".join(summary),
        staff=people.named(pk=staff.pk, name=staff.name),
        role_label=Role(staff.role).label,
        groups=groups,
        tabs=[item for group in groups for item in group.items][:4],
        query=request.GET.get("q", "") if request.path == reverse("desk:search") else "",
        downloads=exporting.ready(scope.by) if scope.may(Act.EXPORT) else None,
        languages=languages(),
        undoable=undoable(request, scope, at=now),
        unread=mentions.unread(by=scope.by),
        now=now,
    )


def page_called(text: str, *, scope: Scope, at: datetime) -> str:
    """The address of the page that this person may open and that is called so, whole, by its beginning or by a part, in either
    language; empty for none or several.
    """
    wanted = name_key(text.strip().removeprefix(">"))
    found: dict[str, str] = {}
    for language, _ in settings.LANGUAGES if wanted else ():
        with override(language):
            found |= {name_key(label): url for label, url in _pages(scope, at)}
    if wanted in found:
        return found[wanted]
    begun = {url for label, url in found.items() if label.startswith(wanted)}
    # A part of a name is none while it may be a customer's: of two signs at least.
    within = {url for label, url in found.items() if wanted in label} if len(wanted) > 1 else set()
    return next((urls.pop() for urls in (begun, within) if len(urls) == 1), "")


def _pages(scope: Scope, at: datetime) -> Iterator[tuple[str, str]]:
    """What a person may open, by name: the pages beside every page, those of the settings, and those behind signs at the top."""
    for group in _groups(scope, "", at):
        yield from ((item.label, item.url) for item in group.items)
    for row in settings_rows(scope=scope):
        yield row.cells[0].text, row.cells[0].url
    yield gettext("Notices"), reverse("desk:staff-notices")
    yield gettext("My account"), reverse("desk:account")
    if scope.may(Act.EXPORT):
        yield gettext("Downloads"), reverse("desk:exports")


def _scope_label(scope: Scope, stores: int) -> str:
    if scope.store_ids is None:
        return gettext("All stores")
    names = list(scope.stores().values_list("name", flat=True)[:1])
    return names[0] if stores == 1 and names else gettext("%(n)s stores") % {"n": stores}


def _groups(scope: Scope, path: str, now: datetime) -> list[Group]:
    """Only what this person may open."""
    may = scope.may
    sees_queue, pays = may(Act.SEE_QUEUE), may(Act.PAY_CASH) or may(Act.PAY_BY_HAND)
    waiting = counts(scope=scope, at=now)["waiting"] if sees_queue else None
    by_hand = count(scope) if pays else None
    tasks = Capped(reports.open_reports(by=scope.by).order_by()[: CAP + 1].count()) if may(Act.ANSWER_REPORT) else None
    # Differences that wait for somebody.
    unresolved = days.open_differences(merchant_id=scope.staff.merchant_id) if may(Act.SEE_RECONCILIATION) else 0

    def entry(
        name: str,
        label: str,
        icon: str,
        *,
        count: Capped | None = None,
        hot: bool = False,
        within: tuple[str, ...] | None = None,
    ) -> Entry:
        """``within`` is where else it is current, by default below itself."""
        url = reverse(f"desk:{name}")
        current = path == url or path.startswith((f"{url}/",) if within is None else within)
        return Entry(label=label, url=url, icon=icon, current=current, count=count, hot=hot)

    # A refund's page belongs to the queue for those who work in it, to the list for the others.
    work = [
        sees_queue and entry("queue", gettext("Review queue"), "inbox", count=waiting, within=(_REFUND_PAGES,)),
        entry("new", gettext("New refund"), "circle-plus"),
        entry("refunds", gettext("All refunds"), "receipt-text", within=() if sees_queue else None),
        entry("transactions", gettext("Transactions"), "search", within=_SALES),
        pays and entry("by-hand", gettext("To pay by hand"), "hand-coins", count=by_hand, within=_BY_HAND),
        may(Act.APPROVE) and entry("second-looks", gettext("Second looks"), "glasses"),
        entry("no-receipt", gettext("Without a receipt"), "search-x"),
        may(Act.FILE_BATCH) and entry("batches", gettext("Batches"), "layers"),
        may(Act.FILE_BATCH) and entry("imports", gettext("Imports"), "file-input"),
        entry("incidents", gettext("Incidents"), "triangle-alert"),
        may(Act.ANSWER_REPORT)
        and entry("customer-reports", gettext("Follow-up"), "message-square-text", count=tasks or None, hot=True),
    ]
    figures = [may(Act.SEE_ANALYTICS) and entry("analytics", gettext("Refund analytics"), "chart-column")]
    money = [
        may(Act.SEE_RECONCILIATION)
        and entry(
            "reconciliation",
            gettext("Reconciliation"),
            "scale",
            count=Capped(unresolved) if unresolved else None,
            hot=True,
        )
    ]
    asked = drafting.waiting_for(scope.by).count() if may(Act.PUBLISH_POLICY) else 0
    silent = endpoints.given_up(scope.by) if may(Act.MANAGE_WEBHOOKS) else 0
    others = [
        entry("policy", gettext("Refund policy"), "book-open-check", count=Capped(asked) if asked else None, hot=True),
        sees_queue and entry("notifications", gettext("Notifications"), "bell"),
        may(Act.SET_HOURS) and entry("hours", gettext("Opening hours"), "calendar-clock"),
        (may(Act.MANAGE_TEAM) or may(Act.RESET_ACCESS)) and entry("team", gettext("Team"), "id-card"),
        may(Act.DELEGATE) and entry("deputies", gettext("Deputies"), "users"),
        may(Act.MANAGE_KEYS) and entry("api-keys", gettext("API keys"), "key-round"),
        may(Act.MANAGE_KEYS) and entry("developers", gettext("Developers"), "square-terminal", within=()),
        may(Act.MANAGE_WEBHOOKS)
        and entry("webhooks", gettext("Webhooks"), "send", count=Capped(silent) if silent else None, hot=True),
        may(Act.MANAGE_TILLS) and entry("terminals", gettext("Tills"), "monitor-smartphone"),
        may(Act.SEE_AUDIT) and entry("audit", gettext("Audit trail"), "scroll-text"),
        # Tills have an entry of their own.
        entry(
            "settings",
            gettext("All settings"),
            "settings",
            within=() if path.startswith(reverse("desk:terminals")) else ("/desk/settings/",),
        ),
    ]
    if may(Act.RUN_SHIFT):
        work.append(entry("shifts", gettext("Shift close"), "calculator"))
    groups = [
        Group(gettext("Refunds"), [item for item in work if item]),
        Group(gettext("Analysis"), [item for item in figures if item]),
        Group(gettext("Finance"), [item for item in money if item]),
        Group(gettext("Settings"), [item for item in others if item]),
    ]
    return [group for group in groups if group.items]
