"""What the API answers about sales and orders: each shape once, for the description and for the answer."""

from rest_framework import serializers as s

from api.schemas import Page
from api.shapes import Row, Shape, read
from core.personal_data import mask_phone
from core.quantities import quantity_number
from refunds import queries
from refunds.rules import explanations, worth
from refunds.telling import tracking
from terminals.models import DepositKind, PaymentWord


class SaleLineOut(Shape):
    sku = s.CharField()
    name = s.CharField()
    group = s.CharField()
    kind = s.CharField()
    quantity = read(s.FloatField(), lambda line: quantity_number(line.quantity))
    returned_quantity = read(s.FloatField(), lambda line: quantity_number(line.reserved_quantity))
    unit_price_fen = s.IntegerField()
    amount_fen = s.IntegerField()
    worth_fen = s.IntegerField(help_text="of what was paid: discounts and rounding shared out over the articles")


class PayerOut(Shape):
    phone = read(s.CharField(allow_null=True, help_text="masked"), lambda sale: mask_phone(sale.payer_phone))
    card_last4 = s.CharField(allow_null=True)
    funding = s.CharField()
    paid_fen = read(
        s.IntegerField(help_text="what the payer paid; less than the sale's amount where a coupon paid the rest"),
        lambda sale: sale.amount_fen if sale.payer_paid_fen is None else sale.payer_paid_fen,
    )


class ReporterOut(Shape):
    kind = read(
        s.ChoiceField(["api_key", "loader", "unknown"]),
        lambda sale: "api_key" if sale.reported_by_key_id else "loader" if sale.reported_by else "unknown",
    )
    id = read(
        s.CharField(allow_null=True, help_text="of the API key"),
        lambda sale: sale.reported_by_key_id and str(sale.reported_by_key_id),
    )
    name = s.CharField(source="reported_by")


class PaymentCheckOut(Shape):
    outcome = s.ChoiceField(PaymentWord.choices, source="payment_word", help_text="what the channel said last")
    explanation = read(s.CharField(), lambda sale: explanations.payment_sentence(sale.payment_word))
    asked_at = s.DateTimeField(source="payment_word_at")
    account = s.CharField(source="channel_account.code", help_text="the channel account that was asked")
    amount_fen = read(
        s.IntegerField(allow_null=True, help_text="as the channel has it; null: it does not say"),
        lambda sale: sale.payment_word_amounts.get("amount_fen"),
    )
    refunded_fen = read(
        s.IntegerField(allow_null=True, help_text="as the channel has it; null: it does not say"),
        lambda sale: sale.payment_word_amounts.get("refunded_fen"),
    )


class DepositOut(Shape):
    transaction = s.UUIDField(source="pk")
    kind = s.ChoiceField(DepositKind.choices)
    contract_amount_fen = s.IntegerField(source="contract_fen")
    terms = s.CharField()
    recorded_by = s.CharField()
    recorded_at = s.DateTimeField()
    document_sha256 = s.CharField(
        allow_null=True, help_text="of the paper with the terms, as it is kept; null: none is"
    )


class TransactionOut(Shape):
    id = s.UUIDField(source="pk")
    order_no = s.CharField()
    channel = s.CharField()
    channel_transaction_no = read(s.CharField(allow_null=True), lambda sale: sale.channel_transaction_no or None)
    payment_no = read(s.CharField(allow_null=True), lambda sale: sale.payment_no or None)
    kind = s.CharField()
    remote = s.BooleanField()
    status = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    reserved_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    paid_at = s.DateTimeField()
    store = s.CharField(source="store.code")
    terminal = s.CharField(allow_null=True, source="terminal.code")
    cashier = s.CharField()
    payer = PayerOut(source="*")
    deposit = read(
        DepositOut(allow_null=True, help_text="its terms, where they are recorded"),
        lambda sale: getattr(sale, "deposit", None),
    )
    lines = read(SaleLineOut(many=True), worth.with_worth)
    reported_by = ReporterOut(source="*")
    apply_url = read(
        s.URLField(help_text="for a QR on the receipt: there the customer asks for a refund by themselves"),
        lambda sale: tracking.apply_url(tracking.Receipt(sale.store_id, sale.pk)),
    )
    created_at = s.DateTimeField()
    corrected_at = s.DateTimeField(allow_null=True)
    held_at = s.DateTimeField(allow_null=True)


class OrderOut(Shape):
    order_no = s.CharField()
    store = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    payments = TransactionOut(many=True)
    lines = SaleLineOut(many=True, help_text="of the order, whichever payment named them")


class RequestOfSaleOut(Shape):
    id = s.UUIDField(source="pk")
    number = s.CharField()
    state = s.CharField()
    amount_fen = s.IntegerField()


class TradeQueryOut(Shape):
    transaction = s.UUIDField(source="pk")
    outcome = s.ChoiceField(PaymentWord.choices, help_text='`no_answer` is unknown, never "not paid"')
    explanation = s.CharField()
    asked_at = s.DateTimeField()
    status = s.CharField(help_text="of the sale, by now")
    payment_check = read(
        PaymentCheckOut(allow_null=True, help_text="the last word of the channel, where it ever gave one"),
        lambda sale: sale if sale.payment_word else None,
    )


class TransactionRowOut(Row, TransactionOut):
    pass


class TransactionWithRequestsOut(TransactionOut):
    payment_check = read(
        PaymentCheckOut(
            allow_null=True, help_text="what the channel says of the payment; null: never asked, or no answer"
        ),
        lambda sale: sale if sale.payment_word else None,
    )
    refund_requests = read(RequestOfSaleOut(many=True), queries.requests_of_sale)


class TransactionPageOut(Page):
    results = TransactionRowOut(many=True)
