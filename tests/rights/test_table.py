"""Every act, by every kind of principal, of one's own and another's, in one's own store and another, through the domain, through
REST and at the desk: what comes of it is what the table says, and a refusal leaves no trace.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from inspect import signature
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from api.urls import urlpatterns
from core.errors import DomainError, Forbidden, Invalid, NotFound
from integrations import endpoints
from merchants import api_keys, audit_trail, channel_rules, delegations, opening, policies, rights, stores, team
from merchants.models import ApiKey, KeyScope, PolicyVersion, Staff, Store
from merchants.policies import drafting, reviewing
from merchants.policies.drafting import Written
from merchants.principals import Kind, Principal
from merchants.rights import TABLE, Act
from reconciliation import closing, differences, importing
from refunds import queries
from refunds.evidence import files
from refunds.facts import conditions
from refunds.follow_up import erasing, incidents, reports, survey
from refunds.follow_up.incidents import Problem
from refunds.goods import inspection, offers, returns
from refunds.goods.inspection import Found
from refunds.intake import batches, judging, resubmitting, submitting, without_receipt
from refunds.intake.claims import Draft
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.payouts import (
    by_hand,
    contradictions,
    credentials,
    ending,
    payment_files,
    redirecting,
    shifts,
    trade_queries,
    ways_back,
)
from refunds.payouts.by_hand import Payment
from refunds.payouts.ending import Finding
from refunds.payouts.redirecting import OtherAccount, PayeeKind
from refunds.review import agreeing, deciding, exporting, grace, handing_over, revealing
from refunds.review.agreeing import Consent
from refunds.telling import consents, outbox, own_words
from terminals import correcting, reporting, tills
from terminals.correcting import SaleCorrection
from terminals.reporting import ReportedSale
from terminals.tills import Heartbeat
from tests import pictures
from tests.rights.world import (
    ABOUT,
    DAY,
    Who,
    World,
    belongs_to,
    expected,
    matters,
    ownerships,
    rolled_back,
    sale_number,
)

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]  # its refunds were put where they are by hand

#: What may come of an act that was let through, where its world is not whole enough to carry it out.
_AFTER: dict[Act, frozenset[str]] = {
    Act.REDIRECT: frozenset({"original_route_impossible"}),
    Act.REDIRECT_TO_PERSON: frozenset({"original_route_impossible"}),
    Act.TAKE_STATEMENT: frozenset({"account_unusable", "bill_unreadable"}),
    Act.ADOPT: frozenset({"cannot_adopt"}),
    Act.CLOSE_DAY: frozenset({"bill_missing"}),
}


#: A test is one transaction, and while it is open nothing newer is sealed or told anywhere in the cluster.
_PARTS = 4
_IN_PARTS = pytest.mark.parametrize("part", range(_PARTS))


@pytest.fixture
def world(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(redirecting, "adapter_for", lambda *_: object())
    return World()


# --- through the domain ---------------------------------------------------------------------------------------------


Domain = Callable[[World, Principal], object]


def _on(step: str, act: Callable[..., object], **more: Any) -> Domain:
    """An act on the refund at this step, as it was last seen."""

    def run(world: World, by: Principal) -> object:
        request = RefundRequest.objects.get(pk=world.requests[step].pk)
        versioned = {"version": request.version} if "version" in signature(act).parameters else {}
        return act(request_id=request.pk, by=by, at=timezone.now(), **{**versioned, **more})

    return run


def _pay(step: str, drawer: str) -> Domain:
    return lambda world, by: by_hand.confirm(
        request_id=world.requests[step].pk,
        payment=Payment(reference_no="0042", paid_at=timezone.now(), drawer=drawer),
        by=by,
        at=timezone.now(),
        version=RefundRequest.objects.get(pk=world.requests[step].pk).version,
    )


def _read(act: Act) -> Domain:
    return lambda _world, by: rights.check_may(act, by=by)


def _read_sale(world: World, by: Principal) -> object:
    rights.check_may(Act.READ_SALES, by=by)
    assert by.merchant_id is not None
    return queries.transaction_for(merchant_id=by.merchant_id, transaction_id=world.sale.pk, store_ids=by.stores)


def _read_refund(world: World, by: Principal) -> None:
    conditions.check(Act.READ_REFUNDS, by=by, request=world.requests["waiting"])


def _report(world: World, by: Principal) -> object:
    sale = ReportedSale(
        order_no=sale_number(world),
        channel="cash",
        channel_transaction_no=sale_number(world),
        kind="sale",
        amount_fen=200_000,
        paid_at=timezone.now(),
        store=world.store.code,
        terminal="",
        cashier="",
        payer_phone="",
        card_last4="",
        funding="cash",
        lines=(),
    )
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.REPORT_SALE, by=by)  # a load writes by itself (terminals.bulk)
        return None
    return reporting.report_sale(sale=sale, by=by, at=timezone.now())


def _correct(world: World, by: Principal) -> object:
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.CORRECT_SALE, by=by)
        return None
    return correcting.correct_sale(
        transaction_id=world.sale.pk, correction=SaleCorrection(cashier="C9"), reason="x", by=by, at=timezone.now()
    )


def _end_hold(world: World, by: Principal) -> object:
    return contradictions.end_hold(
        transaction_id=world.held_sale.pk, finding="not_paid", note="x", by=by, at=timezone.now()
    )


def _draft(world: World) -> Draft:
    return Draft(amount_fen=1_000, reason="quality", transaction_id=world.sale.pk, customer_consent=True)


def _submit(world: World, by: Principal) -> object:
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.SUBMIT, by=by)
        return None
    if by.kind is Kind.CUSTOMER and by.merchant_id == world.sale.merchant_id:
        by = replace(by, sale_id=world.sale.pk)
    return submitting.submit(draft=_draft(world), by=by, at=timezone.now())


def _rate(world: World, by: Principal) -> object:
    request = world.requests["paid"]
    theirs = by.kind is Kind.CUSTOMER and by.merchant_id == request.merchant_id
    return survey.rate(
        request_id=request.pk, score=5, comment="", by=_link(by, request) if theirs else by, at=timezone.now()
    )


def _link(by: Principal, request: RefundRequest) -> Principal:
    return replace(by, request_id=request.pk)


def _of_link(step: str, act: Callable[..., object], **more: Any) -> Domain:
    """An act that a customer has as well, by the link of this refund."""

    def run(world: World, by: Principal) -> object:
        request = world.requests[step]
        if by.kind is Kind.CUSTOMER and by.merchant_id == request.merchant_id:
            by = _link(by, request)
        return act(request_id=request.pk, by=by, at=timezone.now(), **more)

    return run


def _erase_own(*, request_id: UUID, **more: Any) -> object:
    """As who holds the customer's phone."""
    phone = conditions.phone_to_show(RefundRequest.objects.get(pk=request_id))
    return erasing.erase_own(request_id=request_id, phone=phone, **more)


