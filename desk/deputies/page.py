"""Who decides for whom while they are away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk import people
from desk.access import Scope
from desk.filters import Choice
from merchants import delegations
from merchants.models import Delegation, Role, Staff
from merchants.rights import TABLE, Act

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Row:
    """``state`` is ``now``, ``later``, ``over``, ``revoked`` or ``void``."""

    delegation: Delegation
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeputiesPage:
    """``typed`` is what the form had, empty at first."""

    rows: Sequence[Row]
    people: Sequence[Choice]
    typed: Mapping[str, str]
    form_error: str


def deputies_page(*, scope: Scope, at: datetime, typed: Mapping[str, str], form_error: str) -> DeputiesPage:
    found = delegations.known_to(scope.by).select_related("absent", "deputy", "made_by")
    deciders = [role for role in Role if TABLE[Act.APPROVE].of_role(role)]
    staff = Staff.objects.filter(merchant_id=scope.staff.merchant_id, is_active=True, role__in=deciders)
    return DeputiesPage(
        rows=[Row(one, delegations.state_of(one, at=at)) for one in found.order_by("-ends_at", "-pk")[:_SHOWN]],
        people=[Choice(str(one.pk), people.with_role(one)) for one in staff.order_by("name", "pk")],
        typed=typed,
        form_error=form_error,
    )
