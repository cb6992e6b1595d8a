"""Who works here: invited, placed, switched off, and let in anew by two people.

Nobody places themselves. Whoever acts is looked at again under the merchant's lock: of two owners who switch each other off at
once, one does.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from core.audit.actors import Actor
from core.audit.record import record, record_of
from core.errors import Conflict, Forbidden, Invalid, NotFound
from merchants import invitations, principals, second_factor
from merchants.models import AccessReset, Merchant, ResetKind, Role, Staff, Store
from merchants.principals import Principal
from merchants.rights import TABLE, Act, check_may

#: How long the second of two people has.
RESET_WAITS: Final = timedelta(hours=24)
#: The part of a login after the merchant's code; what follows the code cannot collide with another merchant's.
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,30}")
_MOST_CODES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What somebody is here: role, stores (all only where that is said), own limit in fen (None: the role's), codes at tills."""

    role: str
    store_ids: frozenset[int]
    all_stores: bool
    limit_fen: int | None
    till_codes: tuple[str, ...]


@transaction.atomic
def invite(*, login: str, place: Place, by: Principal, at: datetime) -> tuple[Staff, str]:
    """A person who is not in yet, and the token of their link. Raises ``Forbidden`` or ``Invalid``."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    staff = _made(merchant, login, place, at=at)
    token = invitations.make(staff=staff, is_reset=False, by=by, at=at)
    _record(staff, "staff.invite", by.actor, at, login=staff.username, **_said(place))
    return staff, token


@transaction.atomic
def invite_owner(*, merchant: Merchant, name: str, at: datetime) -> tuple[Staff, str]:
    """An owner, from the shell: the first of a new merchant, or a further one where nobody can sign in any more."""
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    number = merchant.staff.filter(username__startswith=f"{merchant.code.lower()}.owner").count()
    place = Place(role=Role.OWNER, store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())
    staff = _made(merchant, f"owner{number + 1 if number else ''}", place, at=at, name=name)
    token = invitations.make(staff=staff, is_reset=False, by=principals.SYSTEM, at=at)
    _record(staff, "staff.invite", principals.SYSTEM.actor, at, login=staff.username, **_said(place))
    return staff, token


def _made(merchant: Merchant, login: str, place: Place, *, at: datetime, name: str = "") -> Staff:
    prefix = f"{merchant.code.lower()}."
    local = login.strip().lower().removeprefix(prefix)
    if not _LOGIN.fullmatch(local):
        raise Invalid("a login is letters, digits, dots and dashes", code="login_invalid")
    _check(merchant, place, but=None)
    staff = Staff(merchant=merchant, username=prefix + local, name=name or local, is_active=False, created_at=at)
    staff.set_unusable_password()
    _put(staff, place)
    try:
        with transaction.atomic():
            staff.save()
    except IntegrityError as error:
        raise Invalid("choose another login", code="login_taken") from error
    staff.stores.set(place.store_ids)
    return staff


@transaction.atomic
def invite_again(*, staff_id: int, by: Principal, at: datetime) -> tuple[Staff, str]:
    """A new link for somebody who has not come in yet; the old one is void."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    staff = _colleague(merchant, staff_id, by)
    if not is_invited(staff):
        raise Conflict("they are in already", code="not_invited")
    token = invitations.make(staff=staff, is_reset=False, by=by, at=at)
    _record(staff, "staff.invite", by.actor, at, login=staff.username)
    return staff, token


def is_invited(staff: Staff) -> bool:
    """Whether they have never set a password."""
    return not staff.is_active and not staff.has_usable_password()


@transaction.atomic
def place(*, staff_id: int, place: Place, by: Principal, at: datetime) -> Staff:
    """Say anew what somebody is. Another role ends their sessions; stores and limit count from their next page on."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    staff = _colleague(merchant, staff_id, by)
    _check(merchant, place, but=staff)
    before = place_of(staff)
    if before == place:
        return staff
    _put(staff, place)
    staff.save()
    staff.stores.set(place.store_ids)
    _record(staff, "staff.place", by.actor, at, before=_said(before), after=_said(place))
    return staff


def place_of(staff: Staff) -> Place:
    """What somebody is at this moment."""
    return Place(
        role=staff.role,
        store_ids=frozenset(staff.stores.values_list("pk", flat=True)),
        all_stores=staff.all_stores,
        limit_fen=staff.limit_fen,
        till_codes=tuple(staff.till_codes),
    )


@transaction.atomic
def switch(*, staff_id: int, on: bool, by: Principal, at: datetime) -> Staff:
    """Switch an account off, which ends its sessions and links at once and for good, or on again."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    staff = _colleague(merchant, staff_id, by)
    if on and not staff.has_usable_password():
        raise Conflict("they have no password: send a link", code="not_invited")
    invitations.revoke(staff=staff, at=at)
    if staff.is_active != on:
        staff.is_active = on
        staff.save()
        _record(staff, "staff.activate" if on else "staff.deactivate", by.actor, at)
    return staff


