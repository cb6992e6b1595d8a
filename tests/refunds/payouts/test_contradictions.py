"""A payout that the channel refused and later proves to have paid: nothing more leaves until finance has looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.principals import of_staff
from payment_channels.contract import Done, Refused, Retry
from refunds import lifecycle, payouts
from refunds.facts import holds
from refunds.facts.holds import SaleHeld
from refunds.intake import resubmitting
from refunds.lifecycle import OverRefund, WrongState
from refunds.models import Execution, LedgerEntry, RefundRequest
from refunds.payouts import Answer, by_hand, contradictions, payment_files, ways_back
from refunds.payouts.loop import drain
from refunds.telling import payout_words
from terminals.models import Transaction
from tests.api.conftest import session_for
from tests.factories import make_merchant, make_sale, make_staff, submit
from tests.refunds import hand, plans
from tests.refunds.settled import failed, paid
from tests.said import said

pytestmark = pytest.mark.django_db


def _say_paid(payout: Execution, *, source: str = "notice") -> None:
    outcome = Done(
        refund_no=payout.refund_no,
        channel_refund_no=f"50{payout.pk.int % 10**20}",
        amount_fen=payout.amount_fen,
        succeeded_at=timezone.now(),
        raw="{}",
    )
    answer = Answer(payout.pk, payout.request_id, payout.channel_account_id, outcome, source)
    payouts.settle([answer], at=timezone.now())


def _contradicted(sale: Transaction) -> RefundRequest:
    """Refused for good, and then reported as paid."""
    request = failed(submit(sale, 9_000), retry=Retry.NEW_NUMBER)
    _say_paid(request.executions.get())
    return RefundRequest.objects.get(pk=request.pk)


def _finance(sale: Transaction, role: str = "finance") -> Any:
    return of_staff(make_staff(sale.merchant, role))


def test_settle_when_a_refused_payout_is_proven_paid_the_sale_is_held_and_the_word_kept() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = _contradicted(sale)
    sale.refresh_from_db()
    assert sale.held_at is not None
    payout = request.executions.get()
    assert (request.state, payout.state, payout.proof) == ("failed", "failed", "{}")
    assert payout.paid_after_all_at is not None
    assert AuditEvent.objects.filter(action="refund.hold", object_id=str(request.pk)).count() == 1


def test_settle_when_the_attempt_under_a_new_number_waits_it_is_not_sent() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = failed(submit(sale, 9_000), retry=Retry.NEW_NUMBER)
    first = request.executions.get()
    ways_back.retry(request_id=request.pk, by=_finance(sale), at=timezone.now(), version=request.version)
    _say_paid(first)
    assert payouts.claim(limit=10, at=timezone.now() + timedelta(hours=1)) == []
    assert list(request.executions.order_by("attempt_no").values_list("state", "sends")) == [
        ("failed", 1),
        ("ready", 0),
    ]


def test_claim_when_the_sale_is_held_what_was_sent_is_asked_about_and_not_sent_again() -> None:
    sale = make_sale(make_merchant(), 50_000)
    under_way = submit(sale, 1_000)
    now = timezone.now()
    (first,) = payouts.claim(limit=1, at=now)
    assert first.goes_out_again
    Transaction.objects.filter(pk=sale.pk).update(held_at=now)
    (again,) = payouts.claim(limit=1, at=now + timedelta(hours=1))
    assert (again.request_id, again.send, again.goes_out_again) == (under_way.pk, False, False)


def test_ask_anew_when_the_sale_is_held_goes_to_a_person_who_may_not_approve_on_any_payment_of_the_order() -> None:
    sale = make_sale(make_merchant(), 50_000, order_no="A-9")
    other = make_sale(sale.merchant, 50_000, order_no="A-9")
    _contradicted(sale)
    for payment in (sale, other):
        anew = submit(payment, 9_000)
        assert anew.state == "in_review"
        assert "sale_held" in [rule["code"] for rule in anew.verdict["rules"] if not rule["passed"]]
        session = session_for(make_staff(sale.merchant, "manager"))
        answer = session.post(f"refund-requests/{anew.pk}/approve", {"version": anew.version})
        assert (answer.status_code, answer.json()["code"]) == (409, "sale_held")
        assert RefundRequest.objects.get(pk=anew.pk).state == "in_review"
    assert Execution.objects.count() == 1


def test_retry_when_the_sale_is_held_is_refused() -> None:
    request = _contradicted(make_sale(make_merchant(), 50_000))
    with pytest.raises(SaleHeld):
        ways_back.retry(
            request_id=request.pk, by=_finance(request.transaction), at=timezone.now(), version=request.version
        )
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"


def test_end_hold_when_it_was_paid_books_it_and_the_rest_goes_on() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = _contradicted(sale)
    finance = session_for(make_staff(sale.merchant, "finance"))
    body = {"finding": "paid", "note": "商户平台显示退款成功"}
    answer = finance.post(f"transactions/{sale.pk}/end-hold", body)
    assert (answer.status_code, answer.json()["held_at"]) == (200, None)
    sale.refresh_from_db()
    request = RefundRequest.objects.get(pk=request.pk)
    assert (sale.held_at, sale.refunded_fen, sale.reserved_fen) == (None, 9_000, 9_000)
    assert (request.state, request.refunded_fen, request.executions.get().state) == ("refunded", 9_000, "succeeded")
    assert LedgerEntry.objects.filter(execution__request=request, kind="payout").count() == 2
    ended = AuditEvent.objects.get(action="refund.end_hold")
    assert (ended.data["finding"], said(ended)["note"]) == ("paid", body["note"])
    # Said again by a repeated notice, or by the statement: nothing more.
    _say_paid(request.executions.get())
    sale.refresh_from_db()
    assert sale.held_at is None
    assert finance.post(f"transactions/{sale.pk}/end-hold", body).json()["code"] == "not_held"


def test_end_hold_when_another_attempt_was_made_ready_withdraws_it() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = failed(submit(sale, 9_000), retry=Retry.NEW_NUMBER)
    first = request.executions.get()
    ways_back.retry(request_id=request.pk, by=_finance(sale), at=timezone.now(), version=request.version)
    _say_paid(first)
    contradictions.end_hold(transaction_id=sale.pk, finding="paid", note="已核对", by=_finance(sale), at=timezone.now())
    states = list(request.executions.order_by("attempt_no").values_list("state", flat=True))
    assert states == ["succeeded", "cancelled"]
    request = RefundRequest.objects.get(pk=request.pk)
    sale.refresh_from_db()
    assert (request.state, sale.refunded_fen, sale.live_refunds) == ("refunded", 9_000, 1)


@pytest.mark.parametrize("way", ["retried", "resubmitted"])
def test_end_hold_when_the_request_was_withdrawn_meanwhile_books_what_was_paid(way: str) -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = failed(submit(sale, 9_000), retry=Retry.NEW_NUMBER)
    first, finance = request.executions.get(), _finance(sale)
    if way == "retried":
        request = ways_back.retry(request_id=request.pk, by=finance, at=timezone.now(), version=request.version)
    else:
        correction = resubmitting.Correction(reason="goodwill")
        request = resubmitting.resubmit(request_id=request.pk, correction=correction, by=finance, at=timezone.now())
    lifecycle.advance(request.pk, "cancel", by=finance.actor, at=timezone.now(), message="")
    _say_paid(first)
    sale.refresh_from_db()
    assert (sale.held_at is not None, sale.reserved_fen) == (True, 0)

    contradictions.end_hold(transaction_id=sale.pk, finding="paid", note="商户平台", by=finance, at=timezone.now())

    request = RefundRequest.objects.get(pk=request.pk)
    sale.refresh_from_db()
    assert (request.state, sale.held_at, sale.refunded_fen) == ("refunded", None, 9_000)
    assert LedgerEntry.objects.filter(kind="payout").count() == 2


@pytest.mark.parametrize("route", ["bank_transfer", "store_credit"])
@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_end_hold_when_a_person_was_to_pay_it_by_hand_nobody_does_and_the_customer_is_told_once(
    route: str, whose: str
) -> None:
    sale = make_sale(hand.make_shop(), 9_000)
    request = failed(submit(sale, 9_000), retry=Retry.NEVER)
    first, finance = request.executions.get(), _finance(sale)
    payee = hand.ACCOUNT if route == "bank_transfer" else None
    correction = resubmitting.Correction(route=route, payee=payee, customer_consent=True)
    if whose == "another's":
        correction = resubmitting.Correction(reason="goodwill")
    resubmitting.resubmit(request_id=request.pk, correction=correction, by=finance, at=timezone.now())
    waiting = RefundRequest.objects.get(pk=request.pk)
    if whose == "another's":
        lifecycle.advance(request.pk, "cancel", by=finance.actor, at=timezone.now(), message="")
        waiting = hand.asked(route, sale=sale, amount_fen=9_000, is_another=True)
    hand.approved(waiting)
    drain()
    waiting = RefundRequest.objects.get(pk=waiting.pk)
    assert waiting.state == "manual_pending"
    # Taken to the bank before.
    by = hand.payer(waiting)
    file = payment_files.export(by=by, at=timezone.now()) if route == "bank_transfer" else None
    _say_paid(first, source="bill")

    # Everywhere where a person would pay it, it says not to.
    desk = Client(headers={"accept-language": "en"})
    desk.force_login(make_staff(sale.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    assert "Held: do not pay" in desk.get("/desk/by-hand").content.decode()
    address = f"/desk/by-hand/{waiting.number}"
    page = desk.get(address).content.decode()
    assert "may be paid already" in page
    assert 'id="h-paid"' not in page
    assert address in desk.get(f"/desk/transactions/{sale.pk}").content.decode()
    if file is not None:
        assert payment_files.transfers_of(file_id=file.pk, by=by, at=timezone.now()) == []
    with pytest.raises(SaleHeld):
        hand.confirmed(waiting)
    # Booked only once nobody is about to pay it.
    with pytest.raises((OverRefund, WrongState)):
        contradictions.end_hold(transaction_id=sale.pk, finding="paid", note="商户平台", by=finance, at=timezone.now())

    said = desk.post(address, {"paid": "no", "trouble": "paid_meanwhile", "version": waiting.version})
    desk.post(address, {"confirmation": said.context["confirmation"], "confirmed": "1"})
    between = RefundRequest.objects.get(pk=waiting.pk)
    assert between.state == "failed"
    assert not payout_words.story(between, now=timezone.now()).call
    contradictions.end_hold(transaction_id=sale.pk, finding="paid", note="商户平台", by=finance, at=timezone.now())

    sale.refresh_from_db()
    assert (RefundRequest.objects.get(pk=request.pk).state, sale.held_at) == ("refunded", None)
    assert (sale.refunded_fen, sale.reserved_fen) == (9_000, 9_000)
    if whose == "another's":
        closed = RefundRequest.objects.get(pk=waiting.pk)
        assert closed.state == "cancelled"
        assert request.number in closed.message_to_customer
    assert LedgerEntry.objects.filter(kind="payout").count() == 2


def test_end_hold_when_it_was_not_paid_lets_a_person_pay_by_hand_what_was_given_up_meanwhile() -> None:
    sale = make_sale(hand.make_shop(), 9_000)
    request = failed(submit(sale, 9_000), retry=Retry.NEVER)
    first, finance = request.executions.get(), _finance(sale)
    correction = resubmitting.Correction(route="store_credit", customer_consent=True)
    resubmitting.resubmit(request_id=request.pk, correction=correction, by=finance, at=timezone.now())
    hand.approved(RefundRequest.objects.get(pk=request.pk))
    drain()
    _say_paid(first)
    request = RefundRequest.objects.get(pk=request.pk)
    by_hand.give_up(
        request_id=request.pk,
        trouble="paid_meanwhile",
        note="",
        by=hand.payer(request),
        at=timezone.now(),
        version=request.version,
    )
    contradictions.end_hold(transaction_id=sale.pk, finding="not_paid", note="渠道更正", by=finance, at=timezone.now())
    request = RefundRequest.objects.get(pk=request.pk)
    ways_back.retry(request_id=request.pk, by=finance, at=timezone.now(), version=request.version)
    drain()
    assert hand.confirmed(RefundRequest.objects.get(pk=request.pk)).state == "refunded"


def test_end_hold_when_it_was_not_paid_leaves_the_books_and_a_repeated_notice_holds_nothing() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = _contradicted(sale)
    contradictions.end_hold(
        transaction_id=sale.pk, finding="not_paid", note="渠道更正", by=_finance(sale), at=timezone.now()
    )
    _say_paid(request.executions.get())
    sale.refresh_from_db()
    request = RefundRequest.objects.get(pk=request.pk)
    assert (sale.held_at, sale.refunded_fen, request.state) == (None, 0, "failed")


def test_end_hold_when_what_was_asked_anew_takes_its_room_is_refused_and_the_hold_stands() -> None:
    sale = make_sale(make_merchant(), 9_000)
    _contradicted(sale)
    submit(sale, 9_000)
    with pytest.raises(OverRefund):
        contradictions.end_hold(
            transaction_id=sale.pk, finding="paid", note="已核对", by=_finance(sale), at=timezone.now()
        )
    sale.refresh_from_db()
    assert sale.held_at is not None
    assert sale.refunded_fen == 0


@pytest.mark.parametrize("role", ["cashier", "reviewer"])
def test_end_hold_by_whoever_does_not_reconcile_is_refused(role: str) -> None:
    sale = make_sale(make_merchant(), 50_000)
    _contradicted(sale)
    answer = session_for(make_staff(sale.merchant, role)).post(
        f"transactions/{sale.pk}/end-hold", {"finding": "not_paid", "note": "x"}
    )
    assert answer.status_code == 403
    sale.refresh_from_db()
    assert sale.held_at is not None


def test_desk_names_the_held_sale_in_the_trouble_view_and_ends_the_hold() -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = _contradicted(sale)
    client = Client()
    client.force_login(make_staff(sale.merchant, "manager"), backend="django.contrib.auth.backends.ModelBackend")
    assert sale.order_no in client.get("/desk").content.decode()
    page = client.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert request.executions.get().refund_no in page
    url = f"/desk/transactions/{sale.pk}/end-hold"
    assert client.post(url, {"finding": "paid", "note": ""}).status_code == 302
    sale.refresh_from_db()
    assert sale.held_at is not None
    client.post(url, {"finding": "paid", "note": "已核对"})
    ended = Transaction.objects.get(pk=sale.pk)
    assert (ended.held_at, ended.refunded_fen) == (None, 9_000)


# --- legs of a plan ---


def _leg_refused_and_paid(*, other: str) -> tuple[RefundRequest, tuple[Transaction, Transaction]]:
    """Leg 2 was refused, and is reported as paid after the other leg's outcome."""
    order = plans.order_of_two()
    request = plans.ask(order[0])
    plans.answer(request, 2, "refused")
    if other:
        plans.answer(request, 1, other)
    _say_paid(request.executions.get(sequence=2))
    return RefundRequest.objects.get(pk=request.pk), order