def _resubmit(step: str) -> Domain:
    def run(world: World, by: Principal) -> object:
        request = world.requests[step]
        if by.kind is Kind.CUSTOMER and by.merchant_id == request.merchant_id:
            by = _link(by, request)
        return resubmitting.resubmit(request_id=request.pk, correction=Correction(), by=by, at=timezone.now())

    return run


def _reassign(world: World, by: Principal) -> object:
    to = world.decider.staff_id
    assert to is not None
    return handing_over.hand_over(request_id=world.requests["waiting"].pk, to=to, by=by, at=timezone.now())


def _redirect(kind: PayeeKind) -> Domain:
    payee = OtherAccount(kind=kind, bank_type="ICBC_DEBIT", card_number="6222021234567890123", holder_name="王敏")
    return _on("stuck", redirecting.send_elsewhere, payee=payee)


def _export(world: World, by: Principal) -> object:
    taken = exporting.checked(RefundRequest.objects.all(), by=by, filters={}, at=timezone.now())
    assert all(row.merchant_id == by.merchant_id and by.works_in(row.store_id) for row in taken)
    return taken


def _publish(world: World, by: Principal) -> object:
    rules = PolicyVersion.objects.filter(merchant=world.merchant)[0].rules
    return policies.publish(merchant=world.merchant, name="new", rules=rules, by=by, at=timezone.now())


def _issue(world: World, by: Principal) -> object:
    return api_keys.issue(
        merchant=world.merchant, name="x", scopes=["refunds:read"], by=by, at=timezone.now(), store=world.store
    )


def _later() -> datetime:
    return timezone.now() + timedelta(days=3)


def _delegate(world: World, by: Principal) -> object:
    if by.staff_id is None:
        rights.check_may(Act.DELEGATE, by=by)
        return None
    now, home = timezone.now(), world.merchant if by.merchant_id == world.merchant.pk else world.abroad
    deputy = Staff.objects.filter(merchant=home, role="owner").exclude(pk=by.staff_id).order_by("pk")[0]
    return delegations.give(
        absent=by.staff_id,
        deputy=deputy.pk,
        starts_at=now,
        ends_at=now + timedelta(days=1),
        limit_fen=None,
        by=by,
        at=now,
    )


def _save_draft(world: World, by: Principal) -> object:
    draft = world.draft
    written = Written(name="new", rules=draft.rules, guides={})
    return drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())


def _switch_off(world: World, by: Principal) -> object:
    return team.switch(staff_id=world.asker.pk, on=False, by=by, at=timezone.now())


def _ask_reset(world: World, by: Principal) -> object:
    return team.ask_reset(staff_id=world.asker.pk, kind="password", by=by, at=timezone.now())


def _add_rule_change(world: World, by: Principal) -> object:
    day = timezone.now().date()
    return channel_rules.add(channel="wechat", effective_date=day, text="x", source="y", by=by, at=timezone.now())


def _word(_world: World, by: Principal) -> object:
    return own_words.write(
        event="refunded", language="en", medium="sms", text="{amount}", after=0, by=by, at=timezone.now()
    )


_ADD_PICTURE = files.read_picture(upload=pictures.upload())

