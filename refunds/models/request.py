"""The refund request and its state machine. Transitions are pure: they set fields and do nothing else.

Only ``refunds.lifecycle`` calls them: it holds the lock, checks the version and writes the audit event and outbox row.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, Q, When
from django_fsm import FSMField, transition
from uuid_utils.compat import uuid7

from core.one_of import one_of
from core.personal_data import SealedTextField
from core.quantities import QuantityField, quantity_text
from merchants.models import ApiKey, Merchant, PolicyVersion, Staff, Store
from refunds import states
from refunds.states import Reason, RejectReason, Route, State
from terminals.models import Terminal, Transaction, TransactionLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models.fields.related_descriptors import RelatedManager

    from refunds.models.execution import Execution


def _edge(name: str) -> Callable[..., Any]:
    edge = states.edge(name)
    decorator: Callable[..., Any] = transition(field="state", source=list(edge.sources), target=edge.target)
    return decorator


class RefundRequest(models.Model):
    """A customer's wish for money back, from submission to the last call.

    ``version`` counts state changes. ``reserved_fen`` is what it holds of the sale at this moment: the requested or the
    approved amount, nothing once released; ``leg_count`` above 0: its legs say of which payments (``refunds.models.leg``).
    ``due_at`` is when the merchant should have decided, ``paused_at`` since when its clock stands; ``extended_until`` is what the
    customer agreed to, ``escalated_at`` when time ran out. ``step_due_at`` is when the system owes the next step, empty where it
    owes none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=24, db_collation="C")
    # db_constraint=False: rows that can never be deleted (a trigger sees to it) and that many refunds a second point at.
    # The foreign key's check would lock them for every one of these (docs/adr/0021).
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="refund_requests", db_index=False
    )
    terminal = models.ForeignKey(
        Terminal, null=True, blank=True, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    channel = models.CharField(max_length=20)

    state = FSMField(default=State.SUBMITTED, choices=State.choices, max_length=20, protected=True)
    version = models.IntegerField(default=1)
    kind = models.CharField(max_length=20)
    reason = models.CharField(max_length=30, choices=Reason.choices)
    description = models.TextField(blank=True, max_length=1000)
    route = models.CharField(max_length=20, choices=Route.choices, default=Route.ORIGINAL)
    amount_fen = models.BigIntegerField()
    approved_fen = models.BigIntegerField(null=True)
    reserved_fen = models.BigIntegerField()
    leg_count = models.SmallIntegerField(default=0)
    refunded_fen = models.BigIntegerField(default=0)

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    verdict = models.JSONField()
    tier = models.CharField(max_length=30)
    by_rule = models.BooleanField(default=False)

    staff = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    api_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    cashier = models.CharField(max_length=40, blank=True)
    #: ``refunds.rules.deposits.DepositClaim``: why a deposit ends, as whoever asked said.
    deposit = models.JSONField(null=True)
    customer_name = SealedTextField(purpose="request.customer_name")
    customer_name_hash = models.BinaryField(max_length=16, null=True)
    customer_phone = SealedTextField(purpose="request.customer_phone")
    customer_phone_hash = models.BinaryField(max_length=16, null=True)
    customer_phone_last4_hash = models.BinaryField(max_length=16, null=True)
    customer_email = SealedTextField(purpose="request.customer_email")
    customer_locale = models.CharField(max_length=10, default="zh-Hans")
    customer_consent = models.BooleanField(null=True)

    # No index: claiming and releasing stay within the row's page, and a desk finds its own among the few open ones.
    claimed_by = models.ForeignKey(
        Staff, null=True, blank=True, on_delete=models.SET_NULL, related_name="claims", db_index=False
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    extended_until = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    step_due_at = models.DateTimeField(null=True, blank=True)
    reject_reason = models.CharField(max_length=30, blank=True, choices=RejectReason.choices)
    message_to_customer = models.TextField(blank=True, max_length=500)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        lines: RelatedManager[RefundLine]
        executions: RelatedManager[Execution]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="request_number_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="request_amount_positive"),
            models.CheckConstraint(
                condition=Q(approved_fen__isnull=True) | Q(approved_fen__gt=0, approved_fen__lte=F("amount_fen")),
                name="request_approved_within_requested",
            ),
            models.CheckConstraint(
                condition=Case(
                    When(one_of("state", states.RELEASED), then=Q(reserved_fen=0)),
                    default=Q(reserved_fen__gt=0, reserved_fen__lte=F("amount_fen")),
                    output_field=models.BooleanField(),
                ),
                name="request_reserves_what_its_state_says",
            ),
            models.CheckConstraint(
                condition=Case(
                    When(
                        one_of("state", states.PAID),
                        then=Q(refunded_fen=F("reserved_fen"), succeeded_at__isnull=False),
                    ),
                    When(
                        state=State.PARTIALLY_REFUNDED,
                        then=Q(refunded_fen__gt=0, refunded_fen__lt=F("reserved_fen")),
                    ),
                    default=Q(refunded_fen=0),
                    output_field=models.BooleanField(),
                ),
                name="request_paid_when_its_state_says",
            ),
            models.CheckConstraint(
                condition=one_of("state", (state for state in State if state not in states.IN_TRANSIT)),
                name="request_stored_once_judged",
            ),
        ]
        indexes = [
            # Lists are in order of submission; ids rise with it, but a list of days a year ago must not walk them all.
            models.Index(fields=["merchant", "created_at", "id"], name="request_created"),
            models.Index(fields=["merchant", "state", "created_at", "id"], name="request_state"),
            models.Index(fields=["merchant", "reason", "created_at", "id"], name="request_reason"),
            # Of what people decided alone: a refund that the policy approves is never in it.
            models.Index(
                fields=["merchant", "reason", "amount_fen", "-decided_at"],
                name="request_decided",
                condition=Q(decided_at__isnull=False, by_rule=False),
            ),
            # With the merchant, so that counting reads the index alone: the wall asks every row for it. The state, likewise.
            models.Index(fields=["merchant", "store", "created_at", "id"], include=["state"], name="request_store"),
            models.Index(
                fields=["merchant", "cashier", "created_at", "id"], name="request_cashier", condition=~Q(cashier="")
            ),
            models.Index(
                fields=["terminal", "created_at", "id"], name="request_till", condition=Q(terminal__isnull=False)
            ),
            models.Index(
                fields=["merchant", "due_at", "id"],
                name="request_desk",
                condition=Q(state__in=[State.IN_REVIEW, State.NEEDS_INFO, State.FAILED, State.UNKNOWN]),
            ),
            # What has changed since then, for programs that keep a copy. Nothing to keep in order with each change of a state.
            BrinIndex(fields=["updated_at"], name="request_updated_brin", pages_per_range=32, autosummarize=True),
            models.Index(fields=["step_due_at"], name="request_step_due", condition=Q(step_due_at__isnull=False)),
            models.Index(fields=["transaction"], name="request_transaction"),
            models.Index(
                fields=["merchant", "succeeded_at", "created_at", "id"],
                name="request_succeeded",
                condition=Q(succeeded_at__isnull=False),
            ),
            models.Index(
                fields=["customer_phone_hash"], name="request_phone", condition=Q(customer_phone_hash__isnull=False)
            ),
            models.Index(
                fields=["merchant", "customer_name_hash"],
                name="request_name",
                condition=Q(customer_name_hash__isnull=False),
            ),
            models.Index(
                fields=["merchant", "customer_phone_last4_hash"],
                name="request_phone_last4",
                condition=Q(customer_phone_last4_hash__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @_edge("verify")
    def verify(self, *, at: datetime) -> None:
        self.step_due_at = at

    @_edge("ask_review")
    def ask_review(self, *, at: datetime) -> None:
        self.step_due_at = None

    @_edge("approve_by_rule")
    def approve_by_rule(self, *, at: datetime) -> None:
        self._approved(self.amount_fen, at)
        self.by_rule = True

    @_edge("approve")
    def approve(self, *, at: datetime, amount_fen: int) -> None:
        self._approved(amount_fen, at)

    @_edge("reject")
    def reject(self, *, at: datetime, reason: str, message: str) -> None:
        self.decided_at = at
        self.reject_reason = reason
        self.message_to_customer = message
        self._released()

    @_edge("request_info")
    def request_info(self, *, at: datetime, message: str) -> None:
        self.paused_at = at
        self.message_to_customer = message

    @_edge("ask_goods")
    def ask_goods(self, *, at: datetime, message: str) -> None:
        self.paused_at = at
        self.step_due_at = None
        self.message_to_customer = message

    @_edge("receive_goods")
    def receive_goods(self, *, at: datetime, due_at: datetime) -> None:
        self.go_on(due_at)

    @_edge("judge_goods")
    def judge_goods(self, *, at: datetime, due_at: datetime) -> None:
        self.go_on(due_at)
        self.message_to_customer = ""
        self.step_due_at = at

    @_edge("offer")
    def offer(self, *, at: datetime) -> None:
        """The offer itself has a row of its own."""

    @_edge("ask_vendor")
    def ask_vendor(self, *, at: datetime) -> None:
        """What failed is not the customer's to wait for: the clock runs on. Nobody works on it meanwhile."""
        self.claimed_by = self.claimed_at = None

    @_edge("vendor_answers")
    def vendor_answers(self, *, at: datetime) -> None:
        """Its clock has run all along."""

    @_edge("extend")
    def extend(self, *, at: datetime, until: datetime) -> None:
        self.due_at = self.extended_until = until

    @_edge("resubmit")
    def resubmit(self, *, at: datetime, due_at: datetime, amount_fen: int) -> None:
        self.amount_fen = amount_fen
        if self.paused_at is None:
            # A clock of its own; otherwise it goes on with what was left.
            self.extended_until = self.escalated_at = None
        elif self.extended_until is not None:
            self.extended_until = due_at
        self.due_at = due_at
        self.paused_at = None
        self.decided_at = self.approved_fen = None
        self.by_rule = False
        self.reject_reason = self.message_to_customer = ""
        self.reserved_fen = self.amount_fen
        self.claimed_by = self.claimed_at = None
        self.step_due_at = at

    @_edge("cancel")
    def cancel(self, *, at: datetime, message: str) -> None:
        self.message_to_customer = message
        self.paused_at = None
        self._released()

    @_edge("start_execution")
    def start_execution(self, *, at: datetime) -> None:
        self.step_due_at = None

    @_edge("lose_sight")
    def lose_sight(self, *, at: datetime) -> None:
        """The execution carries its own due time."""

    @_edge("regain_sight")
    def regain_sight(self, *, at: datetime) -> None:
        """The execution carries its own due time."""

    @_edge("hand_over")
    def hand_over(self, *, at: datetime) -> None:
        """The execution carries its own due time."""

    @_edge("pay_part")
    def pay_part(self, *, at: datetime, amount_fen: int) -> None:
        """The executions of its other legs carry their own due times."""
        self.refunded_fen += amount_fen

    @_edge("renew_leg")
    def renew_leg(self, *, at: datetime) -> None:
        """The leg's new execution carries its own due time."""

    @_edge("give_up_leg")
    def give_up_leg(self, *, at: datetime, amount_fen: int) -> None:
        self._shrink(amount_fen)

    @_edge("give_up_rest")
    def give_up_rest(self, *, at: datetime, amount_fen: int, succeeded_at: datetime, follow_up_at: datetime) -> None:
        self._shrink(amount_fen)
        self.succeeded_at = succeeded_at
        self.step_due_at = follow_up_at

    @_edge("succeed")
    def succeed(self, *, at: datetime, succeeded_at: datetime, follow_up_at: datetime) -> None:
        self.refunded_fen = self.reserved_fen
        self.succeeded_at = succeeded_at
        self.step_due_at = follow_up_at

    @_edge("fail")
    def fail(self, *, at: datetime) -> None:
        self._released()

    @_edge("retry")
    def retry(self, *, at: datetime) -> None:
        self.reserved_fen = self.approved_fen or self.amount_fen
        self.step_due_at = at

    @_edge("close_against")
    def close_against(self, *, at: datetime, message: str) -> None:
        self.message_to_customer = message
        self._released()

    @_edge("prove_paid")
    def prove_paid(self, *, at: datetime, amount_fen: int, succeeded_at: datetime, follow_up_at: datetime) -> None:
        self.approved_fen = self.reserved_fen = self.refunded_fen = amount_fen
        self.decided_at = self.decided_at or at
        self.paused_at = None
        self.succeeded_at = succeeded_at
        self.step_due_at = follow_up_at

    @_edge("begin_follow_up")
    def begin_follow_up(self, *, at: datetime, close_at: datetime) -> None:
        self.step_due_at = close_at

    @_edge("close")
    def close(self, *, at: datetime) -> None:
        self.step_due_at = None

    def go_on(self, due_at: datetime) -> None:
        """The clock that stood goes on, until then."""
        if self.paused_at is not None and self.extended_until is not None:
            self.extended_until = due_at
        self.due_at, self.paused_at = due_at, None

    def _approved(self, amount_fen: int, at: datetime) -> None:
        self.approved_fen = self.reserved_fen = amount_fen
        self.decided_at = self.step_due_at = at

    def _shrink(self, amount_fen: int) -> None:
        """What is given up was approved and is free again."""
        self.reserved_fen -= amount_fen
        self.approved_fen = self.reserved_fen

    def _released(self) -> None:
        self.reserved_fen = 0
        self.step_due_at = None


class RefundLine(models.Model):
    """Pieces of an article that the request is about, with what they were worth when it was judged.

    ``held_quantity`` and ``held_fen`` are what it holds of the sale's line at this moment (``refunds.rules.worth.held``):
    pieces that came back, and money that was given for them.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line = models.ForeignKey(TransactionLine, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    value_fen = models.BigIntegerField()
    held_quantity = QuantityField()
    held_fen = models.BigIntegerField()

    walled_by = "request"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "line"], name="refund_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="refund_line_positive"),
            models.CheckConstraint(
                condition=Q(held_quantity__gte=0, held_quantity__lte=F("quantity"), held_fen__gte=0, value_fen__gte=0),
                name="refund_line_holds_no_more",
            ),
        ]

    def __str__(self) -> str:
        return f"{quantity_text(self.quantity)} x {self.line_id}"
