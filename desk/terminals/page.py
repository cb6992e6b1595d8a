"""What the pages of tills show."""

from datetime import date, datetime, timedelta

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, pgettext

from core.calendar import SHANGHAI
from desk import filters, keyset, rows
from desk.access import Scope
from desk.addresses import with_query
from desk.filters import Choice, Filter, Option
from desk.forms import FormField, choice, text
from desk.settings.layout import Cell, Fact, Facts, Form, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_minute
from merchants.rights import Act
from refunds import queries
from terminals import tills
from terminals.models import Terminal

_PAGE = 50
_OF_DAYS = 30
#: A till that is switched on calls every few minutes.
SILENT_AFTER = timedelta(minutes=15)


def part_label(part: str) -> str:
    return {"display": gettext("Display"), "keyboard": gettext("Keyboard"), "printer": gettext("Printer")}[part]


def terminals_page(*, scope: Scope, query: QueryDict, at: datetime) -> SettingsPage:
    """The list, by the order in which they came; who may set them up registers one here."""
    path = reverse("desk:terminals")
    newest = tills.newest_version(merchant_id=scope.staff.merchant_id)
    today = at.astimezone(SHANGHAI).date()
    chosen = [filters.store(scope), _standing(at, today)]
    found = filters.apply(tills.tills_of(by=scope.by), chosen, query)
    shown = keyset.page(found, order=keyset.Order(), cursor=query.get("c", ""), size=_PAGE)
    total = keyset.count(found)
    since = at - timedelta(days=_OF_DAYS)
    failures = queries.failures_by_till(terminal_ids=[till.pk for till in shown.rows], since=since)
    table = Table(
        title=gettext("Tills"),
        columns=[
            gettext("Till"),
            gettext("Refunds at this till"),
            gettext("Parts"),
            gettext("Last heartbeat"),
            gettext("Software"),
            gettext("Next service"),
            gettext("Failed of its refunds"),
        ],
        rows=[
            Row(
                cells=[
                    Cell(
                        text=till.code,
                        sub=[line for line in (till.name, till.store.name) if line],
                        url=reverse("desk:terminal", args=[till.pk]),
                    ),
                    takes_refunds(till),
                    parts(till),
                    heartbeat(till, at),
                    software(till, newest),
                    service(till, today),
                    failed(till, failures, since),
                ]
            )
            for till in shown.rows
        ],
        nothing=gettext("No tills yet"),
        empty=gettext("Register the first one; how it is, and what it refunds, then stands here."),
        icon="monitor-smartphone",
        filters=filters.menus(chosen, query, path),
        clear_filters_url=path,
        pager=rows.pager(shown, total=total, path=path, query=query),
    )
    forms = [
        form(
            "register",
            title=gettext("Register a till"),
            url=path,
            button=gettext("Register the till"),
            fields=[
                text("code", gettext("Till number"), required=True, hint=gettext("As the till says it: POS-03")),
                text("name", gettext("Display name"), hint=gettext("What your people call it")),
                _store_field(scope, ""),
            ],
        )
    ]
    if scope.store_ids is None:
        forms.append(
            form(
                "newest",
                title=gettext("Newest software"),
                url=reverse("desk:terminals-newest"),
                button=gettext("Save the version"),
                fields=[text("version", gettext("Newest version"), scope.staff.merchant.newest_software_version)],
                note=gettext("Empty: the highest that any till has. It is %(version)s now.")
                % {"version": newest or "--"},
                tone="",
            )
        )
    notes = []
    if not scope.stores().exists():
        # Each stands in one.
        forms, url = [], reverse("desk:stores") if scope.may(Act.MANAGE_STORES) else ""
        said = gettext("A till stands in a store.")
        notes = [Cell(text=said, sub=[gettext("Open a store first")], url=url, icon="store")]
    return SettingsPage(
        title=gettext("Tills"),
        sub=gettext("What each till says of itself by its heartbeat, and what you say of it."),
        crumbs=[settings_crumb()],
        notes=notes,
        tables=[table],
        forms=forms,
    )


def terminal_page(*, scope: Scope, till: Terminal, at: datetime) -> SettingsPage:
    """One till."""
    newest = tills.newest_version(merchant_id=scope.staff.merchant_id)
    today, since = at.astimezone(SHANGHAI).date(), at - timedelta(days=_OF_DAYS)
    failures = queries.failures_by_till(terminal_ids=[till.pk], since=since)
    checked = [
        Fact(
            part_label(part),
            Cell(text=gettext("works"), tone="ok", icon="circle-check")
            if till.checks.get(part)
            else Cell(text=gettext("faulty"), tone="bad", icon="circle-alert")
            if part in till.checks
            else Cell(text=""),
        )
        for part in tills.PARTS
    ]
    facts = Facts(
        title=gettext("How it is"),
        facts=[
            Fact(gettext("Store"), Cell(text=till.store.name)),
            Fact(gettext("Refunds at this till"), takes_refunds(till)),
            Fact(gettext("Last heartbeat"), heartbeat(till, at)),
            *checked,
            Fact(gettext("Last check"), Cell(text=when_minute(till.checked_at))),
            Fact(gettext("Slips not printed"), Cell(text=str(till.missing_slips))),
            Fact(gettext("Software"), software(till, newest)),
            Fact(gettext("Next service"), service(till, today)),
            Fact(gettext("Failed of its refunds"), failed(till, failures, since)),
        ],
    )
    return SettingsPage(
        title=till.name or till.code,
        sub=gettext("%(till)s in %(store)s") % {"till": till.code, "store": till.store.name},
        crumbs=[settings_crumb(), Option(label=gettext("Tills"), url=reverse("desk:terminals"))],
        facts=[facts],
        forms=[_switch_form(till), _change_form(scope, till)],
    )