_DOMAIN: dict[Act, Domain] = {
    Act.REPORT_SALE: _report,
    Act.CORRECT_SALE: _correct,
    Act.END_HOLD: _end_hold,
    Act.READ_SALES: _read_sale,
    Act.ASK_CHANNEL: lambda world, by: trade_queries.ask_about_payment(
        transaction_id=world.sale.pk, by=by, at=timezone.now()
    ),
    Act.QUOTE: lambda world, by: judging.quote(draft=_draft(world), by=by, at=timezone.now()),
    Act.SUBMIT: _submit,
    Act.FILE_BATCH: lambda world, by: batches.cancel(batch_id=world.batch.pk, by=by, at=timezone.now()),
    Act.CONFIRM_BATCH: lambda world, by: batches.confirm(batch_id=world.batch.pk, by=by, at=timezone.now()),
    Act.READ_REFUNDS: _read_refund,
    Act.CANCEL: _on("waiting", ways_back.cancel),
    Act.RESUBMIT: _resubmit("asked_back"),
    Act.RESUBMIT_FAILED: _resubmit("failed"),
    Act.ADD_EVIDENCE: _on("waiting", files.add, pictures=[_ADD_PICTURE]),
    Act.CONSENT: _on("waiting", consents.give, openid="o1", events=["refunded"]),
    Act.ADD_NOTE: _on("waiting", deciding.add_note, text="?"),
    Act.RATE: _rate,
    Act.SEE_QUEUE: _read(Act.SEE_QUEUE),
    Act.CLAIM: _on("waiting", deciding.claim),
    Act.RELEASE: _on("waiting", deciding.release),
    Act.REASSIGN: _reassign,
    Act.APPROVE: _on("waiting", deciding.approve),
    Act.REJECT: _on("waiting", deciding.reject, reason="no_proof", message="?"),
    Act.REQUEST_INFO: _on("waiting", deciding.request_info, message="?"),
    Act.EXTEND: lambda world, by: _on("waiting", deciding.extend, until=_later(), reason="?", consent=True)(world, by),
    Act.AGREE: lambda world, by: _on(
        "waiting",
        agreeing.agree_amount,
        amount_fen=1,
        consent=Consent(agreed_by="?", means="phone", agreed_at=timezone.now()),
    )(world, by),
    Act.REOPEN: lambda world, by: _on("rejected", resubmitting.reopen, evidence=[world.ahead.pk], note="?")(world, by),
    Act.FIND_WITHOUT_RECEIPT: lambda world, by: without_receipt.confirm(
        case_id=world.case.pk, transaction_id=world.sale.pk, by=by, at=timezone.now()
    ),
    Act.SETTLE_WITHOUT_RECEIPT: lambda world, by: without_receipt.close(
        case_id=world.case.pk, cause="other", prevention="?", by=by, at=timezone.now()
    ),
    Act.ANSWER_REPORT: lambda world, by: reports.close(
        report_id=world.report.pk, outcome="?", by=by, at=timezone.now()
    ),
    Act.REPORT_INCIDENT: lambda world, by: incidents.open_incident(
        problem=Problem(title="?", began_at=timezone.now(), store=world.store.code), by=by, at=timezone.now()
    ),
    Act.HANDLE_INCIDENT: lambda world, by: incidents.note_answer(
        incident_id=world.incident.pk, words="?", by=by, at=timezone.now()
    ),
    Act.TAKE_TRANSFERS: lambda world, by: payment_files.files_of(by=by),
    Act.ASK_GOODS: _on("waiting", returns.ask),
    Act.SEND_GOODS: _of_link("goods_awaited", returns.send, carrier="SF", parcel_no="SF12345"),
    Act.RECEIVE_GOODS: _on("goods_awaited", returns.receive),
    Act.INSPECT_GOODS: _on(
        "goods_here", inspection.inspect, found=[Found(quantity=1, condition="used", disposition="restock")]
    ),
    Act.OFFER_EXCHANGE: _on("waiting", offers.offer, kind="exchange", message="?"),
    Act.ANSWER_OFFER: _of_link("offered", offers.answer, accepted=False),
    Act.PAY_CASH: _pay("cash", "POS-01"),
    Act.PAY_BY_HAND: _pay("transfer", ""),
    Act.RETRY: _on("failed", ways_back.retry),
    Act.REDIRECT: _redirect(PayeeKind.MERCHANT_ACCOUNT),
    Act.REDIRECT_TO_PERSON: _redirect(PayeeKind.CUSTOMER_CARD),
    Act.END_UNKNOWN: _on(
        "lost", ending.propose, finding=Finding(paid=False, note="not in the portal"), picture=_ADD_PICTURE
    ),
    Act.RESEND: lambda world, by: outbox.resend(notification_id=world.dead_message.pk, by=by, at=timezone.now()),
    Act.REVEAL: lambda world, by: revealing.reveal(request=world.requests["waiting"], by=by, at=timezone.now()),
    Act.EXPORT: _export,
    Act.SEE_ANALYTICS: _read(Act.SEE_ANALYTICS),
    Act.SEE_RECONCILIATION: _read(Act.SEE_RECONCILIATION),
    Act.TAKE_STATEMENT: lambda world, by: importing.upload(
        account=world.account, day=DAY, file=io.BytesIO(b"?"), by=by, at=timezone.now()
    ),
    Act.RESOLVE_DIFFERENCE: lambda world, by: differences.assign(
        difference_id=world.difference.pk, owner_id=None, by=by, at=timezone.now()
    ),
    Act.ADOPT: lambda world, by: differences.adopt(
        difference_id=world.difference.pk, note="", by=by, at=timezone.now()
    ),
    Act.CLOSE_DAY: lambda world, by: closing.close(day_id=world.day.pk, by=by, at=timezone.now()),
    Act.SET_HOURS: lambda world, by: opening.set_hours(
        store_id=world.store.pk, hours=None, shown="9-5", by=by, at=timezone.now()
    ),
    Act.GIVE_GRACE: lambda world, by: grace.declare(
        store_ids=[world.store.pk],
        starts_at=timezone.now(),
        ends_at=_later(),
        hours=72,
        reason="flood",
        by=by,
        at=timezone.now(),
    ),
    Act.SEE_POLICY: _read(Act.SEE_POLICY),
    Act.DRAFT_POLICY: _save_draft,
    Act.PUBLISH_POLICY: _publish,
    Act.DELEGATE: _delegate,
    Act.REVIEW_POLICY: lambda world, by: reviewing.review(by=by, at=timezone.now()),
    Act.ADD_CHANNEL_RULE: _add_rule_change,
    Act.MANAGE_STORES: lambda _world, by: stores.open_store(
        code="N001", name="x", phone="", address="", by=by, at=timezone.now()
    ),
    Act.MANAGE_TILLS: lambda world, by: tills.register(
        store_id=world.store.pk, code="N1", name="", by=by, at=timezone.now()
    ),
    Act.REPORT_TILL: lambda world, by: tills.heartbeat(
        code="POS-01",
        store=world.store.code,
        said=Heartbeat(version="9", checks={}),
        by=by,
        at=timezone.now(),
    ),
    Act.RUN_SHIFT: lambda world, by: shifts.begin(
        terminal="POS-09", store=world.store.code, float_fen=0, by=by, at=timezone.now()
    ),
    Act.SET_WORDING: _word,
    Act.ERASE_OWN: _of_link("rejected", _erase_own),
    Act.ERASE: lambda _world, by: erasing.set_term(days=400, by=by, at=timezone.now()),
    Act.SEE_AUDIT: lambda _world, by: audit_trail.ask_for_whole(by=by, at=timezone.now()),
    Act.MANAGE_KEYS: _issue,
    Act.MANAGE_TEAM: _switch_off,
    Act.RESET_ACCESS: _ask_reset,
    Act.MANAGE_WEBHOOKS: lambda world, by: endpoints.test(endpoint_id=world.endpoint.pk, by=by, at=timezone.now()),
    Act.CHANGE_CREDENTIALS: lambda world, by: credentials.change(
        account_id=world.account.pk, given={}, by=by, at=timezone.now()
    ),
}


def _domain_answer(world: World, act: Act, by: Principal) -> str:
    """ "" where it was let through; the refusal's code, or what went wrong instead."""
    try:
        _DOMAIN[act](world, by)
    except (Forbidden, NotFound) as error:
        return error.code
    except DomainError as error:
        known = error.code in _AFTER.get(act, ()) or (isinstance(error, Invalid) and error.code == "unknown_store")
        return (error.code if error.code == "unknown_store" else "") if known else f"unexpected {error.code}"
    return ""


