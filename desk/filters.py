"""Filters of the lists: each is a name in the URL, its choices, and what it does to the rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext

from core.calendar import midnight
from desk.access import Scope
from desk.addresses import with_one, with_query
from merchants import channels
from refunds.models import Leg
from refunds.states import IN_TRANSIT, Reason, State


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


def choices(pairs: Iterable[tuple[str, Promise | str]]) -> list[Choice]:
    """Of values and their labels, as an enumeration's ``choices`` are."""
    return [Choice(value, str(label)) for value, label in pairs]


@dataclass(frozen=True, slots=True)
class Filter:
    """``condition`` makes of a chosen value what the rows must meet; values that are no choice are ignored."""

    name: str
    label: str
    choices: Sequence[Choice]
    condition: Callable[[str], Q]

    def chosen(self, query: QueryDict) -> Choice | None:
        """The choice that the URL names, if it is one."""
        wanted = query.get(self.name, "")
        return next((choice for choice in self.choices if choice.value == wanted), None)


def apply(rows: QuerySet[Any], filters: Iterable[Filter], query: QueryDict) -> QuerySet[Any]:
    """The rows that meet every chosen filter."""
    for item in filters:
        choice = item.chosen(query)
        if choice is not None:
            rows = rows.filter(item.condition(choice.value))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A link among others of which one is ``current``."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A filter as a chip; empty texts hide what they would say."""

    label: str
    current_label: str = ""
    clear_url: str = ""
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a form carries along unseen."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What narrows a list: the search, the days and the chips, and what its search form carries along unseen."""

    query: str
    filters: Sequence[Menu]
    has_filters: bool
    clear_filters_url: str
    date_from: str
    date_to: str
    hidden: Sequence[Hidden]


def narrowed(
    filters: Sequence[Filter], query: QueryDict, path: str, *, more: Sequence[Menu] = (), others: Sequence[str] = ()
) -> Narrowed:
    """``more`` are chips, and ``others`` parameters, that are none of the list's own filters."""
    return Narrowed(
        query=query.get("q", "").strip(),
        filters=[*menus(filters, query, path), *more],
        has_filters=any_chosen(filters, query) or any(query.get(name) for name in ("from", "to", "days", *others)),
        clear_filters_url=with_query(path),
        date_from=iso_day(query, "from"),
        date_to=iso_day(query, "to"),
        hidden=hidden(filters, query, "days", "sort", "cols", *others),
    )


def menus(filters: Iterable[Filter], query: QueryDict, path: str) -> list[Menu]:
    """The filters as the page's chips."""
    return [_menu(item, query, path) for item in filters if item.choices]


def _menu(item: Filter, query: QueryDict, path: str) -> Menu:
    chosen = item.chosen(query)
    return Menu(
        label=item.label,
        current_label=chosen.label if chosen else "",
        clear_url=with_one(path, query, item.name, "") if chosen else "",
        options=[
            Option(label=choice.label, url=with_one(path, query, item.name, choice.value), current=choice == chosen)
            for choice in item.choices
        ],
    )


def any_chosen(filters: Iterable[Filter], query: QueryDict) -> bool:
    return any(item.chosen(query) for item in filters)


def hidden(filters: Iterable[Filter], query: QueryDict, *others: str) -> list[Hidden]:
    """What a search form must carry along: the chosen filters and other parameters by name."""
    names = [*(item.name for item in filters if item.chosen(query)), *others]
    return [Hidden(name, query.get(name, "")) for name in names if query.get(name)]


# --- the filters --------------------------------------------------------------------------------------------------


def store(scope: Scope) -> Filter:
    stores = list(scope.stores().values_list("code", "name", "pk"))
    choices = [Choice(code, name) for code, name, _ in stores]
    ids = {code: pk for code, _, pk in stores}
    # By its id, not by a join: only then is the store's own index of the list chosen. One store is no choice.
    return Filter("store", gettext("Store"), choices if len(choices) > 1 else [], lambda code: Q(store_id=ids[code]))


def channel(scope: Scope) -> Filter:
    accounts = scope.staff.merchant.channel_accounts.order_by("channel").values_list("channel", flat=True).distinct()
    choices = [Choice(code, channels.label(code)) for code in accounts]
    return Filter("channel", gettext("Channel"), choices, lambda code: Q(channel=code))


def channel_of_refund(scope: Scope) -> Filter:
    """The same of refunds: an order of several payments goes back by each of their channels."""
    return replace(channel(scope), condition=_goes_back_by)


def _goes_back_by(code: str) -> Q:
    leg = Leg.objects.filter(request=OuterRef("pk"), transaction__channel=code)
    return Q(channel=code) | Q(Exists(leg), leg_count__gt=0)


def reason() -> Filter:
    choices = [Choice(item.value, str(item.label)) for item in Reason]
    return Filter("reason", gettext("Reason"), choices, lambda code: Q(reason=code))


def state() -> Filter:
    states = [item for item in State if item not in IN_TRANSIT]
    choices = [Choice(item.value, str(item.label)) for item in states]
    return Filter("state", gettext("State"), choices, lambda code: Q(state=code))


#: Bounds in fen, lower one included, upper one too.
_AMOUNTS: tuple[tuple[str, int | None, int | None], ...] = (
    ("-50", None, 5_000),
    ("50-200", 5_001, 20_000),
    ("200-1000", 20_001, 100_000),
    ("1000-", 100_001, None),
)


def amount() -> Filter:
    labels = (
        gettext("up to ¥50"),
        gettext("¥50 to ¥200"),
        gettext("¥200 to ¥1,000"),
        gettext("above ¥1,000"),
    )
    choices = [Choice(code, label) for (code, _, _), label in zip(_AMOUNTS, labels, strict=True)]
    return Filter("amount", gettext("Amount"), choices, _amount_condition)


def _amount_condition(code: str) -> Q:
    _, least, most = next(item for item in _AMOUNTS if item[0] == code)
    condition = Q()
    if least is not None:
        condition &= Q(amount_fen__gte=least)
    if most is not None:
        condition &= Q(amount_fen__lte=most)
    return condition


# --- days ---------------------------------------------------------------------------------------------------------


def day(query: QueryDict, name: str) -> date | None:
    """A day of the calendar from the URL; None for none or nonsense."""
    return day_typed(query.get(name, ""))


def day_typed(text: str) -> date | None:
    """The same of a text. Days far off, from which others cannot be reckoned, are nonsense."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def within_days(rows: QuerySet[Any], field: str, query: QueryDict) -> QuerySet[Any]:
    """The rows of the days of ``span``, both included, as Shanghai counts them."""
    first, last = span(query)
    if first is not None:
        rows = rows.filter(**{f"{field}__gte": midnight(first)})
    if last is not None and last < date.max:
        rows = rows.filter(**{f"{field}__lt": midnight(last + timedelta(days=1))})
    return rows


def span(query: QueryDict) -> tuple[date | None, date | None]:
    """The days ``from`` and ``to``, or those of the preset ``days``: relative, so that an address stays what it says."""
    first, last = day(query, "from"), day(query, "to")
    if first is not None or last is not None:
        return first, last
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    return {
        "today": (today, today),
        "7": (today - timedelta(days=6), today),
        "week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "month": (today.replace(day=1), today),
    }.get(query.get("days", ""), (None, None))


def iso_day(query: QueryDict, name: str) -> str:
    found = day(query, name)
    return found.isoformat() if found else ""
