"""What happens at a till: a refund shown for a scan, and shifts with what belongs to each."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from merchants.models import Staff
from refunds.models.approval import Decision
from refunds.models.execution import Execution
from refunds.models.request import RefundRequest
from terminals.models import Terminal, Transaction


class TillAuthorisation(models.Model):
    """A code that a till shows so that somebody decides on their phone: of this request as it is (``version``, ``amount_fen``),
    at this till, once. Only a hash of its token is kept.

    Until ``expires_at`` it is opened by one person, ``opened_by``; from then on that person alone decides, until the
    ``expires_at`` that opening set. ``asked_by`` is the caller as idempotency keys know it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="till_authorisations")
    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="+", db_index=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    version = models.PositiveIntegerField()
    amount_fen = models.BigIntegerField()
    asked_by = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=20, blank=True, choices=Decision.choices)
    decided_at = models.DateTimeField(null=True)

    walled_by = "request"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="till_authorisation_amount_positive"),
            models.CheckConstraint(
                condition=Q(opened_by=None, opened_at=None, decided_at=None)
                | Q(opened_by__isnull=False, opened_at__isnull=False),
                name="till_authorisation_opened_first",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decision="") | (Q(decided_at__isnull=False) & ~Q(decision="")),
                name="till_authorisation_decided_how",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.version}"


class Shift(models.Model):
    """One turn at a till, from the cash that was put in (``float_fen``) to the cash that was counted (``counted_fen``).

    ``expected_fen`` and ``unknown`` are of the moment in which it was closed: what should have been there, and the numbers of
    payouts that the channel had not confirmed, which ``handed_to`` looks after. ``opened_by`` and ``closed_by`` are names.
    """

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="shifts", db_index=False)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    float_fen = models.BigIntegerField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)
    expected_fen = models.BigIntegerField(null=True)
    counted_fen = models.BigIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    unknown = models.JSONField(default=list)
    handed_to = models.CharField(max_length=60, blank=True)

    walled_by = "terminal"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["terminal"], condition=Q(closed_at=None), name="one_open_shift_a_till"),
            models.CheckConstraint(
                condition=Q(closed_at=None, expected_fen=None, counted_fen=None)
                | Q(closed_at__isnull=False, expected_fen__isnull=False, counted_fen__gte=0),
                name="shift_closed_with_count",
            ),
            models.CheckConstraint(condition=Q(float_fen__gte=0), name="shift_float_not_below_zero"),
        ]
        indexes = [models.Index(fields=["terminal", "opened_at"], name="shift_of_terminal")]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.opened_at:%F %R}"


class ShiftLine(models.Model):
    """A sale or a payout of a closed shift, each in one shift only, whenever it was written down. ``amount_fen`` as it moved the
    till: a payout is below zero.
    """

    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="lines")
    sale = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="+")
    execution = models.OneToOneField(Execution, null=True, on_delete=models.PROTECT, related_name="+")
    tender = models.CharField(max_length=20)
    amount_fen = models.BigIntegerField()

    walled_by = "shift"
    append_only = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sale__isnull=False, execution=None, amount_fen__gt=0)
                | Q(sale=None, execution__isnull=False, amount_fen__lt=0),
                name="shift_line_is_a_sale_or_a_payout",
            )
        ]

    def __str__(self) -> str:
        return f"{self.shift_id} {self.amount_fen}"