def test_table_through_the_domain(world: World) -> None:
    assert set(_DOMAIN) == set(ABOUT) == set(TABLE) == set(Act), "an act has no case here"
    everybody = [*world.people(), *world.keys(), *world.others()]
    before = world.state()
    wrong: list[str] = []
    for act in Act:
        for who in everybody:
            for own in ownerships(act, who):
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    answer = _domain_answer(world, act, who.by)
                    if (not answer) != expected(act, who, own=own):
                        wrong.append(f"{act} by {who}, own={own}: {answer or 'let through'}")
                    elif answer and world.state() != before:
                        wrong.append(f"{act} by {who}, own={own}: refused, and something changed")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before


def test_every_refund_condition_is_carried_out() -> None:
    named = {condition for right in TABLE.values() for condition in right.conditions}
    assert named <= set(conditions._CHECKS)
    assert set(conditions._CHECKS) == set(rights.CONDITIONS)


# --- through REST -----------------------------------------------------------------------------------------------------

#: (act, method, path below /api/v1, body); {waiting} and the like are refunds by their step.
_REST: list[tuple[Act, str, str, Any]] = [
    (Act.SEE_AUDIT, "GET", "audit/checkpoints", None),
    (Act.REPORT_SALE, "POST", "transactions", "sale"),
    (Act.CORRECT_SALE, "POST", "transactions/{sale}/corrections", {"cashier": "C9", "reason": "x"}),
    (Act.END_HOLD, "POST", "transactions/{held_sale}/end-hold", {"finding": "not_paid", "note": "x"}),
    (Act.ADOPT, "POST", "transactions/{sale}/adopt", {}),
    (Act.ADOPT, "POST", "reconciliations/differences/{difference}/adopt", {}),
    (Act.READ_SALES, "GET", "transactions/{sale}", None),
    (Act.ASK_CHANNEL, "POST", "transactions/{sale}/trade-queries", {}),
    (Act.QUOTE, "POST", "refund-quotes", "draft"),
    (Act.SUBMIT, "POST", "refund-requests", "draft"),
    (Act.FILE_BATCH, "GET", "refund-batches/{batch}", None),
    (Act.FILE_BATCH, "GET", "refund-batches/{batch}/rows", None),
    (Act.FILE_BATCH, "POST", "refund-batches/{batch}/cancel", {}),
    (Act.CONFIRM_BATCH, "POST", "refund-batches/{batch}/confirm", {}),
    (Act.FILE_BATCH, "GET", "imports/{batch}", None),
    (Act.FILE_BATCH, "GET", "imports/{batch}/failed", None),
    (Act.MANAGE_KEYS, "GET", "api-keys/{key}/mandate", None),
    (Act.MANAGE_KEYS, "PUT", "api-keys/{key}/mandate", {"max_fen": 1}),
    (Act.MANAGE_KEYS, "POST", "key-stops", "stop"),
    (Act.READ_REFUNDS, "GET", "refund-requests/{waiting}", None),
    (Act.READ_REFUNDS, "GET", "refund-requests/{waiting}/events", None),
    (Act.ADD_EVIDENCE, "POST", "refund-requests/{waiting}/evidence", "picture"),
    (Act.CONSENT, "PUT", "refund-requests/{waiting}/wechat-consent", {"openid": "o1", "events": ["refunded"]}),
    (Act.TAKE_STATEMENT, "POST", "reconciliations", "statement"),
    (Act.CANCEL, "POST", "refund-requests/{waiting}/cancel", {}),
    (Act.RESUBMIT, "POST", "refund-requests/{asked_back}/resubmit", {}),
    (Act.RESUBMIT_FAILED, "POST", "refund-requests/{failed}/resubmit", {}),
    (Act.CLAIM, "POST", "refund-requests/{waiting}/claim", {}),
    (Act.RELEASE, "POST", "refund-requests/{waiting}/release", {}),
    (Act.APPROVE, "POST", "refund-requests/{waiting}/approve", {"version": 3}),
    (Act.REJECT, "POST", "refund-requests/{waiting}/reject", {"version": 3, "reason_code": "no_proof", "message": "?"}),
    (Act.REQUEST_INFO, "POST", "refund-requests/{waiting}/request-info", {"version": 3, "message": "?"}),
    (Act.EXTEND, "POST", "refund-requests/{waiting}/extend", "extension"),
    (Act.AGREE, "POST", "refund-requests/{waiting}/agreements", "agreement"),
    (Act.REOPEN, "POST", "refund-requests/{rejected}/reopen", "reopening"),
    (Act.FIND_WITHOUT_RECEIPT, "GET", "no-receipt-cases/{case}", None),
    (Act.FIND_WITHOUT_RECEIPT, "POST", "no-receipt-cases/{case}/confirm", {"transaction": "{sale}"}),
    (Act.REPORT_INCIDENT, "POST", "incidents", "incident"),
    (Act.REPORT_INCIDENT, "GET", "incidents/{incident}", None),
    (Act.HANDLE_INCIDENT, "POST", "incidents/{incident}/answers", {"words": "?"}),
    (Act.SEE_QUEUE, "GET", "tasks", None),
    (Act.ANSWER_REPORT, "POST", "tasks/{report}/take", {}),
    (Act.TAKE_TRANSFERS, "GET", "payment-files", None),
    (Act.TAKE_TRANSFERS, "POST", "payment-results", "result"),
    (Act.SETTLE_WITHOUT_RECEIPT, "POST", "no-receipt-cases/{case}/close", {"cause": "other", "prevention": "?"}),
    (Act.ASK_GOODS, "POST", "refund-requests/{waiting}/goods-return", {"version": 3}),
    (
        Act.SEND_GOODS,
        "POST",
        "refund-requests/{goods_awaited}/goods-return/parcel",
        {"carrier": "SF", "parcel_no": "SF12345"},
    ),
    (Act.RECEIVE_GOODS, "POST", "refund-requests/{goods_awaited}/received", {}),
    (
        Act.INSPECT_GOODS,
        "POST",
        "refund-requests/{goods_here}/inspection",
        {"found": [{"quantity": 1, "condition": "used", "disposition": "restock"}]},
    ),
    (Act.OFFER_EXCHANGE, "POST", "refund-requests/{waiting}/exchange-offer", {"version": 3, "kind": "exchange"}),
    (Act.ANSWER_OFFER, "POST", "refund-requests/{offered}/exchange-answer", {"accepted": False}),
    (Act.PAY_CASH, "POST", "refund-requests/{cash}/confirm-payout", "paid POS-01"),
    (Act.PAY_BY_HAND, "POST", "refund-requests/{transfer}/confirm-payout", "paid "),
    (Act.PAY_CASH, "POST", "refund-requests/{cash}/payout-failed", {"version": 6, "reason_code": "no_means"}),
    (Act.PAY_BY_HAND, "POST", "refund-requests/{transfer}/payout-failed", {"version": 6, "reason_code": "no_means"}),
    (Act.RETRY, "POST", "refund-requests/{failed}/legs/1/retry", {"version": 5}),
    (Act.RETRY, "POST", "refund-requests/{half_paid}/legs/2/retry", {"version": 6}),
    (Act.RETRY, "POST", "refund-requests/{half_paid}/legs/2/give-up", {"version": 6}),
    (
        Act.RETRY,
        "POST",
        "refund-requests/{half_paid}/legs/2/move",
        {"version": 6, "route": "store_credit", "customer_consent": True},
    ),
    (Act.END_UNKNOWN, "POST", "refund-requests/{lost}/portal-findings", "finding"),
    (Act.END_UNKNOWN, "POST", "refund-requests/{lost}/confirm-portal-finding", {"version": 5}),
    (Act.MANAGE_STORES, "GET", "stores/{own_store}", None),
    (Act.MANAGE_STORES, "POST", "stores", {"code": "N001", "name": "x"}),
    (Act.MANAGE_STORES, "PUT", "stores/{own_store}", {"name": "x"}),
    (Act.MANAGE_TEAM, "GET", "team-members/{asker}", None),
    (Act.MANAGE_TEAM, "PUT", "team-members/{asker}", {"role": "finance", "all_stores": True}),
    (Act.MANAGE_TEAM, "POST", "team-members/{asker}/switch", {"on": False}),
    (Act.CHANGE_CREDENTIALS, "GET", "channel-accounts/{account}", None),
    (Act.CHANGE_CREDENTIALS, "PUT", "channel-accounts/{account}/profile", {"profile": {"max_partials": 7}}),
    (Act.CHANGE_CREDENTIALS, "POST", "channel-accounts/{account}/close", {}),
    (Act.SET_WORDING, "GET", "message-templates", None),
    (Act.SET_WORDING, "PUT", "message-templates/refunded/sms/en", {"text": "{{amount}}", "after": 0}),
    (Act.MANAGE_KEYS, "POST", "api-keys/{key}/revoke", {"typed_name": "key"}),
    (Act.SET_HOURS, "GET", "opening-hours/stores/{store}", None),
    (Act.SET_HOURS, "PUT", "opening-hours/stores/{store}", {"hours": {"week": ["09:00-17:00"] * 7}}),
    (Act.GIVE_GRACE, "POST", "graces", "disaster"),
    (Act.DELEGATE, "GET", "delegations", None),
    (Act.DELEGATE, "POST", "delegations", "deputy"),
    (Act.SEE_ANALYTICS, "GET", "analytics/summary", None),
    (Act.SEE_RECONCILIATION, "GET", "reconciliations?date=2026-11-20", None),
    (Act.REPORT_TILL, "POST", "terminals/POS-01/heartbeat", {"version": "9", "store": "H001"}),
    (Act.RUN_SHIFT, "POST", "shifts", {"terminal": "POS-09", "store": "H001", "float_fen": 0}),
    (Act.RUN_SHIFT, "GET", "shifts/{shift}", None),
    (Act.SEE_POLICY, "GET", "policy", None),
    (Act.SEE_POLICY, "GET", "policy/versions", None),
    (Act.DRAFT_POLICY, "GET", "policy/drafts/{draft}", None),
    (Act.DRAFT_POLICY, "PATCH", "policy/drafts/{draft}", {"revision": 2, "name": "new"}),
    (Act.DRAFT_POLICY, "POST", "policy/drafts/{draft}/discard", {"revision": 2}),
    (Act.PUBLISH_POLICY, "POST", "policy/drafts/{draft}/publish", {"revision": 2}),
    (Act.MANAGE_WEBHOOKS, "GET", "webhook-endpoints/{endpoint}", None),
    (Act.MANAGE_WEBHOOKS, "GET", "webhook-endpoints/{endpoint}/deliveries", None),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/test", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/rotate", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/recover", {"since": "2026-11-20T00:00:00+08:00"}),
    (Act.MANAGE_WEBHOOKS, "PATCH", "webhook-endpoints/{endpoint}", {"enabled": False}),
    (Act.MANAGE_WEBHOOKS, "DELETE", "webhook-endpoints/{endpoint}", None),
    (Act.CHANGE_CREDENTIALS, "DELETE", "message-carriers/wechat", None),
    (Act.CONSENT, "DELETE", "refund-requests/{waiting}/wechat-consent", None),
]


