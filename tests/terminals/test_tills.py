"""Tills: set up by people, reported on by themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Invalid, NotFound
from merchants.models import Merchant, Store
from merchants.principals import Principal, of_staff
from refunds.models import RefundRequest
from terminals import tills
from terminals.models import Terminal
from terminals.tills import Heartbeat
from tests.factories import make_merchant, make_sale, make_staff, submit, till, works_in
from tests.said import said

pytestmark = pytest.mark.django_db


def _said(**more: object) -> Heartbeat:
    return Heartbeat(**{"version": "4.2.1", "checks": {"display": True, "printer": True}, **more})  # type: ignore[arg-type]


def test_register_when_the_code_is_free_adds_a_till_that_takes_refunds(merchant: Merchant, owner: Principal) -> None:
    store = merchant.stores.get()
    made = tills.register(store_id=store.pk, code=" POS-02 ", name="门口", by=owner, at=timezone.now())
    assert (made.code, made.name, made.refunds_enabled, made.store) == ("POS-02", "门口", True, store)
    event = AuditEvent.objects.get(action="terminal.register")
    assert (event.object_id, event.data["terminal"]) == (str(made.pk), "POS-02")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("POS-01", "terminal_code_taken"),
        *((code, "terminal_code_invalid") for code in ("", "收银1", "a b", "-x", "x" * 21)),
    ],
)
def test_register_when_the_code_cannot_be_had_adds_nothing(
    merchant: Merchant, owner: Principal, code: str, why: str
) -> None:
    with pytest.raises(Invalid) as refused:
        tills.register(store_id=merchant.stores.get().pk, code=code, name="", by=owner, at=timezone.now())
    assert (refused.value.code, refused.value.errors[0].field) == (why, "code")
    assert Terminal.objects.count() == 1
    assert not AuditEvent.objects.filter(action="terminal.register").exists()


def test_change_when_the_other_store_has_such_a_code_changes_nothing(merchant: Merchant, owner: Principal) -> None:
    one = Terminal.objects.get()
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    Terminal.objects.create(store=other, code="POS-01")
    with pytest.raises(Invalid, match="terminal_code_taken"):
        tills.change(
            terminal_id=one.pk, name="x", store_id=other.pk, next_service_date=None, by=owner, at=timezone.now()
        )
    one.refresh_from_db()
    assert (one.name, one.store.code) == ("", "S001")


def test_change_moves_and_describes_and_says_what_was_before(merchant: Merchant, owner: Principal) -> None:
    one, other = Terminal.objects.get(), Store.objects.create(merchant=merchant, code="S002", name="二号店")
    for _ in range(2):
        tills.change(
            terminal_id=one.pk,
            name="西门",
            store_id=other.pk,
            next_service_date=date(2027, 3, 1),
            by=owner,
            at=timezone.now(),
        )
    event = AuditEvent.objects.get(action="terminal.change")
    assert event.data["before"] == {"name": "", "store": "S001", "next_service_date": ""}
    assert event.data["after"] == {"name": "西门", "store": "S002", "next_service_date": "2027-03-01"}


def test_switch_off_needs_a_reason_and_refuses_the_next_request(merchant: Merchant, owner: Principal) -> None:
    one = Terminal.objects.get()
    with pytest.raises(Invalid, match="reason_required"):
        tills.switch_refunds(terminal_id=one.pk, on=False, reason=" \u202e ", by=owner, at=timezone.now())
    assert Terminal.objects.get().refunds_enabled
    tills.switch_refunds(terminal_id=one.pk, on=False, reason="打印机坏了", by=owner, at=timezone.now())
    sale = make_sale(merchant, terminal=one)
    with pytest.raises(DomainError) as refused:
        submit(sale)
    assert refused.value.code == "terminal_enabled"
    assert not RefundRequest.objects.exists()
    tills.switch_refunds(terminal_id=one.pk, on=True, reason="ignored", by=owner, at=timezone.now())
    assert submit(sale).terminal_id == one.pk
    assert [said(event)["reason"] for event in AuditEvent.objects.filter(object_type="terminal").order_by("pk")] == [
        "打印机坏了",
        "",
    ]


def test_heartbeat_keeps_what_is_left_out_and_is_in_the_trail_only_when_something_changed(merchant: Merchant) -> None:
    now, by = timezone.now(), till(merchant)
    for minutes in range(3):
        at = now + timedelta(minutes=minutes)
        tills.heartbeat(code="POS-01", store="", said=_said(), by=by, at=at)
    assert AuditEvent.objects.filter(action="terminal.report").count() == 1
    told = tills.heartbeat(
        code="POS-01",
        store="S001",
        said=Heartbeat(version="", checks={"printer": False}, missing_slips=2),
        by=by,
        at=now,
    )
    told.refresh_from_db()
    assert told.checks == {"display": True, "printer": False}
    assert (told.software_version, told.missing_slips, told.checked_at) == ("4.2.1", 2, now)
    assert tills.faults(told) == ["printer"]
    tills.heartbeat(code="POS-01", store="", said=Heartbeat(version="", checks={}), by=by, at=now + timedelta(hours=1))
    told.refresh_from_db()
    assert (told.checked_at, told.last_seen_at, told.missing_slips) == (now, now + timedelta(hours=1), 2)


def test_heartbeat_when_two_stores_have_the_code_asks_which(merchant: Merchant) -> None:
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    Terminal.objects.create(store=other, code="POS-01")
    with pytest.raises(Invalid, match="unknown_store"):
        tills.heartbeat(code="POS-01", store="", said=_said(), by=till(merchant), at=timezone.now())
    assert not Terminal.objects.exclude(last_seen_at=None).exists()
    tills.heartbeat(code="POS-01", store="S002", said=_said(), by=till(merchant), at=timezone.now())
    assert Terminal.objects.exclude(last_seen_at=None).get().store == other


def test_heartbeat_of_another_merchants_till_or_an_odd_version_changes_nothing(merchant: Merchant) -> None:
    make_merchant()
    tried = [(NotFound, "POS-99", "4.2"), (Invalid, "POS-01", "<svg>"), (Invalid, "POS-01", "4" * 21)]
    for error, code, version in tried:
        with pytest.raises(error):
            tills.heartbeat(code=code, store="", said=_said(version=version), by=till(merchant), at=timezone.now())
    assert not Terminal.objects.exclude(last_seen_at=None).exists()


def test_newest_is_what_was_named_or_else_the_highest_by_number(merchant: Merchant, owner: Principal) -> None:
    store = merchant.stores.get()
    for code, version in (("A", "4.9.2"), ("B", "4.10.0"), ("C", "")):
        Terminal.objects.create(store=store, code=code, software_version=version)
    assert tills.newest_version(merchant_id=merchant.pk) == "4.10.0"
    tills.name_newest(version="4.11.0", by=owner, at=timezone.now())
    newest = tills.newest_version(merchant_id=merchant.pk)
    old = {one.code for one in Terminal.objects.all() if tills.is_old(one, newest=newest)}
    assert (newest, old) == ("4.11.0", {"A", "B"})
    with pytest.raises(Invalid, match="version_invalid"):
        tills.name_newest(version="a b", by=owner, at=timezone.now())
    assert Merchant.objects.get(pk=merchant.pk).newest_software_version == "4.11.0"


def test_manager_of_one_store_reaches_its_tills_alone_and_names_no_newest(merchant: Merchant) -> None:
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    person = make_staff(merchant, "manager")
    works_in(person, other)
    by, now = of_staff(person), timezone.now()
    with pytest.raises(NotFound):
        tills.switch_refunds(terminal_id=Terminal.objects.get().pk, on=False, reason="x", by=by, at=now)
    with pytest.raises(NotFound):
        tills.register(store_id=merchant.stores.get(code="S001").pk, code="X", name="", by=by, at=now)
    with pytest.raises(DomainError, match="whole merchant"):
        tills.name_newest(version="9", by=by, at=now)
    assert (Terminal.objects.get().refunds_enabled, Terminal.objects.count()) == (True, 1)
