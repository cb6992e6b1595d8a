"""Sales as the terminal or shop reported them, with the counter that no refund can pass."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Reverse
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from core.calendar import SHANGHAI
from core.personal_data import SealedTextField
from core.quantities import QuantityField
from merchants import channels
from merchants.models import ApiKey, ChannelAccount, Merchant, Store
from payment_channels.profile import Profile
from terminals.models.terminal import Terminal

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    _Text = models.CharField[str, str]
else:
    _Text = models.CharField


class UnknownAsNull(_Text):
    """Text of which "" says that it is not known. In the database that is NULL, which is unique among its like."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "null": True, "blank": True})

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value) or None

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> str:
        return value or ""


class TransactionKind(models.TextChoices):
    SALE = "sale", _("Sale")
    DEPOSIT = "deposit", _("Deposit")
    NO_RECEIPT = "no_receipt", _("Sale that was not found")
    COMPENSATION = "compensation", _("Compensation")


#: What a payment is reported as; the others stand in for one (``terminals.standing_in``) and count in no figure of sales.
REPORTED_KINDS = (TransactionKind.SALE, TransactionKind.DEPOSIT)


class TransactionStatus(models.TextChoices):
    """What the channel says of the payment. Only a success can be refunded."""

    SUCCESS = "success", _("Paid")
    PENDING = "pending", _("Unconfirmed")
    DECLINED = "declined", _("Declined")


class PaymentWord(models.TextChoices):
    """What a channel that was asked says of a payment, held against what we know of it."""

    PAID = "paid", _("Paid")
    FINISHED = "finished", _("Paid, and past the channel's refund period")
    UNPAID = "unpaid", _("Not paid")
    CLOSED = "closed", _("Closed unpaid")
    REVERSED = "reversed", _("Reversed")
    REFUNDED = "refunded", _("Refunded in the channel's portal")
    PARTLY_REFUNDED = "partly_refunded", _("Partly refunded in the channel's portal")
    AMOUNT_DIFFERS = "amount_differs", _("Paid with another amount")
    NOT_KNOWN = "not_known", _("Not known to the channel")
    # Never stored: it says nothing of the payment.
    NO_ANSWER = "no_answer", _("No answer: unknown")


#: Words that prove that the payment was made and is whole.
CONFIRMING = (PaymentWord.PAID, PaymentWord.FINISHED)


class Funding(models.TextChoices):
    """What the customer paid from; decides when a refund arrives, and whether cash may ever be given."""

    BALANCE = "balance", _("Wallet balance")
    DEBIT_CARD = "debit_card", _("Debit card")
    CREDIT_CARD = "credit_card", _("Credit card")
    CONSUMER_CREDIT = "consumer_credit", _("Consumer credit")
    CASH = "cash", _("Cash")
    UNKNOWN = "unknown", _("Unknown")


class LineKind(models.TextChoices):
    """What a line of a sale is. Discounts and rounding are shared out over the articles; a gift was paid with nothing."""

    ARTICLE = "article", _("Article")
    GIFT = "gift", _("Gift")
    DEPOSIT = "deposit", _("Returnable deposit")
    DISCOUNT = "discount", _("Discount")
    ROUNDING = "rounding", _("Rounding")


