"""Deciding for colleagues who are away: given by those who have the right themselves, for a time, and never passed on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from core.audit.record import record_of
from core.errors import Invalid, NotFound
from merchants import policies, principals
from merchants.models import Delegation, Merchant, Staff
from merchants.principals import Principal
from merchants.rights import TABLE, Act, check_may, may

#: Whoever is away for longer has a successor.
LONGEST = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Deputyship:
    """For whom somebody may decide at this moment, and up to how much (None: all that the absent person may)."""

    absent: Principal
    limit_fen: int | None

    def covers(self, *, roles: Collection[str], store_id: int, amount_fen: int) -> bool:
        """Whether the absent person could decide it, and the limit lets it pass."""
        within = self.limit_fen is None or amount_fen <= self.limit_fen
        return within and self.absent.decides(roles=roles, amount_fen=amount_fen) and self.absent.works_in(store_id)


@transaction.atomic
def give(
    *,
    absent: int,
    deputy: int,
    starts_at: datetime,
    ends_at: datetime,
    limit_fen: int | None,
    by: Principal,
    at: datetime,
) -> Delegation:
    """Let ``deputy`` decide what ``absent`` may. Ids are those of staff. Raises ``Forbidden``, ``NotFound`` or ``Invalid``.

    Nobody makes themselves a deputy or gives more than they have; what one decides as a deputy is not passed on, for only a
    person's own role counts.
    """
    check_may(Act.DELEGATE, by=by)
    assert by.staff_id is not None  # the table lets nobody else
    Merchant.objects.select_for_update().get(pk=by.acting_for)
    people = Staff.objects.filter(merchant_id=by.acting_for, is_active=True).in_bulk({absent, deputy})
    if absent not in people or deputy not in people:
        raise NotFound("there is no such colleague")
    if deputy in (absent, by.person_id):
        raise Invalid("nobody is their own deputy, or makes themselves one", code="delegation_to_oneself")
    if not (at < ends_at and starts_at < ends_at <= starts_at + LONGEST):
        raise Invalid("a delegation ends after it starts, in the future, within 92 days", code="delegation_time")
    if limit_fen is not None and limit_fen <= 0:
        raise Invalid("the limit is above zero", code="delegation_limit")
    if not all(TABLE[Act.APPROVE].of_role(person.role) for person in people.values()):
        raise Invalid("both decide refunds by their role", code="delegation_role")
    if not _has(principals.of_staff(people[absent]), limit_fen=limit_fen, by=by, at=at):
        raise Invalid("nobody gives more than they decide themselves", code="delegation_too_much")
    row = Delegation.objects.create(
        merchant_id=by.acting_for,
        absent_id=absent,
        deputy_id=deputy,
        starts_at=starts_at,
        ends_at=ends_at,
        limit_fen=limit_fen,
        made_by_id=by.staff_id,
        made_at=at,
    )
    _record(row, "delegation.give", by=by, at=at)
    return row


def known_to(by: Principal) -> QuerySet[Delegation]:
    """Those that somebody may know of and end: of people who decide in a store of theirs."""
    rows = Delegation.objects.filter(merchant_id=by.acting_for)
    if by.stores is None:
        return rows
    return rows.filter(absent__in=Staff.objects.filter(Q(all_stores=True) | Q(stores__in=by.stores)))


@transaction.atomic
def revoke(*, delegation_id: int, by: Principal, at: datetime) -> Delegation:
    """End it now. One that is over stays as it is. Raises ``Forbidden`` or ``NotFound``."""
    check_may(Act.DELEGATE, by=by)
    row = known_to(by).select_for_update(of=("self",)).filter(pk=delegation_id).first()
    if row is None:
        raise NotFound("there is no such delegation")
    if row.revoked_at is not None or row.ends_at <= at:
        return row
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])
    _record(row, "delegation.revoke", by=by, at=at)
    return row


def in_force(*, by: Principal, at: datetime) -> tuple[Deputyship, ...]:
    """For whom this person decides now. An account that is switched off gives nothing, and nobody more than they could give
    today: who was put elsewhere since, or whoever is away was promoted, is asked anew.
    """
    if by.staff_id is None:
        return ()
    rows = Delegation.objects.filter(deputy_id=by.staff_id, ends_at__gt=at, starts_at__lte=at, revoked_at=None)
    known = rows.filter(absent__is_active=True).select_related("absent", "made_by").order_by("pk")
    return tuple(Deputyship(principals.of_staff(row.absent), row.limit_fen) for row in known if stands(row, at=at))


def stands(row: Delegation, *, at: datetime) -> bool:
    """Whether whoever gave it could give as much today. The row comes with its people."""
    giver, absent = (principals.of_staff(one) for one in (row.made_by, row.absent))
    return may(Act.DELEGATE, by=giver) and _has(absent, limit_fen=row.limit_fen, by=giver, at=at)


def state_of(row: Delegation, *, at: datetime) -> str:
    """``row.state``, or ``void`` for one that would hold and does not any more. The row comes with its people."""
    state = row.state(at)
    holds = row.absent.is_active and stands(row, at=at)
    return state if holds or state not in ("now", "later") else "void"


def _has(absent: Principal, *, limit_fen: int | None, by: Principal, at: datetime) -> bool:
    """Whether ``by`` decides themselves all that they would give away."""
    own = by.stores is None or (absent.stores is not None and absent.stores <= by.stores)
    rules = policies.rules_in_force(merchant_id=by.acting_for, at=at)
    most_fen = min((fen for fen in (limit_fen, absent.limit_fen) if fen is not None), default=None)
    own = own and (by.limit_fen is None or (most_fen is not None and most_fen <= by.limit_fen))
    return own and not any(absent.role in tier.roles and by.role not in tier.roles for tier in rules.tiers)


def _record(row: Delegation, action: str, *, by: Principal, at: datetime) -> None:
    record_of(
        row,
        by=by.actor,
        action=action,
        at=at,
        data={
            "absent": row.absent.name,
            "deputy": row.deputy.name,
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "limit_fen": row.limit_fen,
        },
    )