# --- what takes two people --------------------------------------------------------------------------------------------


@transaction.atomic
def require_second_factor(*, by: Principal, at: datetime) -> None:
    """From now on nobody who decides signs in without one; sessions of those who have none end."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    if merchant.requires_second_factor:
        return
    merchant.requires_second_factor = True
    merchant.save(update_fields=["requires_second_factor"])
    holders = second_factor.holders(merchant_id=merchant.pk)
    for staff in merchant.staff.filter(is_active=True).order_by("pk").select_for_update(of=("self",)):
        staff.merchant = merchant
        if second_factor.is_required(staff) and staff.pk not in holders:
            staff.session_epoch += 1
            staff.save(update_fields=["session_epoch"])
    _record_of_merchant(merchant, "team.require_second_factor", by, at)


@transaction.atomic
def require_passkeys(*, by: Principal, at: datetime) -> None:
    """From now on what is signed is signed with a passkey, for good. Who asks for it has one. Raises ``Conflict``."""
    merchant = _locked(by, Act.MANAGE_TEAM)
    if merchant.requires_passkeys_since is not None:
        return
    if by.staff_id not in {staff_id for staff_id, _key in second_factor.public_keys([merchant.pk]).values()}:
        raise Conflict("whoever requires passkeys has one", code="passkey_first")
    merchant.requires_passkeys_since = at
    merchant.save(update_fields=["requires_passkeys_since"])
    _record_of_merchant(merchant, "team.require_passkeys", by, at)


@transaction.atomic
def ask_reset(*, staff_id: int | None, kind: str, by: Principal, at: datetime) -> AccessReset:
    """Ask that a second person resets somebody's password or second factor, or gives up the merchant's requirement (``staff_id``
    None). Asking twice is asking once.
    """
    merchant = _locked(by, Act.RESET_ACCESS if staff_id is not None else Act.MANAGE_TEAM)
    if kind not in ResetKind.values or (kind == ResetKind.REQUIREMENT) is not (staff_id is None):
        raise Invalid("say what to reset", code="reset_kind")
    staff = None if staff_id is None else _colleague(merchant, staff_id, by)
    if staff is not None and not staff.is_active:
        raise Conflict("this account is switched off", code="account_off")
    if staff is None and not merchant.requires_second_factor:
        raise Conflict("nothing is required", code="reset_gone")
    there = open_resets(merchant_id=merchant.pk, at=at).filter(staff=staff, kind=kind).first()
    if there is not None:
        return there
    row = AccessReset.objects.create(
        merchant=merchant,
        staff=staff,
        kind=kind,
        asked_by_id=by.acting_staff,
        asked_at=at,
        expires_at=at + RESET_WAITS,
    )
    record_of(row, by=by.actor, action="staff.reset_ask", at=at, data={"kind": kind, "of": staff.name if staff else ""})
    return row


@transaction.atomic
def confirm_reset(*, reset_id: int, by: Principal, at: datetime) -> tuple[AccessReset, str]:
    """Do what another has asked for. Returns the token of the link by which the person sets a new password, "" for the merchant's
    requirement. The old password, sessions and, where that was asked for, second factors are gone at once.
    """
    merchant = _locked(by, Act.RESET_ACCESS)
    row = open_resets(merchant_id=merchant.pk, at=at).filter(pk=reset_id).first()
    if row is None:
        raise NotFound("there is no such reset to confirm", code="reset_gone")
    if row.asked_by_id == by.staff_id:
        raise Forbidden("another person confirms", code="reset_by_another")
    token = ""
    if row.staff_id is None:
        merchant.requires_second_factor = False
        merchant.save(update_fields=["requires_second_factor"])
    else:
        staff = _colleague(merchant, row.staff_id, by)
        if not staff.is_active:
            raise Conflict("this account is switched off", code="account_off")
        if staff.role == Role.OWNER and Role.OWNER not in (by.role, row.asked_by.role):
            raise Forbidden("an owner's way in takes an owner", code="owner_needed")
        staff.set_unusable_password()
        staff.save()
        if row.kind == ResetKind.SECOND_FACTOR:
            second_factor.clear(staff)
        token = invitations.make(staff=staff, is_reset=True, by=by, at=at)
    row.confirmed_by_id, row.confirmed_at = by.staff_id, at
    row.save(update_fields=["confirmed_by", "confirmed_at"])
    data = {"kind": row.kind, "of": row.staff.name if row.staff else "", "asked_by": row.asked_by.name}
    record_of(row, by=by.actor, action="staff.reset_confirm", at=at, data=data)
    return row, token


@transaction.atomic
def withdraw_reset(*, reset_id: int, by: Principal, at: datetime) -> None:
    """Neither of the two wants it any more."""
    merchant = _locked(by, Act.RESET_ACCESS)
    row = open_resets(merchant_id=merchant.pk, at=at).filter(pk=reset_id).first()
    if row is None:
        raise NotFound("there is no such reset", code="reset_gone")
    row.withdrawn_at = at
    row.save(update_fields=["withdrawn_at"])
    record_of(row, by=by.actor, action="staff.reset_withdraw", at=at, data={"kind": row.kind})


def open_resets(*, merchant_id: int, at: datetime) -> QuerySet[AccessReset]:
    """Those that wait for a second person, the oldest first. Where the first has left or may not any more, there are no two."""
    waiting = Q(confirmed_at=None, withdrawn_at=None, expires_at__gt=at, asked_by__is_active=True)
    of_person = Q(staff__isnull=False, asked_by__all_stores=True, asked_by__role__in=_roles(Act.RESET_ACCESS))
    of_merchant = Q(staff=None, asked_by__all_stores=True, asked_by__role__in=_roles(Act.MANAGE_TEAM))
    rows = AccessReset.objects.filter(waiting, of_person | of_merchant, merchant_id=merchant_id)
    return rows.select_related("staff", "asked_by").order_by("asked_at", "pk")


def _roles(act: Act) -> list[str]:
    return [role for role in Role.values if TABLE[act].of_role(role)]


# --- what they share --------------------------------------------------------------------------------------------------


def _locked(by: Principal, act: Act) -> Merchant:
    """The merchant, locked; who acts may still do so."""
    check_may(act, by=by)
    merchant = Merchant.objects.select_for_update().get(pk=by.acting_for)
    check_may(act, by=principals.of_staff(Staff.objects.get(pk=by.acting_staff)))
    return merchant


def _colleague(merchant: Merchant, staff_id: int, by: Principal) -> Staff:
    staff = Staff.objects.select_for_update(of=("self",)).filter(pk=staff_id, merchant=merchant).first()
    if staff is None:
        raise NotFound("there is no such colleague")
    if staff.pk == by.staff_id:
        raise Forbidden("nobody does this to themselves", code="own_account")
    staff.merchant = merchant
    return staff


def _check(merchant: Merchant, place: Place, *, but: Staff | None) -> None:
    if place.role not in Role.values:
        raise Invalid("there is no such role", code="unknown_role")
    if place.all_stores and place.store_ids:
        raise Invalid("all stores, or some of them", code="stores_or_all")
    if Store.objects.filter(merchant=merchant, pk__in=place.store_ids).count() != len(place.store_ids):
        raise Invalid("a store is one of the merchant's", code="unknown_store")
    if place.limit_fen is not None and not 0 < place.limit_fen < 2**62:
        raise Invalid("a limit is above zero", code="limit_invalid")
    if len(place.till_codes) > _MOST_CODES or any(len(code) > 40 for code in place.till_codes):
        raise Invalid("these are no codes of one person", code="till_codes_invalid")
    wanted = principals.folded_codes(place.till_codes)
    others = merchant.staff.filter(is_active=True)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if any(wanted & principals.folded_codes((one.username, *one.till_codes)) for one in others):
        raise Invalid("a till's code is one person's", code="till_code_taken")


def _put(staff: Staff, place: Place) -> None:
    staff.role, staff.all_stores, staff.limit_fen = place.role, place.all_stores, place.limit_fen
    staff.till_codes = list(place.till_codes)


def _said(place: Place) -> dict[str, Any]:
    stores: Collection[str] = (
        Store.objects.filter(pk__in=place.store_ids).order_by("code").values_list("code", flat=True)
    )
    return {
        "role": place.role,
        "stores": list(stores),
        "all_stores": place.all_stores,
        "limit_fen": place.limit_fen,
        "till_codes": list(place.till_codes),
    }


def _record(staff: Staff, action: str, by: Actor, at: datetime, **data: Any) -> None:
    record_of(staff, by=by, action=action, at=at, data={"name": staff.name, **data})


def _record_of_merchant(merchant: Merchant, action: str, by: Principal, at: datetime) -> None:
    record(merchant_id=merchant.pk, by=by.actor, action=action, object_type="merchant", object_id=merchant.pk, at=at)