class Transaction(models.Model):
    """One payment. ``reserved_fen`` counts refunds asked for and not rejected, cancelled or failed, paid ones included;
    ``refunded_fen`` counts those proven paid. The CHECK is the last wall before a sale is refunded twice. ``reported_by`` says
    who reported the sale: the key by its name at that time, or the load that brought it. ``remote``: sold without the customer
    being there, so that the law gives seven days without a reason.

    ``live_refunds`` is how many requests ``reserved_fen`` is made of. ``live_refunds_limit`` is how many the channel took when
    the last of them was judged (docs/adr/0028); empty: nobody has asked yet.

    ``held_at``: since then nothing more leaves for it, because its channel contradicts itself (``refunds.facts.holds``).

    ``payment_word`` is what the channel said last when it was asked about the payment, ``payment_word_at`` when it was asked for
    that; later questions, ``asked_at``, had no answer. ``payment_word_amounts``: ``amount_fen`` and ``refunded_fen``, where it
    said them.

    ``payer_paid_fen``: what the payer paid of it where a coupon paid the rest; None: all of it.

    ``payment_no``: the shop's own number of this payment at its channel. A till that had no answer knows only that; the channel's
    number is "" until the channel says it, and no such payment is a success.

    ``joined_date``: the day of the order that it is a payment of, where that began or ended on another day than this was paid
    (``terminals.joining``).
    """

    # By its id or its order's number, and of one merchant there may be millions.
    walled_without_index = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, db_index=False)
    terminal = models.ForeignKey(Terminal, null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    channel_account = models.ForeignKey(ChannelAccount, null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    channel = models.CharField(max_length=20)
    order_no = models.CharField(max_length=64, db_collation="C")
    #: From its end on, for a receipt's last digits. A column: behind the wall no index of an expression may be searched.
    order_end = models.GeneratedField(
        expression=Reverse("order_no"), output_field=models.CharField(max_length=64, db_collation="C"), db_persist=True
    )
    channel_transaction_no = UnknownAsNull(max_length=64, db_collation="C")
    payment_no = models.CharField(max_length=64, blank=True, default="", db_default="", db_collation="C")
    kind = models.CharField(max_length=20, choices=TransactionKind.choices, default=TransactionKind.SALE)
    remote = models.BooleanField(default=False, db_default=False)
    status = models.CharField(max_length=20, choices=TransactionStatus.choices, default=TransactionStatus.SUCCESS)
    amount_fen = models.BigIntegerField()
    payer_paid_fen = models.BigIntegerField(null=True, blank=True)
    reserved_fen = models.BigIntegerField(default=0)
    refunded_fen = models.BigIntegerField(default=0)
    live_refunds = models.IntegerField(default=0, db_default=0)
    live_refunds_limit = models.IntegerField(null=True, blank=True)
    paid_at = models.DateTimeField()
    joined_date = models.DateField(null=True, blank=True)
    cashier = models.CharField(max_length=40, blank=True)
    payer_phone = SealedTextField(purpose="transaction.payer_phone")
    payer_phone_hash = models.BinaryField(max_length=16, null=True)
    payer_phone_last4_hash = models.BinaryField(max_length=16, null=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    funding = models.CharField(max_length=20, choices=Funding.choices, default=Funding.UNKNOWN)
    source = models.CharField(max_length=20, default="api")
    reported_by = models.CharField(max_length=80, blank=True)
    reported_by_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    corrected_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    payment_word = models.CharField(max_length=20, blank=True, default="", db_default="", choices=PaymentWord.choices)
    payment_word_at = models.DateTimeField(null=True, blank=True)
    payment_word_amounts = models.JSONField(default=dict, db_default={})
    asked_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        lines: RelatedManager[TransactionLine]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="transaction_amount_positive"),
            models.CheckConstraint(
                condition=Q(payer_paid_fen__isnull=True)
                | Q(payer_paid_fen__gte=0, payer_paid_fen__lte=F("amount_fen")),
                name="transaction_payer_paid_within",
            ),
            models.CheckConstraint(
                condition=Q(
                    refunded_fen__gte=0, refunded_fen__lte=F("reserved_fen"), reserved_fen__lte=F("amount_fen")
                ),
                name="transaction_never_over_refunded",
            ),
            models.CheckConstraint(
                condition=Q(live_refunds__gte=0)
                & (Q(live_refunds_limit__isnull=True) | Q(live_refunds__lte=F("live_refunds_limit"))),
                name="transaction_within_refund_count",
            ),
            models.CheckConstraint(
                condition=Q(channel_transaction_no__isnull=False) | (~Q(payment_no="") & ~Q(status="success")),
                name="transaction_has_a_number",
            ),
            models.UniqueConstraint(
                fields=["merchant", "payment_no", "channel"], condition=~Q(payment_no=""), name="payment_number_once"
            ),
            models.UniqueConstraint(
                # The number before the channel: a search has the one and not the other.
                fields=["merchant", "channel_transaction_no", "channel"],
                name="channel_number_once",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "order_no"], name="transaction_order"),
            # A receipt's last digits are what people read out.
            models.Index(fields=["merchant", "order_end"], name="transaction_order_end"),
            models.Index(fields=["merchant", "paid_at", "id"], name="transaction_paid"),
            # With the merchant, so that counting reads the index alone: the wall asks every row for it.
            models.Index(fields=["merchant", "store", "paid_at", "id"], name="transaction_store"),
            models.Index(
                fields=["terminal", "paid_at", "id"], name="transaction_till", condition=Q(terminal__isnull=False)
            ),
            # Two facts of a customer without a receipt: an amount and a window, a card's end and a window.
            models.Index(fields=["merchant", "amount_fen", "paid_at"], name="transaction_amount"),
            models.Index(
                fields=["merchant", "card_last4", "paid_at"], name="transaction_card", condition=~Q(card_last4="")
            ),
            models.Index(
                fields=["payer_phone_hash"], name="transaction_phone", condition=Q(payer_phone_hash__isnull=False)
            ),
            models.Index(
                fields=["merchant", "payer_phone_last4_hash"],
                name="transaction_phone_last4",
                condition=Q(payer_phone_last4_hash__isnull=False),
            ),
            models.Index(fields=["merchant"], name="transaction_held", condition=Q(held_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.order_no

    @property
    def profile(self) -> Profile:
        """What the contract says that this was paid under: the account's, or the channel's usual one where there is none."""
        account = self.channel_account
        return channels.profile(self.channel, {}) if account is None else account.usable_profile

    @property
    def store_code(self) -> str:
        return self.store.code

    @property
    def refundable_fen(self) -> int:
        return self.amount_fen - self.reserved_fen

    @property
    def order_date(self) -> date:
        """The day that tells its order from another one of the same number, in China (``orders.ORDER_DATE``)."""
        return self.joined_date or self.paid_at.astimezone(SHANGHAI).date()


class TransactionLine(models.Model):
    """A line of a sale. ``amount_fen`` is what the till charged for it, the line's own discounts taken off; what was taken off
    the whole order stands in a line of its own. A sale's lines come to its amount.

    ``reserved_quantity`` counts pieces that come back by refunds that are not rejected, cancelled or failed: more than was bought
    cannot come back. ``reserved_fen`` is what such refunds have of the line's worth, pieces or not. ``group`` is the article
    group as the shop names it: a policy may have rules of its own for some.
    """

    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    sku = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=200)
    group = models.CharField(max_length=40, blank=True, default="", db_default="")
    kind = models.CharField(max_length=10, choices=LineKind.choices, default=LineKind.ARTICLE)
    quantity = QuantityField()
    unit_price_fen = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    reserved_quantity = QuantityField(default=0, db_default=0)
    reserved_fen = models.BigIntegerField(default=0, db_default=0)

    walled_by = "transaction"

    #: What of the sale's amount was paid for it, once reckoned (``refunds.rules.worth``).
    worth_fen: int

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transaction", "position"], name="line_position_once"),
            models.CheckConstraint(
                condition=Q(reserved_quantity__gte=0, reserved_quantity__lte=F("quantity")),
                name="line_never_over_returned",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0)
                & (Q(amount_fen__gte=0, unit_price_fen__gte=0) | Q(kind__in=["deposit", "discount", "rounding"])),
                name="line_sane",
            ),
        ]
        indexes = [models.Index(fields=["sku", "transaction"], name="line_sku")]

    def __str__(self) -> str:
        return self.name
