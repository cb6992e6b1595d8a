"""Personal data at its end: gone from every table, and money, figures and the trail are as before."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.utils import timezone
from pytest_django import Settings

from core import tenant_wall
from core.audit.models import AuditEvent
from core.database import rights
from core.errors import Forbidden, Invalid, NotFound
from core.personal_data import phone_hashes
from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from refunds.evidence import files
from refunds.facts import conditions
from refunds.follow_up import erasing, incidents, reports
from refunds.follow_up.erasing import Erased, RefundsUnderWay
from refunds.follow_up.incidents import Problem
from refunds.models import (
    Agreement,
    Apology,
    Approval,
    Evidence,
    ExchangeOffer,
    Execution,
    GoodsReturn,
    NoReceiptCase,
    Notification,
    Payee,
    PendingDecision,
    RefundRequest,
    ReturnedTransfer,
    SecondLook,
    StaffNotice,
    Survey,
)
from refunds.states import Route
from refunds.telling import outbox
from terminals.models import Deposit, Transaction
from tests import pictures
from tests.customer.conftest import in_state
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in
from tests.owner import as_owner
from tests.reconciliation.test_arrivals import customer_of
from tests.refunds import hand
from tests.refunds.settled import paid
from tests.said import said

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]  # its refunds are put where they are by hand

PHONE = "13800006021"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def _put(state: str = "rejected", *, everywhere: bool = False) -> None:
    """As if the last sale's refunds, or all of them, had come to this state; those that are paid are closed."""
    last = Transaction.objects.order_by("-created_at", "-pk")[0].pk
    with as_owner(silent=True) as cursor:
        cursor.execute(
            "UPDATE refunds_refundrequest SET state = CASE WHEN refunded_fen > 0 THEN 'closed' ELSE %s END, "
            "reserved_fen = CASE WHEN refunded_fen > 0 OR %s THEN reserved_fen ELSE 0 END "
            "WHERE %s OR transaction_id = %s",
            [state, state == "in_review", everywhere, last],
        )


def _over(
    merchant: Merchant, *, state: str = "rejected", phone: str = PHONE, at: datetime | None = None
) -> RefundRequest:
    """A refund with everything that is personal, and over."""
    sale = make_sale(merchant, 30_000, payer_phone=phone, payer_phone_hash=phone_hashes(phone)[0])
    request = make_request(sale, 1_200, phone=phone, email="wangmin@example.com", name="王敏")
    request = paid(request)
    review = make_request(sale, 26_800, phone=phone)
    by, now = make_staff(merchant, "owner"), timezone.now()
    common = {"request": review, "note": "王敏的卡"}
    decided = Approval.objects.create(**common, staff=by, decision="approve", tier="manager", version=9, at=now)
    SecondLook.objects.create(**common, merchant=merchant, approval=decided, is_override=False, picked_at=now)
    consent = {"agreed_by": "王敏", "words": "王敏同意", "means": "phone", "agreed_at": now, "recorded_at": now}
    Agreement.objects.create(request=review, amount_fen=1, recorded_by="x", **consent)
    StaffNotice.objects.create(
        merchant=merchant, staff=by, request=review, kind="mention", by_name="x", text="王敏来电", at=now
    )
    GoodsReturn.objects.create(request=review, store=sale.store, parcel_no="SF王敏", finding="王敏", asked_at=now)
    ExchangeOffer.objects.create(request=review, kind="reship", message="王敏", offered_by="x", offered_at=now)
    Deposit.objects.create(
        transaction=sale, kind="earnest", contract_fen=1, terms="王敏", recorded_by="x", recorded_at=now
    )
    Execution.objects.filter(request=request).update(received_account="王敏 0403")
    files.add(
        request_id=review.pk,
        pictures=[files.read_picture(upload=pictures.upload())],
        by=of_staff(make_staff(merchant, "owner")),
        at=timezone.now(),
    )
    RefundRequest.objects.filter(pk=request.pk).update(description="面板开裂")
    outbox.write_notifications(at=timezone.now())
    Survey.objects.create(request=request, score=1, comment="王敏不满意", at=timezone.now())
    _put(state)
    if at:
        RefundRequest.objects.filter(transaction=sale).update(created_at=at)
        Transaction.objects.filter(pk=sale.pk).update(paid_at=at)
    return RefundRequest.objects.get(pk=request.pk)