def _body(world: World, who: Who, body: Any) -> Any:
    """What is sent, where its name stands for it."""
    if body == "sale":
        at = timezone.now().isoformat()
        body = {"order_no": "N1", "channel": "cash", "channel_transaction_no": "N1", "amount_fen": 9, "paid_at": at}
        body["store"] = world.store.code
    elif body == "draft":
        body = {"transaction": str(world.sale.pk), "amount_fen": 1_000, "reason": "quality", "customer_consent": True}
    elif body == "disaster":
        body = {"stores": [world.store.code], "starts_at": timezone.now().isoformat(), "ends_at": _later().isoformat()}
        body |= {"hours": 72, "reason": "flood"}
    elif body == "deputy":
        away = who.staff or Staff.objects.filter(merchant=world.merchant).earliest("pk")
        deputy = Staff.objects.filter(merchant=away.merchant, role="owner").exclude(pk=away.pk).order_by("pk")[0]
        body = {"absent": away.username, "deputy": deputy.username, "starts_at": timezone.now().isoformat()}
        body["ends_at"] = _later().isoformat()
    elif body == "agreement":
        body = {"amount_fen": 1, "agreed_by": "?", "means": "phone", "agreed_at": timezone.now().isoformat()}
    elif body == "incident":
        body = {"title": "?", "began_at": timezone.now().isoformat(), "store": world.store.code}
    elif body == "reopening":
        body = {"version": world.requests["rejected"].version, "evidence": [str(world.ahead.pk)], "note": "?"}
    elif body == "stop":
        body = {"key": world.store_key.pk, "stopped": True}
    elif body == {"transaction": "{sale}"}:
        body = {"transaction": str(world.sale.pk)}
    elif body == "extension":
        body = {"version": 3, "until": _later().isoformat(), "reason": "?", "consent": True}
    elif isinstance(body, str) and body.startswith("paid "):
        paid_at = timezone.now().isoformat()
        body = {"version": 6, "reference_no": "0042", "paid_at": paid_at, "drawer": body.removeprefix("paid ")}
    return body


