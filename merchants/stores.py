"""Stores: opened, described, closed. A store that is closed stays: what was sold there is refunded as ever."""

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core.audit.record import record_of
from core.errors import Conflict, NotFound, existing, wrong
from core.phones import NotAPhone, phone_number
from core.plain_text import one_line
from merchants.models import Store
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}")


class StoreClosed(Conflict):
    """The store is closed, or is not, as was wanted."""

    code = "store_changed"


@transaction.atomic
def open_store(*, code: str, name: str, phone: str, address: str, by: Principal, at: datetime) -> Store:
    """A store that the merchant has from now on. Raises ``Forbidden`` or ``Invalid``."""
    _check(by)
    code = code.strip()
    if not _CODE.fullmatch(code):
        raise wrong("code", code="store_code_invalid")
    store = Store(merchant_id=by.acting_for, code=code, **_described(name, phone, address))
    try:
        with transaction.atomic():
            store.save(force_insert=True)
    except IntegrityError as error:
        raise wrong("code", code="store_code_taken") from error
    _record(store, "store.open", by, at, name=store.name)
    return store


def store_by_code(code: str, *, by: Principal) -> Store:
    """A store of theirs. Raises ``NotFound``."""
    store = Store.objects.filter(merchant_id=by.acting_for, code=code).first()
    if store is None or not by.works_in(store.pk):
        raise NotFound("there is no such store")
    return store


@transaction.atomic
def change(*, store_id: int, name: str, phone: str, address: str, by: Principal, at: datetime) -> Store:
    """Its name, and what customers read of it. Raises ``Forbidden``, ``NotFound`` or ``Invalid``."""
    store = _locked(store_id, by)
    after = _described(name, phone, address)
    before = {name: getattr(store, name) for name in after}
    if after != before:
        for field, value in after.items():
            setattr(store, field, value)
        store.save(update_fields=list(after))
        _record(store, "store.change", by, at, before=before, after=after)
    return store


@transaction.atomic
def close(*, store_id: int, by: Principal, at: datetime) -> Store:
    """No sale that is paid from now on is taken for it; refunds go on. Raises ``StoreClosed`` where it is closed already."""
    return _set_closed(store_id, "store.close", at, by, at)


@transaction.atomic
def reopen(*, store_id: int, by: Principal, at: datetime) -> Store:
    """It sells again. Raises ``StoreClosed`` where it does."""
    return _set_closed(store_id, "store.reopen", None, by, at)


def _set_closed(store_id: int, action: str, closed_at: datetime | None, by: Principal, at: datetime) -> Store:
    store = _locked(store_id, by)
    if (store.closed_at is None) == (closed_at is None):
        raise StoreClosed("the store is closed already, or open")
    store.closed_at = closed_at
    store.save(update_fields=["closed_at"])
    _record(store, action, by, at)
    return store


def _check(by: Principal) -> None:
    check_may(Act.MANAGE_STORES, by=by)
    check_may(Act.MANAGE_STORES, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))


def _locked(store_id: int, by: Principal) -> Store:
    _check(by)
    return existing(
        Store.objects.select_for_update(no_key=True).filter(pk=store_id, merchant_id=by.acting_for).first(), "store"
    )


def _described(name: str, phone: str, address: str) -> dict[str, str]:
    said = {
        "name": one_line(name, limit=80),
        "phone": one_line(phone, limit=30),
        "address": one_line(address, limit=200),
    }
    if not said["name"]:
        raise wrong("name", code="name_required")
    if said["phone"]:
        try:
            phone_number(said["phone"])
        except NotAPhone as error:
            raise wrong("phone", code="invalid_phone") from error
    return said


def _record(store: Store, action: str, by: Principal, at: datetime, **data: Any) -> None:
    record_of(store, by=by.actor, action=action, at=at, data={"store": store.code, **data})
