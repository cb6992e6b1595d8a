"""Payouts that a person makes: asked for, approved, handed over, paid outside, confirmed once."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone, translation

from core.audit.models import AuditEvent
from core.errors import DomainError
from merchants import api_keys
from merchants.models import ApiKey, ChannelAccount, Staff
from merchants.principals import Principal, of_staff
from payment_channels.contract import Retry, Unknown
from refunds import payouts
from refunds.facts import shares
from refunds.intake import judging, resubmitting
from refunds.intake.claims import Account, PayeeInvalid
from refunds.intake.resubmitting import Correction
from refunds.models import Execution, LedgerEntry, Payee, RefundRequest
from refunds.payouts import by_hand, ways_back
from refunds.payouts.adapters import adapter_for
from refunds.payouts.loop import drain
from refunds.states import BY_HAND, HandTrouble, Route
from refunds.telling import coupons
from terminals.models import Transaction
from tests.factories import make_request, make_sale, make_staff, of_api_key
from tests.refunds import hand
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db(transaction=True)

ROUTES = sorted(BY_HAND)


def _confirm(
    request: RefundRequest, *, by: Principal | None = None, reference_no: str = "0042", **fields: Any
) -> RefundRequest:
    return by_hand.confirm(
        request_id=request.pk,
        payment=hand.payment(request, reference_no, **fields),
        by=by or hand.payer(request),
        at=timezone.now(),
        version=request.version,
    )


def _refused(code: str, request: RefundRequest, **arguments: Any) -> None:
    """The confirmation is refused, and nothing has changed."""
    with pytest.raises(DomainError) as refusal:
        _confirm(request, **arguments)
    assert refusal.value.code == code
    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.version, again.refunded_fen) == (request.state, request.version, 0)
    assert not LedgerEntry.objects.exists()


# --- the way to a person and back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
def test_approved_payout_is_handed_to_a_person_and_rests_there(route: str) -> None:
    request = hand.waiting(route)

    assert request.state == "manual_pending"
    payout = Execution.objects.select_related("channel_account").get(request=request)
    assert (payout.state, payout.channel_account.channel, payout.method_reason) == ("processing", route, "by_hand")
    assert not payout.needs_attention
    assert payout.due_at is not None
    assert payout.due_at > timezone.now() + timedelta(hours=23)
    assert AuditEvent.objects.filter(object_id=str(request.pk), action="refund.hand_over").count() == 1


@pytest.mark.parametrize("route", ROUTES)
def test_confirmed_payout_is_paid_booked_and_proven_once(route: str) -> None:
    request = hand.waiting(route)
    finance = hand.payer(request)

    paid = _confirm(request, by=finance)

    assert (paid.state, paid.refunded_fen) == ("refunded", 1_200)
    assert Transaction.objects.get(pk=request.transaction_id).refunded_fen == 1_200
    payout = Execution.objects.get(request=request)
    assert payout.state == "succeeded"
    assert payout.proof_source == "person"
    assert finance.actor.name in payout.proof
    assert payout.channel_refund_no == ("S001/0042" if route == Route.CASH else "0042")
    booked = list(LedgerEntry.objects.values_list("kind", "account", "amount_fen").order_by("account"))
    assert booked == [("payout", "channel_clearing", -1_200), ("payout", "refunds_payable", 1_200)]
    said = AuditEvent.objects.get(object_id=str(request.pk), action="refund.succeed")
    assert (said.actor_kind, said.actor_id) == ("staff", finance.actor.id)


def test_minute_of_the_approval_counts_as_after_it() -> None:
    request = hand.waiting(Route.STORE_CREDIT)
    assert request.decided_at is not None

    paid = _confirm(request, paid_at=request.decided_at.replace(second=0, microsecond=0))

    assert paid.succeeded_at == request.decided_at


def test_a_day_later_the_look_changes_nothing() -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    Execution.objects.update(due_at=timezone.now())

    drain()

    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.version) == ("manual_pending", request.version)
    assert Execution.objects.get().sends == 1


def test_worker_that_died_after_the_claim_is_followed_by_one_that_hands_over() -> None:
    request = hand.approved(hand.asked(Route.STORE_CREDIT))
    payouts.claim(limit=10, at=timezone.now() - timedelta(hours=1))

    drain()

    assert RefundRequest.objects.get(pk=request.pk).state == "manual_pending"


def test_fault_of_our_own_delays_the_handing_over_and_no_more() -> None:
    request = hand.approved(hand.asked(Route.STORE_CREDIT))
    (claimed,) = payouts.claim(limit=10, at=timezone.now())
    fault = Unknown(code="adapter_error", message="KeyError")
    answer = payouts.Answer(claimed.execution_id, request.pk, claimed.account_id, fault, "answer", turn=claimed.turn)
    payouts.settle([answer], at=timezone.now())
    assert RefundRequest.objects.get(pk=request.pk).state == "unknown"

    Execution.objects.update(due_at=timezone.now())
    drain()

    waiting = RefundRequest.objects.get(pk=request.pk)
    assert waiting.state == "manual_pending"
    assert _confirm(waiting).state == "refunded"


def test_what_waits_for_a_person_can_no_longer_be_withdrawn() -> None:
    request = hand.waiting(Route.CASH)
    with pytest.raises(DomainError) as refusal:
        ways_back.cancel(request_id=request.pk, by=hand.payer(request, "manager"), at=timezone.now())
    assert refusal.value.code == "state_conflict"
    assert Execution.objects.get().state == "processing"


def test_withdrawn_before_the_handing_over_nobody_is_asked_to_pay() -> None:
    request = hand.approved(hand.asked(Route.CASH))
    ways_back.cancel(request_id=request.pk, by=hand.payer(request, "manager"), at=timezone.now())
    drain()
    assert RefundRequest.objects.get(pk=request.pk).state == "cancelled"
    _refused("state_conflict", RefundRequest.objects.get(pk=request.pk))


def test_confirming_while_the_worker_looks_pays_once() -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    Execution.objects.update(due_at=timezone.now())
    (claimed,) = payouts.claim(limit=10, at=timezone.now())
    answer = payouts.ask(claimed, adapter_for(claimed.account_id, claimed.account_revision))

    paid = _confirm(request)
    payouts.settle([answer], at=timezone.now())

    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.version) == ("refunded", paid.version)


def test_two_people_at_once_pay_once() -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    payers = [hand.payer(request) for _ in range(4)]
    outcomes: list[str] = []

    def work(number: int) -> None:
        try:
            _confirm(request, by=payers[number], reference_no=f"T{number}")
            outcomes.append("paid")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["paid", "version_conflict", "version_conflict", "version_conflict"]
    assert LedgerEntry.objects.count() == 2


def test_what_is_being_paid_by_hand_cannot_be_asked_for_again() -> None:
    sale = hand.sale_for(hand.make_shop(), Route.BANK_TRANSFER, 1_200)
    hand.waiting(Route.BANK_TRANSFER, sale=sale)

    with pytest.raises(judging.PolicyRefused) as refusal:
        hand.asked("original", sale=sale, amount_fen=1)

    assert refusal.value.code == "exceeds_refundable"


def test_cash_limit_holds_for_the_sale_and_not_for_each_request() -> None:
    sale = hand.sale_for(hand.make_shop(), Route.CASH, 90_000)
    hand.asked(Route.CASH, sale=sale, amount_fen=30_000)

    with pytest.raises(judging.PolicyRefused) as refusal:
        hand.asked(Route.CASH, sale=sale, amount_fen=30_000)

    assert refusal.value.code == "route_limit"
    assert hand.asked(Route.CASH, sale=sale, amount_fen=20_000).state == "in_review"


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "role", "allowed"),
    [
        *((route, role, True) for route in ROUTES for role in ("finance", "manager", "owner")),
        *((route, "reviewer", False) for route in ROUTES),
        (Route.CASH, "cashier", True),
        (Route.BANK_TRANSFER, "cashier", False),
        (Route.STORE_CREDIT, "cashier", False),
    ],
)
def test_who_pays_by_hand(route: str, role: str, allowed: bool) -> None:
    request = hand.waiting(route)
    if allowed:
        assert _confirm(request, by=hand.payer(request, role)).state == "refunded"
    else:
        _refused("role_required", request, by=hand.payer(request, role))


def test_who_approved_does_not_pay() -> None:
    request = hand.asked(Route.BANK_TRANSFER)
    manager = make_staff(request.merchant, "manager")
    hand.approved(request, by=manager)
    drain()

    _refused(
        "two_persons_needed",
        RefundRequest.objects.get(pk=request.pk),
        by=of_staff(manager),
    )


def test_who_asked_for_it_or_rang_it_up_does_not_pay() -> None:
    cashier = make_staff((merchant := hand.make_shop()), "cashier")
    asked_for = hand.waiting(Route.CASH, sale=hand.sale_for(merchant, Route.CASH), by=cashier)
    _refused("two_persons_needed", asked_for, by=of_staff(cashier))

    sale = hand.sale_for(merchant, Route.CASH, cashier=cashier.username)
    rung_up = hand.waiting(Route.CASH, sale=sale)
    _refused("two_persons_needed", rung_up, by=of_staff(cashier))


def _key(request: RefundRequest, maker_role: str = "manager") -> ApiKey:
    maker = make_staff(request.merchant, maker_role)
    key, _, _ = api_keys.issue(
        merchant=request.merchant,
        name="出纳系统",
        scopes=["payouts:write"],
        by=of_staff(maker),
        at=timezone.now(),
        all_stores=True,
    )
    return key


def _as_payer(key: ApiKey) -> Principal:
    return of_api_key(key)


def test_key_confirms_transfers_and_no_cash() -> None:
    transfer, cash = hand.waiting(Route.BANK_TRANSFER), hand.waiting(Route.CASH)

    _refused("staff_only", cash, by=_as_payer(_key(cash)))
    assert _confirm(transfer, by=_as_payer(_key(transfer))).state == "refunded"


def test_key_does_not_pay_what_its_maker_approved_or_what_it_asked_for() -> None:
    request = hand.asked(Route.BANK_TRANSFER)
    key = _key(request)
    assert key.created_by is not None
    hand.approved(request, by=key.created_by)
    drain()
    _refused("two_persons_needed", RefundRequest.objects.get(pk=request.pk), by=_as_payer(key))

    other = hand.waiting(Route.BANK_TRANSFER)
    key = _key(other)
    RefundRequest.objects.filter(pk=other.pk).update(api_key=key, staff=None)
    _refused("two_persons_needed", RefundRequest.objects.get(pk=other.pk), by=_as_payer(key))


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"reference_no": ""},
        {"reference_no": "  \n"},
        {"reference_no": "9" * 41},
        {"drawer": "POS-01"},
        {"paid_at": timezone.now() + timedelta(days=1)},
        {"paid_at": timezone.now() - timedelta(days=30)},
    ],
)
def test_payment_that_cannot_be_true_is_refused(fields: dict[str, Any]) -> None:
    _refused("payment_incomplete", hand.waiting(Route.BANK_TRANSFER), **fields)


@pytest.mark.parametrize("drawer", ["", "POS-99", "' OR 1=1"])
def test_cash_comes_from_a_till_of_the_store(drawer: str) -> None:
    _refused("payment_incomplete", hand.waiting(Route.CASH), drawer=drawer)


def test_one_transfer_proves_one_payout() -> None:
    merchant = hand.make_shop()
    first = hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(merchant, Route.BANK_TRANSFER))
    second = hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(merchant, Route.BANK_TRANSFER))
    _confirm(first, reference_no="T-1")

    with pytest.raises(by_hand.ReferenceUsed):
        _confirm(second, reference_no="T-1")

    assert RefundRequest.objects.get(pk=second.pk).state == "manual_pending"
    assert _confirm(second, reference_no="T-2").state == "refunded"


def test_what_waits_for_no_person_cannot_be_confirmed() -> None:
    in_review = hand.asked(Route.STORE_CREDIT)
    _refused("state_conflict", in_review)
    paid = _confirm(hand.waiting(Route.STORE_CREDIT))
    with pytest.raises(DomainError) as refusal:
        _confirm(paid, reference_no="another")
    assert refusal.value.code == "state_conflict"


@pytest.mark.parametrize(
    "account",
    [
        None,
        Account(holder_name="", account_no=hand.ACCOUNT_NO, bank_name="工商银行"),
        Account(holder_name="王敏", account_no="1234567", bank_name="工商银行"),
        Account(holder_name="王敏", account_no="62220212345678９０", bank_name="工商银行"),
        Account(holder_name="王敏", account_no=hand.ACCOUNT_NO, bank_name=" "),
        Account(holder_name="王" * 61, account_no=hand.ACCOUNT_NO, bank_name="工商银行"),
    ],
)
def test_transfer_needs_a_whole_account(account: Account | None) -> None:
    with pytest.raises(PayeeInvalid):
        hand.asked(Route.BANK_TRANSFER, payee=account)
    assert not RefundRequest.objects.exists()


def test_account_where_nothing_is_transferred_is_refused() -> None:
    with pytest.raises(PayeeInvalid):
        hand.asked(Route.STORE_CREDIT, payee=hand.ACCOUNT)


# --- the account is personal data -----------------------------------------------------------------------------------


def test_account_is_sealed_and_in_no_event_proof_or_log(caplog: pytest.LogCaptureFixture) -> None:
    request = _confirm(hand.waiting(Route.BANK_TRANSFER))

    payee = Payee.objects.get(request=request)
    assert (payee.account_no, payee.account_last4) == (hand.ACCOUNT_NO, hand.ACCOUNT_NO[-4:])
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(p)::text FROM refunds_payee p")
        stored = str(cursor.fetchone())
        cursor.execute("SELECT json_agg(e)::text FROM refunds_execution e")
        stored += str(cursor.fetchone())
    stored += str(list(AuditEvent.objects.values())) + caplog.text
    assert hand.ACCOUNT_NO not in stored
    assert hand.ACCOUNT.holder_name not in stored
    assert Execution.objects.get().received_account == f"工商银行 **** {hand.ACCOUNT_NO[-4:]}"
    assert hand.ACCOUNT_NO not in repr(hand.ACCOUNT)


@pytest.mark.parametrize("column", ["holder_name", "account_no"])
def test_database_refuses_an_account_without_holder_or_number(column: str) -> None:
    hand.asked(Route.BANK_TRANSFER)
    with pytest.raises(DatabaseError, match="payee_complete"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE refunds_payee SET {column} = ''::bytea")


# --- what could not be paid, and what comes after -------------------------------------------------------------------


def _given_up(request: RefundRequest, trouble: str) -> RefundRequest:
    return by_hand.give_up(
        request_id=request.pk,
        trouble=trouble,
        note="银行退回",
        by=hand.payer(request),
        at=timezone.now(),
        version=request.version,
    )


@pytest.mark.parametrize("trouble", HandTrouble.values)
def test_what_could_not_be_paid_frees_the_amount(trouble: str) -> None:
    request = _given_up(hand.waiting(Route.STORE_CREDIT), trouble)

    assert request.state == "failed"
    assert Transaction.objects.get(pk=request.transaction_id).reserved_fen == 0
    payout = Execution.objects.get(request=request)
    assert (payout.state, payout.failure_code, payout.failure_message) == ("failed", trouble, "银行退回")
    assert not LedgerEntry.objects.exists()


def test_giving_up_needs_a_coded_reason() -> None:
    with pytest.raises(DomainError) as refusal:
        _given_up(hand.waiting(Route.STORE_CREDIT), "whatever")
    assert refusal.value.code == "unknown_reason_code"


def test_not_collected_goes_out_again_under_its_number() -> None:
    request = _given_up(hand.waiting(Route.STORE_CREDIT), "not_collected")
    finance = make_staff(request.merchant, "finance")

    ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    drain()

    again = RefundRequest.objects.get(pk=request.pk)
    assert again.state == "manual_pending"
    assert _confirm(again).state == "refunded"
    assert Execution.objects.count() == 1


def test_wrong_account_is_corrected_judged_and_approved_anew() -> None:
    request = _given_up(hand.waiting(Route.BANK_TRANSFER), "payee_wrong")
    finance = make_staff(request.merchant, "finance")
    with pytest.raises(DomainError, match="refuse"):
        ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)

    right = replace(hand.ACCOUNT, account_no="6217 0001 2345 6789")
    again = resubmitting.resubmit(
        request_id=request.pk, correction=Correction(payee=right), by=of_staff(finance), at=timezone.now()
    )

    assert again.state == "in_review"
    assert Payee.objects.get(request=request).account_last4 == "6789"
    hand.approved(RefundRequest.objects.get(pk=request.pk))
    drain()
    waiting = RefundRequest.objects.get(pk=request.pk)
    # Who corrected the account counts as who asked: somebody else pays.
    _refused("two_persons_needed", waiting, by=of_staff(finance))
    assert _confirm(waiting).state == "refunded"


def test_refund_that_the_channel_refused_is_paid_by_transfer_instead() -> None:
    sale = make_sale(hand.make_shop(), funding="credit_card")
    with pytest.raises(judging.PolicyRefused) as refusal:
        hand.asked(Route.BANK_TRANSFER, sale=sale)
    assert refusal.value.code == "no_transfer_for_credit"
    request = failed(hand.asked("original", sale=sale), retry=Retry.NEVER)
    by = make_staff(request.merchant, "finance")
    correction = Correction(route=Route.BANK_TRANSFER, payee=hand.ACCOUNT, customer_consent=True)
    resubmitting.resubmit(request_id=request.pk, correction=correction, by=of_staff(by), at=timezone.now())
    hand.approved(RefundRequest.objects.get(pk=request.pk))
    drain()

    paid = _confirm(RefundRequest.objects.get(pk=request.pk))

    assert (paid.state, paid.route) == ("refunded", "bank_transfer")
    assert set(Execution.objects.values_list("channel_account__channel", "state")) == {
        ("wechat", "failed"),
        ("bank_transfer", "succeeded"),
    }


def test_another_route_needs_the_customers_consent_anew() -> None:
    request = failed(hand.asked("original", sale=make_sale(hand.make_shop())))
    by = make_staff(request.merchant, "finance")
    with pytest.raises(judging.PolicyRefused) as refusal:
        resubmitting.resubmit(
            request_id=request.pk, correction=Correction(route=Route.STORE_CREDIT), by=of_staff(by), at=timezone.now()
        )
    assert refusal.value.code == "consent_to_route"
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"


# --- the books -------------------------------------------------------------------------------------------------------


def test_channel_keeps_its_fee_on_what_a_person_paid() -> None:
    sale = make_sale(hand.make_shop())
    ChannelAccount.objects.filter(merchant=sale.merchant, channel="wechat").update(
        profile_overrides={"fee_rate_bp": 60}
    )

    _confirm(hand.waiting(Route.BANK_TRANSFER, sale=sale))

    fees = dict(LedgerEntry.objects.filter(kind="fee").values_list("account", "amount_fen"))
    assert fees == {"fees_lost": 7, "channel_fees": -7}


def test_merchant_has_one_account_a_route_however_many_are_paid() -> None:
    merchant = hand.make_shop()
    for _ in range(2):
        hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(merchant, Route.BANK_TRANSFER))
    assert ChannelAccount.objects.filter(channel="bank_transfer").count() == 1


def test_payout_when_a_coupon_had_paid_a_part_only_the_payers_part_is_paid_and_booked() -> None:
    sale = hand.sale_for(hand.make_shop(), Route.BANK_TRANSFER, payer_paid_fen=8_000)
    request = hand.waiting(Route.BANK_TRANSFER, sale=sale, amount_fen=5_000)
    assert by_hand.waiting_part(request) == (Route.BANK_TRANSFER, 4_000)
    with translation.override("en"):
        said = coupons.both_figures(request)
    assert said == ("¥50.00 of the sale is refunded, ¥40.00 to you: a coupon had paid the other ¥10.00.")

    request = _confirm(request)

    payout = Execution.objects.get(request=request)
    assert (request.state, request.refunded_fen, payout.amount_fen, payout.payer_fen) == (
        "refunded", 5_000, 5_000, 4_000,
    )  # fmt: skip
    booked = LedgerEntry.objects.filter(execution=payout, kind="payout").order_by("amount_fen")
    assert [entry.amount_fen for entry in booked] == [-4_000, 4_000]
    rest = make_request(sale, 5_000)
    assert shares.of_request(rest) == {1: 4_000}


def test_confirm_when_the_payer_was_switched_off_while_they_waited_for_the_lock_refuses() -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    payer = hand.payer(request)
    Staff.objects.filter(pk=payer.acting_staff).update(is_active=False)
    _refused("role_required", request, by=payer)
