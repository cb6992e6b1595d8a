"""From a figure to the list that shows exactly the refunds it counts, and what the list makes of such an address.

Beside the list's own filters these parameters narrow it: ``states``, ``reasons``, ``channels`` (several, with commas; also
values that the list's menus do not offer), ``by_rule`` (1 or 0), ``cashier``, ``terminal`` (a till's code), ``failure`` (the
channel's code of the payout that failed last, or - for none), ``late`` (1), and ``created_after``, ``created_before``,
``succeeded_after``, ``succeeded_before``: a day of the calendar in Shanghai, which belongs to the span, or an instant, up to
but without which it reaches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from analytics.periods import Period
from analytics.statements import DECIDED, GRANTED, OPEN
from core.calendar import SHANGHAI, midnight
from core.plain_text import listed
from desk.addresses import with_query
from desk.filters import Menu
from merchants import channels
from refunds.models import Execution, RefundRequest
from refunds.states import PAID, ExecutionState, Reason, State

_SPANS = ("created", "succeeded")
#: Parameters that may name several values -> their fields.
_SEVERAL = {"states": "state", "reasons": "reason", "channels": "channel"}
_BOUNDS = tuple(f"{span}_{end}" for span in _SPANS for end in ("after", "before"))
PARAMETERS = (
    "states",
    "reasons",
    "channels",
    "by_rule",
    "cashier",
    "customer",
    "terminal",
    "failure",
    "late",
    *_BOUNDS,
)

#: How an address names the failures for which the channel gave no code.
NO_CODE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses of the list for one period, store and channel ("" for all)."""

    period: Period
    store: str = ""
    channel: str = ""

    def submitted(self, **narrowed: str) -> str:
        """The refunds submitted in the period."""
        return self._list("created", self._days(), narrowed)

    def succeeded(self, **narrowed: str) -> str:
        """The refunds whose money came back in the period."""
        return self._list("succeeded", self._days(), narrowed)

    def succeeded_before(self, **narrowed: str) -> str:
        """The refunds whose money came back in the period before, up to the same stage of it."""
        bounds = self.period.previous_start_at.isoformat(), self.period.previous_end_at.isoformat()
        return self._list("succeeded", bounds, narrowed)

    def succeeded_in_bucket(self, index: int) -> str:
        """The refunds of one bar."""
        if self.period.by_hour:
            start, end = self.period.bucket_span(index)
            return self._list("succeeded", (start.isoformat(), end.isoformat()), {})
        first, last = self.period.bucket_dates(index)
        return self._list("succeeded", (first.isoformat(), last.isoformat()), {})

    def _days(self) -> tuple[str, str]:
        return self.period.first_date.isoformat(), self.period.last_date.isoformat()

    def _list(self, span: str, bounds: tuple[str, str], narrowed: dict[str, str]) -> str:
        pairs = {"store": self.store, "channel": self.channel, **narrowed}
        pairs |= {f"{span}_after": bounds[0], f"{span}_before": bounds[1]}
        return f"{reverse('desk:refunds')}?{urlencode({name: value for name, value in pairs.items() if value})}"


def several(values: Iterable[str]) -> str:
    """How one parameter names several states or reasons."""
    return ",".join(sorted(values))


# --- the list's side --------------------------------------------------------------------------------------------------


def narrow(rows: QuerySet[Any], query: QueryDict, *, now: datetime) -> QuerySet[Any]:
    """The rows that an address from a figure asks for. Nonsense in it finds nothing rather than everything."""
    for name in PARAMETERS:
        value = query.get(name, "")
        if value:
            condition = _condition(name, value, now)
            rows = rows.none() if condition is None else rows.filter(condition)
    return rows


def chips(query: QueryDict, path: str) -> list[Menu]:
    """What the list is narrowed to, in words, each to be cleared; in the form of the list's filter menus."""
    found = [
        (name, label, value)
        for name, label in (
            ("states", gettext("State")),
            ("reasons", gettext("Reason")),
            ("channels", gettext("Channel")),
            ("by_rule", gettext("Approval")),
            ("cashier", gettext("Cashier")),
            ("customer", gettext("Customer of")),
            ("terminal", gettext("Till")),
            ("failure", gettext("Why it failed")),
            ("late", gettext("Due time")),
        )
        if (value := query.get(name, ""))
    ]
    shown = [_chip(label, _worded(name, value), query, path, (name,)) for name, label, value in found]
    for span, label in (("created", gettext("Submitted")), ("succeeded", gettext("Refunded"))):
        bounds = (f"{span}_after", f"{span}_before")
        given = [query.get(name, "")[:16].replace("T", " ") for name in bounds]
        if any(given):
            shown.append(_chip(label, " – ".join(given), query, path, bounds))
    return shown


def _chip(label: str, text: str, query: QueryDict, path: str, names: tuple[str, ...]) -> Menu:
    clear_url = with_query(path, query, keep=False, **dict.fromkeys(names, ""))
    return Menu(label=label, current_label=text, clear_url=clear_url)


def _worded(name: str, value: str) -> str:
    if name == "states":
        groups = {
            several(PAID): gettext("refunded"),
            several(GRANTED): gettext("approved"),
            several(OPEN): gettext("open"),
        }
        groups[several(DECIDED)] = gettext("decided")
        if value in groups:
            return groups[value]
        labels = dict(State.choices)
    elif name == "reasons":
        labels = dict(Reason.choices)
    elif name == "channels":
        return listed(channels.label(code) for code in value.split(","))
    elif name == "by_rule":
        return gettext("by rule") if value == "1" else gettext("by a person")
    elif name == "late":
        return gettext("missed")
    else:
        return value
    return listed(labels.get(item, item) for item in value.split(","))


def _condition(name: str, value: str, now: datetime) -> Q | Exact | None:
    if name in _BOUNDS:
        return _bound(name, value)
    if name in _SEVERAL:
        return Q(**{f"{_SEVERAL[name]}__in": value.split(",")})
    if name == "cashier":
        return Q(cashier=value)
    if name == "customer":
        # By a refund of theirs: no address holds a phone.
        theirs = RefundRequest.objects.filter(number=value).values("customer_phone_hash")
        return Q(customer_phone_hash=Subquery(theirs[:1]))
    if name == "terminal":
        return Q(terminal__code=value)
    if name == "failure":
        failed = Execution.objects.filter(request=OuterRef("pk"), state=ExecutionState.FAILED).order_by("-attempt_no")
        return Exact(Subquery(failed.values("failure_code")[:1]), "" if value == NO_CODE else value)
    if name == "by_rule":
        return Q(by_rule=value == "1") if value in ("0", "1") else None
    late = Q(state__in=DECIDED, decided_at__gt=F("due_at")) | Q(state=State.IN_REVIEW, due_at__lt=now)
    return late if value == "1" else None


def _bound(name: str, value: str) -> Q | None:
    span, end = name.split("_")
    comparison = f"{span}_at__{'gte' if end == 'after' else 'lt'}"
    try:
        if len(value) == len("yyyy-mm-dd"):
            day = date.fromisoformat(value)
            instant = midnight(day if end == "after" else day + timedelta(days=1))
        else:
            instant = datetime.fromisoformat(value)
            instant = instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
        condition = Q(**{comparison: instant})
        if (span, end) == ("succeeded", "before"):
            # Who was paid by then had asked by then, clocks of channels allowed for: said so, a list of a day long ago begins
            # there, instead of walking from today through all that came since.
            condition &= Q(created_at__lt=instant + timedelta(days=1))
    except (ValueError, OverflowError):
        return None
    return condition