def _end_hold(request: RefundRequest, finding: str = "paid") -> RefundRequest:
    contradictions.end_hold(
        transaction_id=request.executions.filter(paid_after_all_at__isnull=False).get().transaction_id,
        finding=finding,
        note="商户平台显示退款成功",
        by=_finance(request.transaction),
        at=timezone.now(),
    )
    return RefundRequest.objects.get(pk=request.pk)


def test_end_hold_when_a_leg_was_paid_after_all_the_plan_is_complete() -> None:
    request, order = _leg_refused_and_paid(other="done")
    assert request.state == "partially_refunded"
    request = _end_hold(request)
    assert (request.state, request.refunded_fen) == ("refunded", 30_000)
    assert plans.held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


def test_end_hold_when_a_leg_was_paid_after_all_and_the_other_is_under_way_that_goes_on() -> None:
    request, order = _leg_refused_and_paid(other="")
    request = _end_hold(request)
    assert (request.state, request.refunded_fen) == ("partially_refunded", 10_000)
    assert plans.answer(request, 1).state == "refunded"
    assert plans.held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


def test_end_hold_when_every_leg_had_failed_what_was_paid_stands_and_the_other_is_free() -> None:
    request, order = _leg_refused_and_paid(other="refused")
    assert (request.state, request.reserved_fen) == ("failed", 0)
    request = _end_hold(request)
    assert (request.state, request.refunded_fen, request.approved_fen) == ("refunded", 10_000, 10_000)
    assert plans.held(*order) == [(0, 0, 0), (10_000, 10_000, 1)]
    assert [(leg.sequence, leg.refunded_fen) for leg in request.legs.order_by("sequence")] == [(1, 0), (2, 10_000)]