def _switch_form(till: Terminal) -> Form:
    url = reverse("desk:terminal-refunds", args=[till.pk])
    if till.refunds_enabled:
        return form(
            "refunds",
            title=gettext("Take no refunds here"),
            url=url,
            button=gettext("Switch refunds off"),
            fields=[text("reason", gettext("Why"), required=True)],
            note=gettext("Requests from this till are refused until it is switched on again; others are not touched."),
            tone="danger",
        )
    return form(
        "refunds",
        title=gettext("Take refunds here again"),
        url=url,
        button=gettext("Switch refunds on"),
        note=gettext("It was switched off because: %(reason)s") % {"reason": till.refunds_off_reason or "--"},
    )


def _change_form(scope: Scope, till: Terminal) -> Form:
    day = till.next_service_date
    return form(
        "change",
        title=gettext("What you say of it"),
        url=reverse("desk:terminal", args=[till.pk]),
        button=gettext("Save"),
        fields=[
            text("name", gettext("Display name"), till.name),
            _store_field(scope, till.store.code),
            text("next_service_date", gettext("Next service"), day.isoformat() if day else "", kind="date"),
        ],
        tone="",
    )


def _store_field(scope: Scope, code: str) -> FormField:
    choices = [Choice(store.code, store.name) for store in scope.stores()]
    return choice("store", gettext("Store"), choices, code)


def _standing(at: datetime, today: date) -> Filter:
    conditions = {
        "off": Q(refunds_enabled=False),
        "fault": Q(checks__display=False) | Q(checks__keyboard=False) | Q(checks__printer=False),
        "silent": Q(last_seen_at=None) | Q(last_seen_at__lt=at - SILENT_AFTER),
        "service": Q(next_service_date__lte=today),
    }
    choices = [
        Choice("off", gettext("Takes no refunds")),
        Choice("fault", gettext("A part is faulty")),
        Choice("silent", gettext("Silent")),
        Choice("service", gettext("Service is due")),
    ]
    return Filter("standing", gettext("State"), choices, lambda value: conditions[value])


def takes_refunds(till: Terminal) -> Cell:
    if till.refunds_enabled:
        return Cell(text=pgettext("till", "on"), tone="ok", icon="circle-check")
    return Cell(text=pgettext("till", "off"), tone="bad", icon="ban", sub=[till.refunds_off_reason])


def parts(till: Terminal) -> Cell:
    """Display, keyboard and printer in one."""
    broken = tills.faults(till)
    checked = [when_minute(till.checked_at)] if till.checked_at else []
    if broken:
        return Cell(text=gettext(", ").join(map(part_label, broken)), tone="bad", icon="circle-alert", sub=checked)
    if not till.checks:
        return Cell(text=gettext("never checked"), tone="", icon="circle-dashed")
    return Cell(text=gettext("work"), tone="ok", icon="circle-check", sub=checked)


def heartbeat(till: Terminal, at: datetime) -> Cell:
    if till.last_seen_at is None:
        return Cell(text=gettext("none yet"), icon="circle-dashed")
    if till.last_seen_at < at - SILENT_AFTER:
        return Cell(text=gettext("silent"), tone="warn", icon="wifi-off", sub=[when_minute(till.last_seen_at)])
    return Cell(text=when_minute(till.last_seen_at))


def software(till: Terminal, newest: str) -> Cell:
    if not till.software_version:
        return Cell(text="")
    if tills.is_old(till, newest=newest):
        newer = gettext("newest is %(version)s") % {"version": newest}
        return Cell(text=till.software_version, tone="warn", icon="circle-arrow-up", sub=[newer])
    return Cell(text=till.software_version, sub=[gettext("up to date")])


def service(till: Terminal, today: date) -> Cell:
    day = till.next_service_date
    if day is None:
        return Cell(text="")
    if day <= today:
        return Cell(text=day.isoformat(), tone="warn", icon="wrench", sub=[pgettext("of a service", "due")])
    return Cell(text=day.isoformat())


def failed(till: Terminal, failures: dict[int, tuple[int, int]], since: datetime) -> Cell:
    """Of the last thirty days, with the way to those that failed."""
    asked, lost = failures.get(till.pk, (0, 0))
    if not asked:
        return Cell(text="", sub=[gettext("none in 30 days")])
    # Codes repeat from store to store.
    url = with_query(
        reverse("desk:refunds"),
        store=till.store.code,
        terminal=till.code,
        created_after=since.date().isoformat(),
    )
    share = f"{100 * lost / asked:.1f}%"
    return Cell(text=share, sub=[gettext("%(n)s of %(all)s in 30 days") % {"n": lost, "all": asked}], url=url)