def _figures() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT array_agg((id, number, amount_fen, approved_fen, refunded_fen, state, version) ORDER BY id)::text "
            "FROM refunds_refundrequest), (SELECT array_agg((id, amount_fen, refunded_fen, reserved_fen) ORDER BY id)::text "
            "FROM terminals_transaction), (SELECT array_agg(t::text ORDER BY id) FROM refunds_ledgerentry t)"
        )
        return [*cursor.fetchone(), list(AuditEvent.objects.exclude(action__startswith="personal").values_list())]


def _tables_with(word: str, *, merchant: int) -> set[str]:
    """Where, of what is ours, it still stands in some column."""
    found = set()
    with connection.cursor() as cursor, tenant_wall.within(merchant):
        for model in rights.records():
            table = model._meta.db_table
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table} t WHERE t::text LIKE %s)", [f"%{word}%"])
            found |= {table} if cursor.fetchone()[0] else set()
    return found


def _erase(by: Principal, **more: str) -> Erased:
    said = {"phone": PHONE, "again": "+86 138 0000 6021", "reason": "本人来店要求", **more}
    return erasing.erase_person(**said, by=by, at=timezone.now())


def test_person_is_gone_from_every_table_and_figures_are_as_before(
    merchant: Merchant, owner: Principal, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    request, abroad = _over(merchant), _over(make_merchant())
    before = _figures()
    ours = set((folder / "evidence").rglob("*.jpg"))
    with django_capture_on_commit_callbacks(execute=True):
        assert _erase(owner) == Erased(requests=2, sales=1, files=1)
    assert _figures() == before
    request = RefundRequest.objects.get(pk=request.pk)
    assert (request.customer_name, request.customer_phone, request.customer_email, request.description) == ("",) * 4
    assert request.customer_phone_hash is None
    sale = Transaction.objects.get(pk=request.transaction_id)
    assert (sale.payer_phone, sale.payer_phone_hash, sale.card_last4) == ("", None, "")
    told = Notification.objects.filter(request__merchant=merchant)
    assert told.exists()
    assert {(one.recipient, one.masked_recipient) for one in told} == {("", "-")}
    assert not Evidence.objects.filter(request__merchant=merchant).exists()
    assert Survey.objects.get(request=request).comment == ""
    # Another merchant's are not touched.
    abroad = RefundRequest.objects.get(pk=abroad.pk)
    assert (abroad.customer_phone, Evidence.objects.count()) == (PHONE, 1)
    assert len(set((folder / "evidence").rglob("*.jpg")) & ours) == 2
    assert _tables_with("王敏", merchant=request.merchant_id) == set()
    event = AuditEvent.objects.get(action="personal_data.erase")
    assert (event.data["requests"], said(event)["reason"]) == (2, "本人来店要求")
    assert PHONE not in repr(event.data)
    with pytest.raises(NotFound):
        _erase(owner)


def test_account_of_a_transfer_is_erased_with_its_refund(owner: Principal, merchant: Merchant) -> None:
    shop = hand.make_shop()
    by = of_staff(make_staff(shop, "owner"))
    request = hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(shop, Route.BANK_TRANSFER, payer_phone=PHONE))
    with pytest.raises(NotFound):
        _erase(by)
    assert request.payee.account_no == hand.ACCOUNT_NO
    Transaction.objects.filter(pk=request.transaction_id).update(payer_phone_hash=phone_hashes(PHONE)[0])
    _put(everywhere=True)
    _erase(by)
    payee = Payee.objects.get(request=request)
    assert (payee.holder_name, payee.account_no, payee.account_last4, payee.bank_name) == ("-", "-", "----", "-")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"again": "13800006022"}, "phones_differ"),
        ({"again": ""}, "invalid_phone"),
        ({"phone": "王敏"}, "invalid_phone"),
        ({"reason": " "}, "reason_required"),
    ],
)
def test_erase_that_is_not_asked_for_rightly_erases_nothing(
    merchant: Merchant, owner: Principal, said: dict[str, str], why: str
) -> None:
    request = _over(merchant)
    with pytest.raises(Invalid) as refused:
        _erase(owner, **said)
    assert refused.value.code == why
    request = RefundRequest.objects.get(pk=request.pk)
    assert request.customer_phone == PHONE
    assert not AuditEvent.objects.filter(action="personal_data.erase").exists()