def _rest_answer(world: World, who: Who, client: Client, method: str, path: str, body: Any) -> int:
    names = {step: str(request.pk) for step, request in world.requests.items()}
    names |= {"case": str(world.case.pk), "sale": str(world.sale.pk), "held_sale": str(world.held_sale.pk)}
    names |= {"difference": str(world.difference.pk)}
    names |= {"draft": str(world.draft.pk), "store": world.store.code, "endpoint": str(world.endpoint.pk)}
    names["own_store"] = (
        Store.objects.filter(merchant_id=who.by.acting_for).order_by("pk").values_list("code", flat=True)[0]
    )
    names |= {"shift": str(world.shift.pk), "account": world.account.code, "asker": str(world.asker.pk)}
    names |= {"batch": str(world.batch.pk), "key": str(world.store_key.pk)}
    names |= {"incident": str(world.incident.pk), "report": str(world.report.pk)}
    path = "/api/v1/" + path.format(**names)
    body = _body(world, who, body)
    headers = {"Idempotency-Key": f"{who}-{timezone.now().timestamp()}"}
    if method == "GET":
        return client.get(path, headers=headers).status_code
    if method in ("PATCH", "PUT"):
        return client.generic(
            method, path, json.dumps(body), content_type="application/json", headers=headers
        ).status_code
    if method == "DELETE":
        return client.delete(path, headers=headers).status_code
    if body == "statement":
        sent = {"account": world.account.code, "date": "2026-11-20", "file": SimpleUploadedFile("a.csv", b"x")}
        return client.post(path, sent, headers=headers).status_code
    if body == "result":
        sent = {"file": SimpleUploadedFile("r.csv", "业务参考号,处理结果\nR0,成功\n".encode())}
        return client.post(path, sent, headers=headers).status_code
    if body == "picture":
        return client.post(path, {"file": pictures.upload()}, headers=headers).status_code
    if body == "finding":
        form: dict[str, Any] = {"file": pictures.upload(), "shows": "nothing", "version": 5}
        return client.post(path, form, headers=headers).status_code
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers).status_code