def test_end_hold_when_a_leg_goes_out_anew_its_new_number_is_withdrawn() -> None:
    order = plans.order_of_two()
    request = plans.ask(order[0])
    first = request.executions.get(sequence=2)
    plans.answer(request, 1)
    request = plans.answer(request, 2, "refused")
    ways_back.retry(request_id=request.pk, by=_finance(order[0]), at=timezone.now(), version=request.version)
    _say_paid(Execution.objects.get(pk=first.pk))
    request = _end_hold(request)
    assert (request.state, request.refunded_fen) == ("refunded", 30_000)
    assert sorted(request.executions.values_list("sequence", "state")) == [
        (1, "succeeded"),
        (2, "cancelled"),
        (2, "succeeded"),
    ]


def test_end_hold_when_the_leg_was_given_up_its_books_stay_and_finance_settles_it_outside() -> None:
    order = plans.order_of_two()
    request = plans.ask(order[0])
    plans.answer(request, 1)
    request = plans.answer(request, 2, "refused")
    ways_back.give_up_leg(
        request_id=request.pk, sequence=2, note="", by=_finance(order[0]), at=timezone.now(), version=request.version
    )
    _say_paid(request.executions.get(sequence=2))
    with pytest.raises(WrongState):
        _end_hold(request)
    assert plans.held(*order) == [(20_000, 20_000, 1), (0, 0, 0)]
    assert _end_hold(request, "settled").refunded_fen == 20_000


