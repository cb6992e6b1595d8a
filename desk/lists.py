"""What the long lists share beside their filters: presets of days, sort, columns, one's own views, and taking them away.

All of it stands in the address: ``days`` is a preset, ``sort`` an order, ``cols`` the columns that are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from desk import filters, keyset
from desk.access import Scope
from desk.addresses import PLACE, with_query
from desk.filters import Menu, Option
from merchants import saved_views
from merchants.rights import Act

#: Sorted by amount is only what some days hold: no index has the rows of a long time in that order.
_DAYS_BY_AMOUNT = 7
_BY_AMOUNT = {"large": True, "small": False}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be shown or not; ``usual``: it is, unless the address says otherwise."""

    name: str
    label: Promise | str
    usual: bool = True


@dataclass(frozen=True, slots=True)
class OwnView:
    """A list as this person saved it."""

    name: str
    url: str
    current: bool
    remove_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """``query`` is what saving and exporting keep of the address; ``own`` without what is searched for."""

    page: str
    presets: Sequence[Option]
    menus: Sequence[Menu]
    views: Sequence[OwnView]
    shown: frozenset[str]
    query: str
    own: str
    may_export: bool


def tools(page: str, query: QueryDict, path: str, *, scope: Scope, columns: Sequence[Column], amounts: bool) -> Tools:
    """``amounts``: the list can be sorted by amount, too."""
    kept = QueryDict(mutable=True)
    kept.update({name: str(query[name]) for name in sorted(query) if query[name] and name not in PLACE})
    own = kept.copy()
    own.pop("q", None)
    shown = shown_of(query, columns)
    return Tools(
        page=page,
        presets=[
            Option(
                label=label,
                url=_of_days(path, query, name),
                current=query.get("days") == name and not (query.get("from") or query.get("to")),
            )
            for name, label in _presets()
        ],
        menus=[_sort_menu(query, path, amounts=amounts), _columns_menu(query, path, columns, shown)],
        views=[
            OwnView(
                view.name,
                f"{path}?{view.query}",
                view.query == own.urlencode(),
                reverse("desk:view-remove", args=[view.pk]),
            )
            for view in saved_views.of(page=page, by=scope.by)
        ],
        shown=shown,
        query=kept.urlencode(),
        own=own.urlencode(),
        may_export=scope.may(Act.EXPORT),
    )


def shown_of(query: QueryDict, columns: Sequence[Column]) -> frozenset[str]:
    wanted = set(query.get("cols", "").split("."))
    chosen = frozenset(column.name for column in columns if column.name in wanted)
    return chosen or frozenset(column.name for column in columns if column.usual)


def order(query: QueryDict, field: str) -> keyset.Order:
    """By this instant, or by amount where the days are few enough."""
    sort = query.get("sort", "")
    if sort in _BY_AMOUNT and _is_short(query):
        return keyset.Order("amount_fen", descending=_BY_AMOUNT[sort])
    return keyset.Order(field, descending=sort != "old")


def _is_short(query: QueryDict) -> bool:
    first, last = filters.span(query)
    return first is not None and last is not None and (last - first).days < _DAYS_BY_AMOUNT


def _presets() -> list[tuple[str, str]]:
    return [
        ("today", gettext("Today")),
        ("7", gettext("Last 7 days")),
        ("week", gettext("Last week")),
        ("month", gettext("This month")),
    ]


def _of_days(path: str, query: QueryDict, days: str, *, sort: str = "") -> str:
    """The list of a preset, without the days that were typed."""
    kept = query.copy()
    for name in ("from", "to"):
        kept.pop(name, None)
    return with_query(path, kept, days=days, sort=sort or str(query.get("sort", "")))


def _sort_menu(query: QueryDict, path: str, *, amounts: bool) -> Menu:
    current = query.get("sort", "") if query.get("sort") in ("old", *_BY_AMOUNT) else ""
    found = [("", gettext("Newest first")), ("old", gettext("Oldest first"))]
    if amounts:
        found += [
            ("large", gettext("Largest first (up to 7 days)")),
            ("small", gettext("Smallest first (up to 7 days)")),
        ]

    def url(name: str) -> str:
        if name in _BY_AMOUNT and not _is_short(query):
            return _of_days(path, query, "7", sort=name)
        return with_query(path, query, sort=name)

    options = [Option(label=label, url=url(name), current=name == current) for name, label in found]
    label = next(option.label for option in options if option.current) if current else ""
    return Menu(label=gettext("Sort"), current_label=label, options=options)


def _columns_menu(query: QueryDict, path: str, columns: Sequence[Column], shown: frozenset[str]) -> Menu:
    def toggled(name: str) -> str:
        wanted = shown ^ {name}
        return with_query(path, query, cols=".".join(column.name for column in columns if column.name in wanted))

    return Menu(
        label=gettext("Columns"),
        clear_url=with_query(path, query, cols="") if query.get("cols") else "",
        options=[
            Option(label=str(column.label), url=toggled(column.name), current=column.name in shown)
            for column in columns
        ],
    )
