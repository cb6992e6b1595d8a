"""Tills: registered, described and switched by people, reported on by themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core.audit.record import record
from core.errors import NotFound, existing, wrong
from core.plain_text import one_line
from merchants.models import Merchant, Store
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from terminals.models import Terminal

#: What a till looks at by itself.
PARTS = ("display", "keyboard", "printer")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """How a till is, by its own word. ``checks``: whether each part it looked at works; of the others nothing is said.
    ``missing_slips`` None: not said.
    """

    version: str
    checks: Mapping[str, bool]
    missing_slips: int | None = None


def tills_of(*, by: Principal) -> QuerySet[Terminal]:
    """The tills that somebody may know of, with their stores."""
    return by.in_stores(Terminal.objects.filter(store__merchant_id=by.acting_for).select_related("store"))


@transaction.atomic
def register(*, store_id: int, code: str, name: str, by: Principal, at: datetime) -> Terminal:
    """A till that a store has from now on. Raises ``Forbidden``, ``NotFound`` or ``Invalid``."""
    store = _store(store_id, by)
    code = code.strip()
    if not _CODE.fullmatch(code):
        raise wrong("code", code="terminal_code_invalid")
    try:
        with transaction.atomic():
            till = Terminal.objects.create(store=store, code=code, name=one_line(name, limit=60))
    except IntegrityError as error:
        raise wrong("code", code="terminal_code_taken") from error
    _record(till, "terminal.register", by, at, name=till.name)
    return till


@transaction.atomic
def change(
    *, terminal_id: int, name: str, store_id: int, next_service_date: date | None, by: Principal, at: datetime
) -> Terminal:
    """Its name, the store it stands in, and when it is serviced next. What was rung up at it stays where it was."""
    till = _locked(terminal_id, by)
    before = _described(till)
    till.store = _store(store_id, by)
    till.name, till.next_service_date = one_line(name, limit=60), next_service_date
    after = _described(till)
    if after == before:
        return till
    try:
        with transaction.atomic():
            till.save(update_fields=["store", "name", "next_service_date"])
    except IntegrityError as error:
        raise wrong("store", code="terminal_code_taken") from error
    _record(till, "terminal.change", by, at, before=before, after=after)
    return till


@transaction.atomic
def switch_refunds(*, terminal_id: int, on: bool, reason: str, by: Principal, at: datetime) -> Terminal:
    """Let a till take refunds, or no more until it is switched on again: then with the reason."""
    till = _locked(terminal_id, by)
    reason = "" if on else one_line(reason, limit=200)
    if not on and not reason:
        raise wrong("reason", code="reason_required")
    if (till.refunds_enabled, till.refunds_off_reason) == (on, reason):
        return till
    till.refunds_enabled, till.refunds_off_reason = on, reason
    till.save(update_fields=["refunds_enabled", "refunds_off_reason"])
    _record(till, "terminal.refunds_on" if on else "terminal.refunds_off", by, at, reason=reason)
    return till


@transaction.atomic
def heartbeat(*, code: str, store: str, said: Heartbeat, by: Principal, at: datetime) -> Terminal:
    """A till says how it is. Which till: by its code, and by its store's where several stores have a till of that code.

    The trail hears of it only where its software or what works and what does not has changed: tills call every minute.
    Raises ``Forbidden``, ``NotFound`` or ``Invalid``.
    """
    check_may(Act.REPORT_TILL, by=by)
    till = find(code=code, store=store, by=by, for_update=True)
    check_may(Act.REPORT_TILL, by=by, subject=_subject(till.store))
    if said.version and not _VERSION.fullmatch(said.version):
        raise wrong("version", code="version_invalid")
    before = {"version": till.software_version, "checks": till.checks}
    till.last_seen_at = at
    till.software_version = said.version or till.software_version
    if said.checks:
        till.checks, till.checked_at = {**till.checks, **said.checks}, at
    if said.missing_slips is not None:
        till.missing_slips = said.missing_slips
    till.save(update_fields=["last_seen_at", "software_version", "checks", "checked_at", "missing_slips"])
    after = {"version": till.software_version, "checks": till.checks}
    if after != before:
        _record(till, "terminal.report", by, at, before=before, after=after)
    return till


def find(*, code: str, store: str, by: Principal, for_update: bool = False) -> Terminal:
    """One till. Raises ``NotFound``, and ``Invalid`` where its code alone does not name it."""
    found = tills_of(by=by).filter(code=code, **({"store__code": store} if store else {}))
    rows = list((found.select_for_update(of=("self",), no_key=True) if for_update else found).order_by("pk")[:2])
    if not rows:
        raise NotFound("there is no such terminal")
    if len(rows) > 1:
        raise wrong("store", code="unknown_store")
    return rows[0]


@transaction.atomic
def name_newest(*, version: str, by: Principal, at: datetime) -> None:
    """Say which version of the tills' software is the newest; "": the highest that any till has."""
    check_may(Act.MANAGE_TILLS, by=by)
    check_may(Act.MANAGE_TILLS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    version = version.strip()
    if version and not _VERSION.fullmatch(version):
        raise wrong("version", code="version_invalid")
    merchant = Merchant.objects.select_for_update().get(pk=by.acting_for)
    before, merchant.newest_software_version = merchant.newest_software_version, version
    merchant.save(update_fields=["newest_software_version"])
    record(
        merchant_id=merchant.pk,
        by=by.actor,
        action="terminal.newest_version",
        object_type="merchant",
        object_id=merchant.pk,
        at=at,
        data={"before": before, "after": version},
    )


def newest_version(*, merchant_id: int) -> str:
    """The newest version of the tills' software: the one that was named, or the highest that any till of the merchant has."""
    named = Merchant.objects.values_list("newest_software_version", flat=True).get(pk=merchant_id)
    there = Terminal.objects.filter(store__merchant_id=merchant_id).exclude(software_version="")
    return named or max(there.values_list("software_version", flat=True).distinct().order_by(), key=rank, default="")


def rank(version: str) -> tuple[int, ...]:
    """How versions are compared: 4.10.0 is after 4.9.2."""
    return tuple(int(number[:9]) for number in re.findall(r"[0-9]+", version))


def is_old(till: Terminal, *, newest: str) -> bool:
    """Whether its software is older than the newest."""
    return bool(till.software_version) and rank(till.software_version) < rank(newest)


def faults(till: Terminal) -> list[str]:
    """The parts that the till found broken."""
    return [part for part in PARTS if till.checks.get(part) is False]


def _subject(store: Store) -> Subject:
    return Subject(merchant_id=store.merchant_id, store_id=store.pk)


def _store(store_id: int, by: Principal) -> Store:
    check_may(Act.MANAGE_TILLS, by=by)
    store = existing(Store.objects.filter(pk=store_id, merchant_id=by.acting_for).first(), "store")
    check_may(Act.MANAGE_TILLS, by=by, subject=_subject(store))
    return store


def _locked(terminal_id: int, by: Principal) -> Terminal:
    check_may(Act.MANAGE_TILLS, by=by)
    till = existing(
        tills_of(by=by).select_for_update(of=("self",), no_key=True).filter(pk=terminal_id).first(), "terminal"
    )
    check_may(Act.MANAGE_TILLS, by=by, subject=_subject(till.store))
    return till


def _described(till: Terminal) -> dict[str, str]:
    day = till.next_service_date
    return {"name": till.name, "store": till.store.code, "next_service_date": day.isoformat() if day else ""}


def _record(till: Terminal, action: str, by: Principal, at: datetime, **data: Any) -> None:
    record(
        merchant_id=till.store.merchant_id,
        by=by.actor,
        action=action,
        object_type="terminal",
        object_id=till.pk,
        at=at,
        data={"terminal": till.code, "store": till.store.code, **data},
    )