@pytest.mark.parametrize(
    ("changes", "held"),
    [({}, False), ({"amount_fen": 9_001}, True), ({"channel_refund_no": "ANOTHER"}, True), ({"refund_no": "X"}, True)],
)
def test_settle_when_a_paid_payout_is_proven_paid_as_something_else_the_sale_is_held(
    changes: dict[str, Any], held: bool
) -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = paid(submit(sale, 9_000))
    payout = request.executions.get()
    done = Done(
        refund_no=payout.refund_no,
        channel_refund_no=payout.channel_refund_no,
        amount_fen=payout.amount_fen,
        succeeded_at=timezone.now(),
    )

    second = Answer(payout.pk, request.pk, payout.channel_account_id, replace(done, **changes), "notice")
    payouts.settle([second], at=timezone.now())

    sale.refresh_from_db()
    assert (sale.held_at is not None, request.executions.get().state, sale.refunded_fen) == (held, "succeeded", 9_000)


@pytest.mark.parametrize(
    ("source", "retry", "held"),
    [
        ("notice", Retry.NEW_NUMBER, True),
        ("query", Retry.NEVER, True),
        ("query", Retry.LATER, False),
        ("answer", Retry.NEVER, False),
    ],
)
def test_settle_when_a_paid_payout_is_called_refused_by_a_verified_word_the_sale_is_held(
    source: str, retry: Retry, held: bool
) -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = paid(submit(sale, 9_000))
    payout = request.executions.get()
    refused = Refused(code="CLOSED", message="x", retry=retry)

    payouts.settle([Answer(payout.pk, request.pk, payout.channel_account_id, refused, source)], at=timezone.now())

    sale.refresh_from_db()
    assert (sale.held_at is not None, request.executions.get().state, sale.refunded_fen) == (held, "succeeded", 9_000)
    assert AuditEvent.objects.filter(action="transaction.hold", object_id=str(sale.pk)).count() == held
    if held:
        with pytest.raises(SaleHeld):
            holds.check_not_held(transaction_id=sale.pk)
        note = "已在商户平台核对"
        ended = contradictions.end_hold(
            transaction_id=sale.pk, finding="cleared", note=note, by=_finance(sale), at=timezone.now()
        )
        assert ended.held_at is None
