"""Everything that can happen to one sale's refunds, in any order: people, a channel that fails, dying workers, passing days.

After every step the books balance; at the end everything ends, and the channel's ledger says what ours says. CI runs the same
walks each time; ``HYPOTHESIS_PROFILE=long`` takes new and longer ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.errors import Conflict, Invalid
from invariants import against_channels
from merchants.principals import of_staff
from payment_channels.contract import Done, Outcome, Unknown
from refunds import payouts
from refunds.follow_up import survey
from refunds.intake import judging, resubmitting, submitting
from refunds.intake.claims import Draft
from refunds.intake.resubmitting import Correction
from refunds.models import ChannelNotice, Execution, RefundRequest
from refunds.payouts import kept_outcomes, notices, ways_back
from refunds.payouts.adapters import adapter_for
from refunds.review import deciding
from refunds.states import RELEASED
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests import after_each
from tests.factories import make_account, make_merchant, make_sale, make_staff

PAID_FEN = 60_000
_REFUND_FAULTS = [
    "drop_before_accept",
    "drop_after_accept",
    "error_before_commit",
    "error_after_commit",
    "rate_limited",
    "not_enough",
    "account_abnormal",
    "no_auth",
    "param_error",
    "closed",
    "garbage",
    "bad_signature",
    "tampered_response",
    "timeout_after_accept",
]
_QUERY_FAULTS = ["drop", "error", "garbage", "stale_processing", "query_lag", "rate_limited", "no_signature"]
_JUMPS = [timedelta(seconds=3), timedelta(seconds=70), timedelta(minutes=10), timedelta(days=2), timedelta(days=9)]


class RefundsOfOneSale(RuleBasedStateMachine):
    """A merchant, a sale of 600 yuan, and whatever happens to it. The clock is the machine's own."""

    wechat: RunningSimulator

    def __init__(self) -> None:
        super().__init__()
        self._whole = transaction.atomic()
        self._whole.__enter__()
        self.wechat.control("POST", "/reset", {})
        self.wechat.control("POST", "/limits", {"per_second": 0, "errors_per_second": 0, "partial_spacing_s": 0})
        # Only faults that are asked for: 0.02 yuan would be stuck for ever, as its magic amount says.
        self.wechat.control("POST", "/magic", {"enabled": False})
        merchant = make_merchant()
        # A denial by query proves nothing in here: the fault "query_lag" may deny for as long as it likes.
        account = make_account(merchant, self.wechat.account, first_query_s=1, timeout_s=0.3, query_lag_s=10**8)
        self.account_id = account.pk
        self.sale: Transaction = make_sale(merchant, PAID_FEN, channel_account=account, quantity=10)
        payment = {
            "order_no": self.sale.order_no,
            "transaction_no": self.sale.channel_transaction_no,
            "amount_fen": PAID_FEN,
            "paid_at": self.sale.paid_at.isoformat(),
        }
        self.wechat.control("POST", "/payments", payment)
        self.cashier = make_staff(merchant, "cashier")
        self.manager = make_staff(merchant, "manager")
        self.now = timezone.now()
        self.events = 0

    def teardown(self) -> None:
        try:
            self._let_everything_end()
        finally:
            self.wechat.control("POST", "/magic", {"enabled": True})
            transaction.set_rollback(True)
            self._whole.__exit__(None, None, None)

    # --- people ---

    @rule(
        amount=st.one_of(st.integers(1, 25_000), st.sampled_from([20_000, 20_001, PAID_FEN, PAID_FEN + 1])),
        reason=st.sampled_from(["quality", "service_failure", "goodwill"]),
        pieces=st.integers(0, 3),
    )
    def submit(self, amount: int, reason: str, pieces: int) -> None:
        lines = [("SKU-1", pieces)] if pieces else []
        draft = Draft(amount_fen=amount, reason=reason, transaction_id=self.sale.pk, lines=lines, customer_consent=True)
        left = PAID_FEN - self._reserved()
        try:
            submitting.submit(draft=draft, by=of_staff(self.cashier), at=self.now)
        except (judging.PolicyRefused, Conflict) as error:
            self._is_right_to_refuse(error, amount, left)
        else:
            assert amount <= left

    @rule(which=st.integers(0, 9), less=st.integers(0, 5_000))
    def approve(self, which: int, less: int) -> None:
        request = self._one(which, "in_review")
        if request is not None:
            amount = max(1, request.amount_fen - less)
            deciding.approve(
                request_id=request.pk,
                by=of_staff(self.manager),
                at=self.now,
                version=request.version,
                amount_fen=amount,
            )

    @rule(which=st.integers(0, 9), asks=st.booleans())
    def decide_otherwise(self, which: int, asks: bool) -> None:
        request = self._one(which, "in_review")
        if request is None:
            return
        decision: dict[str, Any] = {"request_id": request.pk, "by": of_staff(self.manager), "at": self.now}
        if asks:
            deciding.request_info(**decision, version=request.version, message="请补照片")
        else:
            deciding.reject(**decision, version=request.version, reason="no_proof", message="缺少凭证")

    @rule(which=st.integers(0, 9), amount=st.integers(1, 30_000))
    def resubmit(self, which: int, amount: int) -> None:
        request = self._one(which, "needs_info", "failed", "rejected")
        if request is None:
            return
        left = PAID_FEN - self._reserved() + request.reserved_fen
        try:
            resubmitting.resubmit(
                request_id=request.pk, correction=Correction(amount_fen=amount), by=of_staff(self.cashier), at=self.now
            )
        except (judging.PolicyRefused, Conflict) as error:
            self._is_right_to_refuse(error, amount, left)

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        request = self._one(which, "needs_info", "in_review", "approved")
        if request is not None:
            ways_back.cancel(request_id=request.pk, by=of_staff(self.cashier), at=self.now)

    @rule(which=st.integers(0, 9))
    def retry(self, which: int) -> None:
        request = self._one(which, "failed")
        if request is None:
            return
        left = PAID_FEN - self._reserved()
        try:
            ways_back.retry(request_id=request.pk, by=of_staff(self.manager), at=self.now, version=request.version)
        except Conflict as error:
            self._is_right_to_refuse(error, request.approved_fen or 0, left)

    @rule(which=st.integers(0, 9), action=st.sampled_from(["cancel", "retry", "approve"]))
    def do_what_is_not_possible(self, which: int, action: str) -> None:
        """In a state from which it cannot be done, nothing changes."""
        request = self._one(which, "executing", "unknown", "refunded", "follow_up", "closed", "cancelled")
        if request is None:
            return
        decision: dict[str, Any] = {"request_id": request.pk, "by": of_staff(self.manager), "at": self.now}
        attempts: dict[str, Callable[[], object]] = {
            "cancel": partial(ways_back.cancel, request_id=request.pk, by=of_staff(self.cashier), at=self.now),
            "retry": partial(ways_back.retry, **decision, version=request.version),
            "approve": partial(deciding.approve, **decision, version=request.version),
        }
        with pytest.raises((Conflict, Invalid)):
            attempts[action]()
        assert RefundRequest.objects.get(pk=request.pk).version == request.version

    # --- workers and the channel ---

    @rule(
        fault=st.one_of(st.none(), st.sampled_from(_REFUND_FAULTS)), ask_fault=st.sampled_from([None, *_QUERY_FAULTS])
    )
    def drain(self, fault: str | None, ask_fault: str | None) -> None:
        for operation, name in (("refund", fault), ("query", ask_fault)):
            if name is not None:
                self.wechat.control("POST", "/faults", {"operation": operation, "fault": name, "times": 1})
        self._work()

    @rule(asked=st.booleans())
    def worker_dies(self, asked: bool) -> None:
        """After its claim, or when it has the channel's answer and could not write it down."""
        for claimed in payouts.claim(limit=5, at=self.now):
            if asked:
                payouts.ask(claimed, adapter_for(claimed.account_id, claimed.account_revision))

    @rule(seconds=st.sampled_from([-600, 600]))
    def late_answer_of_a_frozen_worker(self, seconds: int) -> None:
        """A refusal from before the lease ended must not undo what happened since."""
        claimed = payouts.claim(limit=1, at=self.now)
        if claimed:
            answer = payouts.ask(claimed[0], adapter_for(claimed[0].account_id, claimed[0].account_revision))
            self.now += timedelta(seconds=abs(seconds))
            self._work()
            payouts.settle([answer], at=self.now)

    @rule(which=st.integers(0, 9), times=st.integers(1, 3), stale=st.booleans())
    def notice(self, which: int, times: int, stale: bool) -> None:
        """What the channel knows to be paid, told once or more often, or a stale word that it is being worked on."""
        rows = self.wechat.control("GET", f"/ledger?order_no={self.sale.order_no}")["rows"]
        if not rows:
            return
        row = rows[which % len(rows)]
        outcome: Outcome = Done(
            refund_no=row["refund_no"],
            channel_refund_no=row["channel_refund_no"],
            amount_fen=row["amount_fen"],
            succeeded_at=self.now,
            raw="{}",
        )
        if stale:
            outcome = Unknown(code="PROCESSING", message="", accepted=True)
        for _ in range(times):
            notice = ChannelNotice(
                channel_account_id=self.account_id,
                event_id=f"{row['refund_no']}-{stale}",
                refund_no=row["refund_no"],
                outcome=kept_outcomes.as_json(outcome),
                received_at=self.now,
            )
            ChannelNotice.objects.bulk_create([notice], ignore_conflicts=True)
            notices.apply_waiting(at=self.now)

    @rule(available=st.sampled_from([0, 1_000, None]))
    def balance(self, available: int | None) -> None:
        self.wechat.control("POST", "/balance", {"available_fen": available})

    @rule(jump=st.sampled_from(_JUMPS))
    def time_passes(self, jump: timedelta) -> None:
        self.now += jump

    @rule()
    def follow(self) -> None:
        survey.work(at=self.now)

    # --- what must be true after every step ---

    @invariant()
    def counters_are_the_sums(self) -> None:
        sale = Transaction.objects.get(pk=self.sale.pk)
        assert sale.reserved_fen == self._reserved() <= PAID_FEN
        paid = sum(RefundRequest.objects.values_list("refunded_fen", flat=True))
        assert sale.refunded_fen == paid

    @invariant()
    def nothing_is_broken(self) -> None:
        broken = [f"{breach.code}: {breach.what}" for breach in after_each.breaches()]
        assert not broken, broken

    # --- helpers ---

    def _is_right_to_refuse(self, error: Conflict | Invalid, amount_fen: int, left_fen: int) -> None:
        by_rule = {"exceeds_quantity", "retry_is_no_use", "channel_refund_count"}
        assert amount_fen > left_fen or error.code in by_rule, (amount_fen, left_fen, error, error.code)

    def _reserved(self) -> int:
        open_requests = RefundRequest.objects.exclude(state__in=RELEASED)
        return sum(request.approved_fen or request.amount_fen for request in open_requests)

    def _one(self, which: int, *states: str) -> RefundRequest | None:
        found = list(RefundRequest.objects.filter(state__in=states).order_by("pk"))
        return found[which % len(found)] if found else None

    def _work(self) -> None:
        """One round of the drain loop at the machine's time."""
        claimed = payouts.claim(limit=20, at=self.now)
        answers = [payouts.ask(one, adapter_for(one.account_id, one.account_revision)) for one in claimed]
        payouts.settle(answers, at=self.now)

    def _let_everything_end(self) -> None:
        """The channel is well again and funded; nobody asks for anything more."""
        self.wechat.control("DELETE", "/faults")
        self.wechat.control("POST", "/balance", {"available_fen": None})
        for request in RefundRequest.objects.filter(state__in=["in_review", "needs_info"]):
            ways_back.cancel(request_id=request.pk, by=of_staff(self.cashier), at=self.now)
        until = time.monotonic() + 30
        while Execution.objects.filter(due_at__isnull=False).exists():
            assert time.monotonic() < until, list(
                Execution.objects.filter(due_at__isnull=False).values_list(
                    "state", "failure_code", "failure_message", "due_at"
                )
            )
            self.now += timedelta(hours=2)
            self._work()
            time.sleep(0.01)
        rows = self.wechat.control("GET", f"/ledger?order_no={self.sale.order_no}")["rows"]
        assert list(against_channels.paid_per_ledger(rows)) == []
        paid = sum(row["amount_fen"] for row in rows)
        assert Transaction.objects.get(pk=self.sale.pk).refunded_fen == paid <= PAID_FEN
        for _ in range(2):
            self.now += timedelta(days=30)
            survey.work(at=self.now)
        ended = {"closed", "failed", "rejected", "cancelled"}
        assert set(RefundRequest.objects.values_list("state", flat=True)) <= ended
        self.nothing_is_broken()


_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@pytest.mark.django_db
def test_refunds_of_one_sale_in_any_order(wechat_process: RunningSimulator) -> None:
    RefundsOfOneSale.wechat = wechat_process
    try:
        run_state_machine_as_test(
            RefundsOfOneSale,
            settings=settings(
                max_examples=60 if _LONG else 12,
                stateful_step_count=50 if _LONG else 30,
                derandomize=not _LONG,
                database=None,
                deadline=None,
                print_blob=True,
                phases=[Phase.generate, Phase.shrink] if _LONG else [Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        wechat_process.control("POST", "/reset", {})
    assert not connection.needs_rollback