def test_person_whose_refund_is_not_over_is_kept(merchant: Merchant, owner: Principal) -> None:
    request = _over(merchant, state="in_review")
    with pytest.raises(RefundsUnderWay):
        _erase(owner)
    request = RefundRequest.objects.get(pk=request.pk)
    assert request.customer_name == "王敏"


def test_erasing_is_for_owners_of_the_whole_merchant(merchant: Merchant) -> None:
    request = _over(merchant)
    bound = make_staff(merchant, "owner")
    works_in(bound, merchant.stores.get())
    for by in (of_staff(bound), of_staff(make_staff(merchant, "manager"))):
        with pytest.raises(Forbidden):
            _erase(by)
        with pytest.raises(Forbidden):
            erasing.set_term(days=400, by=by, at=timezone.now())
    request = RefundRequest.objects.get(pk=request.pk)
    merchant.refresh_from_db()
    assert (request.customer_phone, merchant.retention_days) == (PHONE, 1095)


def test_expired_is_erased_batch_by_batch_and_what_is_younger_or_not_over_stays(
    merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(erasing, "AT_ONCE", 1)
    with pytest.raises(Invalid):
        erasing.set_term(days=30, by=owner, at=now)
    erasing.set_term(days=200, by=owner, at=now)
    old, older, young, open_one = (
        _over(merchant, phone=f"1380000602{number}", at=now - timedelta(days=days), state=state)
        for number, (days, state) in enumerate(
            [(201, "rejected"), (300, "rejected"), (199, "rejected"), (400, "in_review")]
        )
    )
    before = _figures()
    # The open one's sale waits for it, what of that was paid long ago does not.
    assert erasing.erase_expired(at=now) == 7
    assert _figures() == before
    phones = {one.pk: one.customer_phone for one in RefundRequest.objects.all()}
    assert [phones[one.pk] for one in (old, older)] == ["", ""]
    assert phones[young.pk] == young.customer_phone
    assert RefundRequest.objects.get(state="in_review").customer_phone == open_one.customer_phone
    assert erasing.erase_expired(at=now) == 0
    # Once it is over its turn comes.
    _put(everywhere=True)
    assert erasing.erase_expired(at=now) == 2
    events = AuditEvent.objects.filter(action="personal_data.erase").order_by("pk")
    assert [event.data["reason"] for event in events] == ["term", "term"]


def test_erase_when_a_transfer_came_back_and_an_apology_was_written_leaves_neither_account_nor_whose_it_was(
    merchant: Merchant, owner: Principal
) -> None:
    request, at = _over(merchant), timezone.now()
    _put(everywhere=True)
    back = ReturnedTransfer.objects.create(
        merchant=merchant,
        request=request,
        execution=request.executions.get(),
        trouble="payee_wrong",
        holder_name="王敏",
        account_no=hand.ACCOUNT_NO,
        account_last4="0123",
        noted_by="x",
        noted_at=at,
    )
    incident = incidents.open_incident(problem=Problem(title="?", began_at=at), by=owner, at=at)
    Apology.objects.create(incident=incident, request=request, person=b"x" * 16, at=at)
    erasing.erase_person(phone=PHONE, again=PHONE, reason="asked", by=owner, at=at)
    back.refresh_from_db()
    assert (back.holder_name, back.account_no, back.account_last4) == ("", "", "")
    assert bytes(Apology.objects.get().person) == request.pk.bytes


def _erase_own(request: RefundRequest, *, by: Principal | None = None, phone: str | None = None) -> erasing.Erased:
    shown = conditions.phone_to_show(request) if phone is None else phone
    return erasing.erase_own(request_id=request.pk, phone=shown, by=by or customer_of(request), at=timezone.now())


@pytest.mark.parametrize("phone", ["", "13911112222"], ids=["none", "another"])
def test_erase_own_by_who_has_only_the_link_changes_nothing(phone: str) -> None:
    """Staff have it, too: what they did could be erased in the customer's name, for ever."""
    request = in_state("rejected")
    assert conditions.phone_to_show(request)
    with pytest.raises(conditions.PhoneNotShown):
        _erase_own(request, phone=phone)
    assert RefundRequest.objects.get(pk=request.pk).customer_phone


def test_erase_own_when_no_phone_is_known_takes_the_link_alone() -> None:
    request = in_state("rejected")
    Transaction.objects.update(payer_phone="")
    RefundRequest.objects.update(customer_phone="")
    assert _erase_own(RefundRequest.objects.get(pk=request.pk), phone="").requests == 1


def test_erase_own_when_link_is_anothers_or_a_case_is_open_changes_nothing() -> None:
    request, other = in_state("rejected"), in_state("rejected")
    with pytest.raises(NotFound):
        _erase_own(request, by=customer_of(other))
    reports.help_wanted(request_id=request.pk, words="?", by=customer_of(request), at=timezone.now())
    with pytest.raises(RefundsUnderWay):
        _erase_own(request)
    assert RefundRequest.objects.get(pk=request.pk).customer_phone


def test_erase_own_takes_the_customers_words_with_it() -> None:
    request = in_state("rejected")
    report = reports.help_wanted(request_id=request.pk, words="138…", by=customer_of(request), at=timezone.now())
    owner = of_staff(make_staff(request.merchant, "owner"))
    reports.close(report_id=report.pk, outcome="王女士，已处理", by=owner, at=timezone.now())

    assert _erase_own(request).requests == 1

    report.refresh_from_db()
    assert (report.words, report.outcome) == ("", "-")
    assert RefundRequest.objects.get(pk=request.pk).customer_phone == ""


#: Text that stays with a refund or its sale: who of the staff it was, codes, numbers and proofs of the channels, and what is
#: given back with its own term.
_NOBODY_IN_IT = re.compile(
    r"_by$|_no$|_key$|_hash$|^(tier|role|reason|factor|why|event|locale|receipt|last_error|tender|verdict|code|errors|lines|label|"
    r"fingerprint|facts|digest|proof|proof_source|proofs|method_reason|paid_to|second_leg|tag|failure_\w+|by_name|channel|"
    r"sku|name|group|path|content_type|sha256|person|asked|carrier)$"
)


def test_every_text_about_a_refund_or_a_sale_is_erased_or_has_nobody_in_it() -> None:
    """A column that somebody adds is one or the other."""
    text = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    handled = {Deposit, Evidence, NoReceiptCase, PendingDecision, Transaction, RefundRequest}
    for model in set(rights.records()) - handled:
        if not any(field.related_model in (RefundRequest, Transaction) for field in model._meta.local_fields):
            continue
        for field in model._meta.local_fields:
            if not isinstance(field, text) or field.choices or field.name in erasing._WRITTEN.get(model, ()):
                continue
            assert _NOBODY_IN_IT.search(field.name), f"{model.__name__}.{field.name}"
