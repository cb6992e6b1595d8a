"""Which messages the list shows for an address, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.numbers import refund_number
from desk import filters, keyset
from desk.access import Scope
from desk.filters import Choice, Filter
from desk.lists import Column
from refunds.models import Notification
from refunds.models.notification import Medium, NotificationState

COLUMNS = (
    Column("at", _("Time")),
    Column("told", _("Told")),
    Column("medium", _("Medium")),
    Column("to", pgettext_lazy("of a message", "To")),
    Column("tries", _("Tries")),
    Column("state", _("State")),
)


@dataclass(frozen=True, slots=True)
class Listed:
    filters: Sequence[Filter]
    rows: QuerySet[Notification]
    order: keyset.Order


def listed(query: QueryDict, *, scope: Scope) -> Listed:
    """By state, medium and days; a search names a refund."""
    chosen = [
        Filter("state", gettext("State"), _choices(NotificationState), lambda value: Q(state=value)),
        Filter("medium", gettext("Medium"), _choices(Medium), lambda value: Q(medium=value)),
    ]
    found = filters.within_days(filters.apply(scope.notifications(), chosen, query), "created_at", query)
    text = query.get("q", "").strip()
    if text:
        # Numbers are in capitals; asking the database to fold its own would read them all.
        found = found.filter(request__number=refund_number(text) or text.upper())
    return Listed(chosen, found, keyset.Order("created_at", descending=query.get("sort") != "old"))


def _choices(of: type[NotificationState] | type[Medium]) -> list[Choice]:
    return [Choice(item.value, str(item.label)) for item in of]