def _client(who: Who) -> Client:
    """Their browser, or their key."""
    client = Client(headers={"authorization": f"Bearer {who.secret}"} if who.secret else {})
    if who.staff is not None:
        client.force_login(who.staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@_IN_PARTS
def test_table_through_rest(world: World, part: int) -> None:
    named = {(act, method) for act, method, _, _ in _REST}
    views: list[Any] = [getattr(pattern.callback, "view_class", None) for pattern in urlpatterns]
    served = {(act, method) for view in views for method in view.acts for act in view.acts_of(method)}
    assert named == served, "a call of the API has no case here"
    everybody = [(who, _client(who)) for who in (*world.people(), *world.keys())]
    before = world.state()
    wrong: list[str] = []
    for act, method, path, body in _REST[part::_PARTS]:
        for who, client in everybody:
            for own in ownerships(act, who) if matters(act, who) else ():
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    status = _rest_answer(world, who, client, method, path, body)
                    # Rubbish for a statement, a channel that does not answer: whoever may ask is told.
                    good = {Act.TAKE_STATEMENT: {422}, Act.ADOPT: {409}}.get(act, {200, 201, 204})
                    wrong += _judged(f"{method} {path}", act, who, own, status, good, world, before)
    assert not wrong, "\n".join(wrong)


def _judged(
    what: str, act: Act, who: Who, own: bool, status: int, good: set[int], world: World, before: str
) -> Iterator[str]:
    allowed = expected(act, who, own=own)
    refused = {403, 404, 422} if act in (Act.REPORT_SALE, Act.REPORT_INCIDENT) else {403, 404}
    if status not in (good if allowed else refused):
        yield f"{what} by {who}, own={own}: {status}"
    elif not allowed and world.state() != before:
        yield f"{what} by {who}, own={own}: refused, and something changed"


# --- at the desk ------------------------------------------------------------------------------------------------------

_DESK: list[tuple[Act, str, str, dict[str, Any]]] = [
    (Act.READ_SALES, "GET", "/desk/transactions/{sale}", {}),
    (Act.CORRECT_SALE, "POST", "/desk/transactions/{sale}/correct", {"cashier": "C9", "reason": "x", "seen": ""}),
    (Act.END_HOLD, "POST", "/desk/transactions/{held_sale}/end-hold", {"finding": "not_paid", "note": "x"}),
    (Act.ASK_CHANNEL, "POST", "/desk/transactions/{sale}/ask", {}),
    (Act.QUOTE, "POST", "/desk/new/quote", {"sale": "{sale}", "reason": "quality", "amount": "10.00", "consent": "1"}),
    (
        Act.SUBMIT,
        "POST",
        "/desk/new",
        {"sale": "{sale}", "reason": "quality", "amount": "10.00", "consent": "1", "idempotency_key": "k"},
    ),
    (Act.READ_REFUNDS, "GET", "/desk/refunds/{waiting}", {}),
    (Act.CANCEL, "POST", "/desk/refunds/{waiting}/cancel", {"version": "3"}),
    (Act.RESUBMIT, "POST", "/desk/refunds/{asked_back}/resubmit", {"version": "4"}),
    (Act.RESUBMIT_FAILED, "POST", "/desk/refunds/{failed}/resubmit", {"version": "5"}),
    (Act.ADD_EVIDENCE, "POST", "/desk/refunds/{waiting}/evidence", {"files": "picture"}),
    (Act.ADD_NOTE, "POST", "/desk/refunds/{waiting}/note", {"text": "?"}),
    # /desk itself leads whoever has no queue to the work of their own.
    (Act.SEE_QUEUE, "GET", "/desk/notifications", {}),
    (Act.CLAIM, "POST", "/desk/refunds/{waiting}/claim", {}),
    (Act.RELEASE, "POST", "/desk/refunds/{waiting}/release", {}),
    (Act.REASSIGN, "POST", "/desk/refunds/{waiting}/reassign", {"staff": "{decider}"}),
    (Act.APPROVE, "POST", "/desk/refunds/{waiting}/approve", {"version": "3"}),
    (Act.REJECT, "POST", "/desk/refunds/{waiting}/reject", {"version": "3", "reason_code": "no_proof", "message": "?"}),
    (Act.REQUEST_INFO, "POST", "/desk/refunds/{waiting}/info", {"version": "3", "message": "?"}),
    (
        Act.EXTEND,
        "POST",
        "/desk/refunds/{waiting}/extend",
        {"version": "3", "until": "later", "reason": "?", "consent": "1"},
    ),
    (Act.ASK_GOODS, "POST", "/desk/refunds/{waiting}/ask-goods", {"version": "3"}),
    (
        Act.SEND_GOODS,
        "POST",
        "/desk/refunds/{goods_awaited}/send-goods",
        {"carrier": "SF", "parcel_no": "SF12345"},
    ),
    (Act.RECEIVE_GOODS, "POST", "/desk/refunds/{goods_awaited}/receive-goods", {}),
    (Act.INSPECT_GOODS, "GET", "/desk/refunds/{goods_here}/inspect", {}),
    (Act.OFFER_EXCHANGE, "POST", "/desk/refunds/{waiting}/offer", {"version": "3", "kind": "exchange"}),
    (Act.ANSWER_OFFER, "POST", "/desk/refunds/{offered}/answer-offer", {"accepted": "0"}),
    (
        Act.AGREE,
        "POST",
        "/desk/refunds/{waiting}/agree",
        {"version": "3", "amount": "0.01", "agreed_by": "?", "means": "phone"},
    ),
    (Act.REOPEN, "POST", "/desk/refunds/{rejected}/reopen", {"version": "4", "files": "picture", "note": "?"}),
    (Act.FIND_WITHOUT_RECEIPT, "GET", "/desk/no-receipt/{case}", {}),
    (Act.FIND_WITHOUT_RECEIPT, "POST", "/desk/no-receipt/{case}/confirm", {"sale": "{sale}"}),
    (Act.REPORT_INCIDENT, "GET", "/desk/incidents/{incident}", {}),
    (Act.HANDLE_INCIDENT, "POST", "/desk/incidents/{incident}/answer", {"words": "?"}),
    (Act.TAKE_TRANSFERS, "GET", "/desk/transfers", {}),
    (Act.ANSWER_REPORT, "POST", "/desk/tasks/{report}/take", {}),
    (Act.ANSWER_REPORT, "POST", "/desk/tasks/{report}/close", {"outcome": "?"}),
    (Act.SETTLE_WITHOUT_RECEIPT, "POST", "/desk/no-receipt/{case}/close", {"cause": "other", "prevention": "?"}),
    (
        Act.PAY_CASH,
        "POST",
        "/desk/by-hand/{cash}",
        {"version": "6", "paid": "yes", "reference_no": "1", "paid_at": "now", "drawer": "POS-01"},
    ),
    (
        Act.PAY_BY_HAND,
        "POST",
        "/desk/by-hand/{transfer}",
        {"version": "6", "paid": "yes", "reference_no": "1", "paid_at": "now"},
    ),
    (Act.RETRY, "POST", "/desk/refunds/{failed}/retry", {"version": "5", "confirmed": "1"}),
    (Act.RETRY, "POST", "/desk/refunds/{half_paid}/retry", {"version": "6", "confirmed": "1"}),
    (Act.RETRY, "POST", "/desk/refunds/{half_paid}/give-up-leg", {"version": "6", "leg": "2"}),
    (
        Act.RETRY,
        "POST",
        "/desk/refunds/{half_paid}/move-leg",
        {"version": "6", "leg": "2", "route": "store_credit", "consent": "1"},
    ),
    (
        Act.END_UNKNOWN,
        "POST",
        "/desk/refunds/{lost}/end-unknown",
        {"version": "5", "shows": "nothing", "files": "picture"},
    ),
    (Act.END_UNKNOWN, "POST", "/desk/refunds/{lost}/end-unknown/confirm", {"version": "5", "confirmed": "1"}),
    (Act.REVEAL, "POST", "/desk/refunds/{waiting}/reveal", {}),
    (Act.RESEND, "POST", "/desk/notifications/{message}/resend", {"confirmed": "1"}),
    (Act.RESEND, "GET", "/desk/notifications/{message}/resend", {}),
    (Act.EXPORT, "GET", "/desk/refunds.csv", {}),
    (Act.SEE_ANALYTICS, "GET", "/desk/analytics", {}),
    (Act.SEE_RECONCILIATION, "GET", "/desk/reconciliation", {}),
    (Act.TAKE_STATEMENT, "POST", "/desk/reconciliation/{account}/2026-11-20/upload", {"file": "rubbish"}),
    (Act.RESOLVE_DIFFERENCE, "POST", "/desk/reconciliation/differences/{difference}/assign", {"owner": ""}),
    (Act.ADOPT, "POST", "/desk/reconciliation/differences/{difference}/adopt", {"confirmed": "1"}),
    (Act.CLOSE_DAY, "POST", "/desk/reconciliation/{account}/2026-11-20/close", {"confirmed": "1"}),
    (Act.SET_HOURS, "POST", "/desk/hours/stores/{store}", {"day-0": "09:00-17:00"}),
    (
        Act.GIVE_GRACE,
        "POST",
        "/desk/hours/grace",
        {"stores": "{store}", "starts_at": "now", "ends_at": "later", "hours": "72", "reason": "flood"},
    ),
    (Act.DELEGATE, "GET", "/desk/deputies", {}),
    (Act.SEE_POLICY, "GET", "/desk/policy", {}),
    (Act.DRAFT_POLICY, "GET", "/desk/policy/drafts/{draft}", {}),
    (Act.DRAFT_POLICY, "POST", "/desk/policy/drafts/{draft}/discard", {"revision": "2"}),
    (Act.PUBLISH_POLICY, "POST", "/desk/policy/drafts/{draft}/publish", {"revision": "2", "confirmed": "1"}),
    (Act.REVIEW_POLICY, "POST", "/desk/policy/reviewed", {"months": "6"}),
    (
        Act.ADD_CHANNEL_RULE,
        "POST",
        "/desk/policy/rule-changes",
        {"channel": "wechat", "effective_date": "2026-12-01", "text": "x", "source": "y"},
    ),
    (Act.MANAGE_TEAM, "POST", "/desk/team/{asker}/switch", {"confirmed": "1"}),
    (Act.RESET_ACCESS, "POST", "/desk/team/resets", {"staff": "{asker}", "kind": "password"}),
    (Act.RESET_ACCESS, "POST", "/desk/team/resets/{reset}/confirm", {"confirmed": "1"}),
    (Act.MANAGE_STORES, "POST", "/desk/settings/stores", {"code": "N001", "name": "x"}),
    (Act.MANAGE_TILLS, "POST", "/desk/settings/terminals", {"code": "N1", "store": "{store}"}),
    (Act.RUN_SHIFT, "GET", "/desk/shifts/{shift}", {}),
    (Act.RUN_SHIFT, "POST", "/desk/shifts", {"terminal": "{till}", "float": "0"}),
    (Act.CHANGE_CREDENTIALS, "POST", "/desk/settings/channel-accounts/{account}", {"max_partials": "7"}),
    (Act.CHANGE_CREDENTIALS, "POST", "/desk/settings/channel-accounts/{account}/close", {"typed": "{account}"}),
    (Act.SET_WORDING, "POST", "/desk/settings/messages/refunded/sms/en", {"text": "{{amount}}", "after": "0"}),
    (Act.ERASE, "POST", "/desk/settings/personal-data", {"days": "400"}),
    (Act.SEE_AUDIT, "GET", "/desk/audit", {}),
    (Act.SEE_AUDIT, "POST", "/desk/audit/verify-whole", {}),
    (Act.FILE_BATCH, "GET", "/desk/batches/{batch}", {}),
    (Act.FILE_BATCH, "POST", "/desk/batches/{batch}/cancel", {}),
    (Act.CONFIRM_BATCH, "POST", "/desk/batches/{batch}/confirm", {}),
    (Act.FILE_BATCH, "GET", "/desk/imports/{batch}", {}),
    (Act.FILE_BATCH, "GET", "/desk/imports/{batch}/failed", {}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/mandate", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/mandate", {"max_fen": "1"}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/stop", {}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/rotate", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/rotate", {"typed_name": "{key_name}", "overlap": "24h"}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/revoke", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/revoke", {"typed_name": "{key_name}"}),
    (Act.MANAGE_WEBHOOKS, "GET", "/desk/developers/webhooks/{endpoint}", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/test", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/rotate", {"confirmed": "1", "overlap": "24h"}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/recover", {"since": "2026-11-20T00:00"}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/disable", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/remove", {"confirmed": "1"}),
]
#: What a person does elsewhere than at the desk, or cannot do at all.
_NOT_AT_THE_DESK = {
    Act.REPORT_SALE,
    Act.REPORT_TILL,
    Act.RATE,
    Act.ERASE_OWN,
    Act.CONSENT,
    # Its page says a conflict as it says a refusal; the domain's case and a test of its own hold them apart.
    Act.REDIRECT,
    Act.REDIRECT_TO_PERSON,
}


def _desk_answer(world: World, client: Client, method: str, path: str, fields: dict[str, Any]) -> int:
    names = {step: request.number for step, request in world.requests.items()}
    names |= {"held_sale": str(world.held_sale.pk)}
    names |= {"sale": str(world.sale.pk), "decider": str(world.decider.staff_id), "account": world.account.code}
    names |= {"message": str(world.dead_message.pk), "difference": str(world.difference.pk)}
    names |= {"store": world.store.code, "case": str(world.case.pk), "report": str(world.report.pk)}
    names |= {"till": str(world.free_till.pk), "shift": str(world.shift.pk)}
    names |= {"asker": str(world.asker.pk), "reset": str(world.reset.pk)}
    names |= {"endpoint": str(world.endpoint.pk), "batch": str(world.batch.pk)}
    names |= {"incident": str(world.incident.pk)}
    names |= {"draft": str(world.draft.pk), "key": str(world.store_key.pk), "key_name": world.store_key.name}
    path = path.format(**names)
    if method == "GET":
        return client.get(path, fields).status_code
    if path.endswith("/rotate"):
        # Nobody makes a key anew that does what they may not do themselves.
        ApiKey.objects.filter(pk=world.store_key.pk).update(scopes=[KeyScope.REFUNDS_READ])
    data: dict[str, Any] = {}
    for name, value in fields.items():
        data[name] = value.format(**names)
        if value == "picture":
            data[name] = pictures.upload()
        elif value == "rubbish":
            data[name] = SimpleUploadedFile("bill.csv", b"?")
        elif value == "later":
            data[name] = timezone.localtime(_later()).strftime("%Y-%m-%dT%H:%M")
        elif value == "now":
            data[name] = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    answer = client.post(path, data)
    # A payout by hand is shown once more before it is recorded.
    sealed = re.search(r'name="confirmation" value="([^"]+)"', answer.content.decode())
    return client.post(path, {"confirmation": sealed[1]}).status_code if sealed else answer.status_code


@_IN_PARTS
def test_table_at_the_desk(world: World, part: int) -> None:
    assert {act for act, *_ in _DESK} | _NOT_AT_THE_DESK == set(Act), "an act has no case here"
    everybody = [(who, _client(who)) for who in world.people()]
    before = world.state()
    wrong: list[str] = []
    for act, method, path, fields in _DESK[part::_PARTS]:
        for who, client in everybody:
            for own in ownerships(act, who) if matters(act, who) else ():
                with rolled_back():
                    belongs_to(world, act, who, own=own)
                    status = _desk_answer(world, client, method, path, fields)
                    wrong += _judged(f"{method} {path}", act, who, own, status, {200, 302}, world, before)
    assert not wrong, "\n".join(wrong)
