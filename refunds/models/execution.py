"""One attempt at a payout. Its number is stored before anything is sent, and reused however often it is sent."""

import hmac
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, Q, When
from uuid_utils.compat import uuid7

from core.audit import keys
from core.one_of import one_of
from core.unsaved import unsaved
from merchants.models import ChannelAccount, Merchant
from refunds.models.leg import Leg
from refunds.models.request import RefundRequest
from refunds.rules.method import MethodChoice
from refunds.states import EXECUTION_ENDED, ExecutionState
from terminals.models import Transaction


class Method(models.TextChoices):
    REFUND = "refund"
    VOID = "void"


class Execution(models.Model):
    """``due_at`` is when it wants attention next. Claiming it moves that into the future: the lease. A loop that dies
    lets the lease run out, and the next loop asks the channel before it sends anything.

    ``sequence`` is the leg of the request's plan that it pays; the everyday refund is one leg.

    ``unheard_since`` is when the channel was first asked in vain after its last word that can be believed; none while its last
    word stands.

    ``proof`` is the channel's own message that the money moved (verified answer, query or notice).

    ``needs_attention`` of one that failed: the channel has contradicted that since.

    ``denials`` counts how often in a row the channel denied the number and still did not take it. ``paid_to`` is where the
    channel says that the money went, ``second_leg`` what became of the way from there to the payer's bank
    (``payment_channels.contract``); it is asked about at ``second_leg_due_at``, and the bank has the money at ``arrives_at``.

    ``paid_after_all_at``: when the channel says that it paid what it had refused before; ``proof`` is that message then, and the
    sale is held (``refunds.payouts.contradictions``).

    ``payer_fen`` is what the payer got of it where the channel says so: the rest came back as a coupon.

    ``tag`` authenticates what it pays, under a key that the database does not have (``tag_of``): what is approved by rule and
    still is what it was is not looked at again.

    ``reference_key`` is the number of a transfer, slip or voucher in its normal form, however it was typed; a channel's has none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # db_constraint=False as on the request: parents that can never be deleted.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="executions", db_index=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="executions")
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    sequence = models.SmallIntegerField(default=1)
    attempt_no = models.SmallIntegerField(default=1)
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.REFUND)
    method_reason = models.CharField(max_length=20, blank=True)
    refund_no = models.CharField(max_length=64, db_collation="C")
    amount_fen = models.BigIntegerField()
    payer_fen = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=ExecutionState.choices, default=ExecutionState.READY)

    sends = models.IntegerField(default=0)
    queries = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    denials = models.SmallIntegerField(default=0, db_default=0)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    last_asked_at = models.DateTimeField(null=True, blank=True)
    unheard_since = models.DateTimeField(null=True, blank=True)

    channel_refund_no = models.CharField(max_length=64, blank=True, db_collation="C")
    reference_key = models.TextField(blank=True, default="", db_default="", db_collation="C")
    received_account = models.CharField(max_length=80, blank=True)
    paid_to = models.CharField(max_length=20, blank=True, default="", db_default="")
    second_leg = models.CharField(max_length=10, blank=True, default="", db_default="")
    second_leg_due_at = models.DateTimeField(null=True, blank=True)
    arrives_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    paid_after_all_at = models.DateTimeField(null=True, blank=True)
    proof = models.TextField(blank=True)
    proof_source = models.CharField(max_length=10, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    failure_retry = models.CharField(max_length=20, blank=True)
    failure_remedy = models.CharField(max_length=30, blank=True)
    needs_attention = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    tag = models.BinaryField(max_length=16, null=True)

    class Meta:
        constraints = [
            # The number first: people search by it, and notices come with it.
            models.UniqueConstraint(fields=["refund_no", "channel_account"], name="refund_no_once"),
            models.UniqueConstraint(
                fields=["channel_refund_no", "channel_account"],
                condition=~Q(channel_refund_no=""),
                name="channel_refund_no_once",
            ),
            models.UniqueConstraint(
                fields=["channel_account", "reference_key"],
                condition=~Q(reference_key=""),
                name="reference_once",
            ),
            models.UniqueConstraint(
                fields=["request", "sequence"],
                condition=~Q(state__in=[ExecutionState.FAILED, ExecutionState.CANCELLED]),
                name="one_live_execution",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="execution_amount_positive"),
            models.CheckConstraint(
                condition=~Q(state=ExecutionState.SUCCEEDED)
                | (~Q(proof="") & ~Q(channel_refund_no="") & Q(succeeded_at__isnull=False)),
                name="execution_success_has_proof",
            ),
            models.CheckConstraint(
                condition=Case(
                    When(one_of("state", EXECUTION_ENDED), then=Q(due_at__isnull=True, ended_at__isnull=False)),
                    default=Q(due_at__isnull=False, ended_at__isnull=True),
                    output_field=models.BooleanField(),
                ),
                name="execution_open_has_due_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="execution_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["second_leg_due_at"],
                name="execution_second_leg",
                condition=Q(second_leg_due_at__isnull=False),
            ),
            models.Index(fields=["request"], name="execution_request"),
            # The desk asks every few seconds which payouts a bank refused: few, among all that were ever paid.
            models.Index(
                fields=["succeeded_at"],
                name="execution_refused_by_bank",
                condition=Q(needs_attention=True, second_leg="failed"),
            ),
            # A day of payouts for reconciliation; rows lie in order of time, so that this costs a flush next to nothing.
            BrinIndex(fields=["first_sent_at"], name="execution_sent_brin", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return self.refund_no


def new_execution(
    request: RefundRequest,
    *,
    channel_account_id: int,
    choice: MethodChoice,
    at: datetime,
    attempt_no: int = 1,
    leg: Leg | Execution | None = None,
) -> Execution:
    """The payout of an approved request or of one leg of it, unsaved. The number is letters and digits only: every channel takes
    it. ``leg``: whose sequence, payment and amount it has; none is the whole request.
    """
    amount_fen = request.approved_fen if leg is None else leg.amount_fen
    assert amount_fen is not None
    leg_no = "" if leg is None or leg.sequence == 1 else f"L{leg.sequence}"
    execution = unsaved(
        Execution,
        merchant_id=request.merchant_id,
        request_id=request.pk,
        transaction_id=request.transaction_id if leg is None else leg.transaction_id,
        channel_account_id=channel_account_id,
        sequence=1 if leg is None else leg.sequence,
        attempt_no=attempt_no,
        method=choice.method,
        method_reason=choice.reason,
        refund_no=f"{request.number.replace('-', '')}{leg_no}N{attempt_no}",
        amount_fen=amount_fen,
        due_at=at,
        created_at=at,
    )
    execution.request = request
    execution.tag = tag_of(
        keys.ring().current,
        request_id=request.pk,
        transaction_id=execution.transaction_id,
        channel_account_id=channel_account_id,
        refund_no=execution.refund_no,
        amount_fen=amount_fen,
    )
    return execution


def tag_of(
    key: keys.Key, *, request_id: UUID, transaction_id: UUID, channel_account_id: int, refund_no: str, amount_fen: int
) -> bytes:
    """What a payout's row has as its ``tag`` while nobody has changed what it pays."""
    said = f"{request_id} {transaction_id} {channel_account_id} {refund_no} {amount_fen}"
    return hmac.digest(key.payouts, said.encode(), "sha256")[:16]
