"""Who works here, and one of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.access import Scope
from desk.filters import Choice
from desk.templatetags.desk_format import yuan_plain
from merchants import second_factor, team
from merchants.models import AccessReset, Merchant, ResetKind, Role, Staff, Store
from merchants.rights import Act

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Row:
    """``state`` is ``in``, ``invited`` or ``off``; ``factor``: ``yes``, ``no``, or ``missing`` where one is required."""

    staff: Staff
    role: str
    stores: Sequence[str]
    state: str
    factor: str


@dataclass(frozen=True, slots=True)
class Link:
    """An address to hand over, shown this once; ``mailed_to`` "" where it was not mailed."""

    staff: Staff
    url: str
    is_reset: bool
    mailed_to: str
    mail_failed: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reset that a second person confirms; ``mine``: asked for by who looks at it."""

    row: AccessReset
    kind: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where somebody is placed, as typed; ``stores`` are ids as text."""

    login: str
    mail: str
    role: str
    stores: frozenset[str]
    all_stores: bool
    limit: str
    till_codes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPage:
    """``may_manage`` False: resets and deputies only."""

    rows: Sequence[Row]
    waiting: Sequence[Waiting]
    link: Link | None
    merchant: Merchant
    may_manage: bool
    may_delegate: bool
    roles: Sequence[Choice]
    stores: Sequence[Store]
    form: Form
    form_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPage:
    """One person; ``resets`` are what can be asked for. Oneself is only looked at."""

    row: Row
    link: Link | None
    waiting: Sequence[Waiting]
    resets: Sequence[Choice]
    is_self: bool
    may_manage: bool
    may_delegate: bool
    roles: Sequence[Choice]
    stores: Sequence[Store]
    form: Form
    form_error: str


EMPTY = Form(login="", mail="", role=Role.CASHIER, stores=frozenset(), all_stores=False, limit="", till_codes="")


def team_page(*, scope: Scope, at: datetime, form: Form, form_error: str, link: Link | None) -> TeamPage:
    merchant = scope.staff.merchant
    holders = second_factor.holders(merchant_id=merchant.pk)
    people = merchant.staff.prefetch_related("stores").order_by("-is_active", "name", "pk")[:_SHOWN]
    return TeamPage(
        rows=[_row(one, merchant, holders) for one in people],
        waiting=_waiting(scope, at),
        link=link,
        merchant=merchant,
        may_manage=scope.may(Act.MANAGE_TEAM),
        may_delegate=scope.may(Act.DELEGATE),
        roles=_roles(),
        stores=list(scope.stores()),
        form=form,
        form_error=form_error,
    )


def member_page(
    *, scope: Scope, staff: Staff, at: datetime, form: Form | None, form_error: str, link: Link | None
) -> MemberPage:
    is_self = staff.pk == scope.staff.pk
    merchant = scope.staff.merchant
    row = _row(staff, merchant, second_factor.holders(merchant_id=merchant.pk))
    waiting = [one for one in _waiting(scope, at) if one.row.staff_id == staff.pk]
    asked = {one.row.kind for one in waiting}
    may_reset = row.state == "in" and not is_self and scope.may(Act.RESET_ACCESS)
    kinds = (ResetKind.PASSWORD, ResetKind.SECOND_FACTOR) if may_reset else ()
    return MemberPage(
        row=row,
        link=link,
        waiting=waiting,
        resets=[Choice(kind.value, str(kind.label)) for kind in kinds if kind not in asked],
        is_self=is_self,
        may_manage=scope.may(Act.MANAGE_TEAM) and not is_self,
        may_delegate=scope.may(Act.DELEGATE),
        roles=_roles(),
        stores=list(scope.stores()),
        form=form or _form_of(staff),
        form_error=form_error,
    )


def _row(staff: Staff, merchant: Merchant, holders: Collection[int]) -> Row:
    staff.merchant = merchant
    has_one = staff.pk in holders
    state = "in" if staff.is_active else "invited" if team.is_invited(staff) else "off"
    factor = "yes" if has_one else "missing" if second_factor.is_required(staff) else "no"
    stores = [] if staff.all_stores else sorted(store.name for store in staff.stores.all())
    return Row(staff, str(Role(staff.role).label), stores, state, factor)


def _waiting(scope: Scope, at: datetime) -> list[Waiting]:
    rows = team.open_resets(merchant_id=scope.staff.merchant_id, at=at)
    return [Waiting(row, str(ResetKind(row.kind).label), row.asked_by_id == scope.staff.pk) for row in rows]


def _roles() -> list[Choice]:
    return [Choice(role.value, str(role.label)) for role in Role]


def _form_of(staff: Staff) -> Form:
    return Form(
        login=staff.username,
        mail="",
        role=staff.role,
        stores=frozenset(str(store.pk) for store in staff.stores.all()),
        all_stores=staff.all_stores,
        limit="" if staff.limit_fen is None else yuan_plain(staff.limit_fen),
        till_codes=", ".join(staff.till_codes),
    )
