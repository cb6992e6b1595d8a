"""What the API takes in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.fields import (
    Email,
    Fen,
    Flag,
    FourDigits,
    Id,
    Instant,
    Name,
    Number,
    Phone,
    Quantity,
    StrictSerializer,
    Text,
    WholeNumber,
    refused,
)
from core.money import MAX_FEN
from refunds.intake.claims import Account, Customer, Draft
from refunds.intake.resubmitting import Correction
from refunds.models.agreement import Means
from refunds.payouts.contradictions import Finding
from refunds.review.agreeing import Consent
from refunds.rules import worth
from refunds.rules.deposits import Cause, DepositClaim
from refunds.states import Reason, RejectReason, Route
from terminals.models import REPORTED_KINDS, DepositKind, Funding, LineKind, TransactionKind, TransactionStatus

#: How a sale may have been paid.
CHANNELS = ["wechat", "alipay", "unionpay", "cash"]


#: What a sale may be reported as.
SALE_KINDS = [(kind.value, kind.label) for kind in REPORTED_KINDS]


class PayerSerializer(StrictSerializer):
    phone = Phone(required=False, allow_blank=True, allow_null=True, default="")
    card_last4 = FourDigits(required=False, allow_null=True, allow_blank=True, default=None)
    funding = serializers.ChoiceField(Funding.choices, required=False, default=Funding.UNKNOWN)
    paid_fen = WholeNumber(
        min_value=0,
        max_value=MAX_FEN,
        required=False,
        allow_null=True,
        default=None,
        help_text="what the payer paid, where a coupon paid the rest; left out: all of it",
    )


class PayerChangeSerializer(StrictSerializer):
    phone = Phone(required=False, allow_blank=True)
    card_last4 = FourDigits(required=False, allow_blank=True)
    funding = serializers.ChoiceField(Funding.choices, required=False)
    paid_fen = WholeNumber(
        min_value=0, max_value=MAX_FEN, required=False, help_text="the whole amount: no coupon was used"
    )


class SaleLineSerializer(StrictSerializer):
    sku = Number(max_length=64, allow_blank=True, required=False, default="")
    name = Text(max_length=200)
    group = Text(
        max_length=40,
        required=False,
        allow_blank=True,
        default="",
        help_text="the article group, by the shop's own name: the policy may have rules of its own for some",
    )
    kind = serializers.ChoiceField(
        LineKind.choices,
        required=False,
        help_text="left out: an article, or a discount where the amount has a minus; with an article's `sku` a discount is that "
        "article's alone; of discounts and rounding only the amount counts",
    )
    quantity = Quantity()
    unit_price_fen = WholeNumber(min_value=-MAX_FEN, max_value=MAX_FEN)
    amount_fen = WholeNumber(min_value=-MAX_FEN, max_value=MAX_FEN)

    def to_internal_value(self, data: Any) -> Any:
        """What is no goods has no pieces: of a discount or rounding the amount counts, whatever pieces a till names."""
        fen = data.get("amount_fen") if isinstance(data, dict) else None
        if type(fen) is int and (data.get("kind", "") in worth.ADJUSTMENTS or ("kind" not in data and fen < 0)):
            pieces = data.get("quantity", 1)
            if type(pieces) in (int, float) and (pieces <= 0 or "unit_price_fen" not in data):
                data = {**data, "quantity": 1, "unit_price_fen": fen}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs.setdefault("kind", LineKind.DISCOUNT if attrs["amount_fen"] < 0 else LineKind.ARTICLE)
        if kind in (LineKind.ARTICLE, LineKind.GIFT):
            for name in ("unit_price_fen", "amount_fen"):
                if attrs[name] < 0:
                    raise refused("below_zero", name)
        return attrs


class TransactionSerializer(StrictSerializer):
    """A sale as a terminal or shop reports it."""

    order_no = Number(max_length=64)
    channel = serializers.ChoiceField(CHANNELS)
    channel_transaction_no = Number(max_length=64, required=False, allow_null=True, default=None)
    payment_no = Number(max_length=64, required=False, allow_null=True, default=None)
    kind = serializers.ChoiceField(SALE_KINDS, required=False, default=TransactionKind.SALE)
    status = serializers.ChoiceField(
        TransactionStatus.choices,
        required=False,
        default=TransactionStatus.SUCCESS,
        help_text="whether the payment is through; a sale that is not is refunded only after its channel says that it was paid",
    )
    amount_fen = Fen()
    paid_at = Instant()
    store = Number(max_length=20)
    terminal = Number(max_length=20, required=False, allow_null=True, allow_blank=True, default="")
    cashier = Text(max_length=40, required=False, allow_null=True, allow_blank=True, default="")
    payer = PayerSerializer(required=False, allow_null=True, default=None)
    lines = serializers.ListField(child=SaleLineSerializer(), required=False, default=list, max_length=500)
    order_amount_fen = Fen(
        required=False,
        allow_null=True,
        default=None,
        help_text="what the order came to, where it has several payments and the lines are the order's",
    )
    remote = Flag(required=False, default=False, help_text="sold at a distance: online, by phone or by mail")


class TermsChangeSerializer(StrictSerializer):
    """What was recorded wrongly of a deposit's terms."""

    kind = serializers.ChoiceField(DepositKind.choices, required=False)
    contract_amount_fen = Fen(required=False)
    terms = Text(multiline=True, max_length=4000, required=False)


class SaleCorrectionSerializer(StrictSerializer):
    """What is to be said of a sale from now on; what is left out stays. ``lines`` are all of its lines."""

    order_no = Number(max_length=64, required=False)
    kind = serializers.ChoiceField(SALE_KINDS, required=False)
    amount_fen = Fen(required=False)
    paid_at = Instant(required=False)
    store = Number(max_length=20, required=False)
    terminal = Number(max_length=20, required=False, allow_blank=True)
    cashier = Text(max_length=40, required=False, allow_blank=True)
    payer = PayerChangeSerializer(required=False)
    lines = serializers.ListField(child=SaleLineSerializer(), required=False, max_length=500)
    deposit = TermsChangeSerializer(required=False)
    reason = Text(max_length=200)


#: How a request names an article.
ARTICLE_HELP = "the article's number; its name where the sale's line has no number"


class RefundLineSerializer(StrictSerializer):
    sku = Number(max_length=200, help_text=ARTICLE_HELP)
    quantity = Quantity()
    returned_quantity = Quantity(
        or_none=True,
        required=False,
        help_text="how many had come back when you looked at the sale: where that still holds, these are other pieces and no "
        "repeat of an earlier refund",
    )


class CustomerSerializer(StrictSerializer):
    name = Name(max_length=60, required=False, allow_blank=True, allow_null=True, default="")
    phone = Phone(required=False, allow_blank=True, allow_null=True, default="")
    email = Email(max_length=120, required=False, allow_blank=True, allow_null=True, default="")
    locale = serializers.ChoiceField(["zh-Hans", "en"], required=False, default="zh-Hans")


class PayeeSerializer(StrictSerializer):
    """The customer's own account, for a bank transfer."""

    holder_name = Name(max_length=60)
    account_no = Text(max_length=50, help_text="8 to 32 digits; blanks and hyphens are taken out")
    bank_name = Name(max_length=60)


class DepositSerializer(StrictSerializer):
    """What was agreed when a deposit was paid."""

    kind = serializers.ChoiceField(
        DepositKind.choices, help_text="earnest is 定金, which has the law's deposit rule; advance 订金; security 押金"
    )
    contract_amount_fen = Fen(help_text="what the whole contract comes to")
    terms = Text(multiline=True, max_length=4000, help_text="the words that the customer agreed to")


class DepositClaimSerializer(StrictSerializer):
    """Why a deposit ends, of which terms are recorded."""

    cause = serializers.ChoiceField(Cause.choices)
    open_percent = WholeNumber(
        min_value=1, max_value=100, required=False, default=100, help_text="how much of the contract was not performed"
    )
    deduction_fen = WholeNumber(
        min_value=0, max_value=MAX_FEN, required=False, default=0, help_text="kept of a security, with evidence of it"
    )
    agreement = Text(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="what the customer agreed to, where another amount than the rule's goes back",
    )
    payee = PayeeSerializer(
        required=False,
        allow_null=True,
        default=None,
        help_text="the customer's account for what the merchant's breach owes on top: that is asked for at once, as a transfer",
    )


_ON_BEHALF_OF = "for whom a key asks, by the caller's own number of them: kept for good, so no name and no phone"


class RefundRequestSerializer(StrictSerializer):
    """A refund as it is asked for: of one payment (``transaction``), or of an order (``order_no``), by whichever of its payments.

    ``plan_hash`` is that of a quote: where another plan holds by now, nothing is stored.
    """

    transaction = Id(required=False)
    order_no = Number(max_length=64, required=False)
    store = Number(max_length=20, required=False, help_text="its code, beside `order_no`: numbers repeat across stores")
    whole_order = Flag(
        required=False,
        default=False,
        help_text="the order that `transaction` paid for, by all its payments: numbers may repeat every day",
    )
    plan_hash = Text(max_length=64, required=False, help_text="of the plan that was seen")
    amount_fen = Fen()
    reason = serializers.ChoiceField(Reason.choices)
    description = Text(multiline=True, max_length=1000, required=False, allow_blank=True, default="")
    route = serializers.ChoiceField(Route.choices, required=False, default=Route.ORIGINAL)
    lines = serializers.ListField(child=RefundLineSerializer(), required=False, default=list, max_length=200)
    customer = CustomerSerializer(required=False, allow_null=True, default=None)
    customer_consent = Flag(required=False, allow_null=True, default=None)
    payee = PayeeSerializer(required=False, allow_null=True, default=None)
    cashier = Text(max_length=40, required=False, allow_blank=True, default="")
    is_another = Flag(
        required=False, default=False, help_text="not the same as one before that asked for the same of this order"
    )
    note = Text(max_length=200, required=False, allow_blank=True, default="", help_text="how it is another one")
    evidence = serializers.ListField(
        child=Id(), required=False, default=list, max_length=12, help_text="ids of files that were sent ahead"
    )
    without_evidence = Text(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="why what the policy asks for is missing: without it such a request is not taken in, with it a person decides",
    )

    deposit = DepositClaimSerializer(required=False, allow_null=True, default=None)
    on_behalf_of = Text(max_length=80, required=False, allow_blank=True, default="", help_text=_ON_BEHALF_OF)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("transaction" in attrs) == ("order_no" in attrs):
            raise refused("sale_not_named", "transaction")
        if "store" in attrs and "order_no" not in attrs:
            raise refused("sale_not_named", "store")
        return attrs


def draft_of(data: dict[str, Any]) -> Draft:
    """The draft in a validated ``RefundRequestSerializer`` body."""
    customer = {name: value or "" for name, value in (data["customer"] or {}).items()}
    return Draft(
        amount_fen=data["amount_fen"],
        reason=str(data["reason"]),
        transaction_id=data.get("transaction"),
        whole_order=data["whole_order"],
        order_no=data.get("order_no", ""),
        store=data.get("store", ""),
        plan_hash=data.get("plan_hash", ""),
        description=data["description"],
        route=str(data["route"]),
        lines=[(line["sku"], line["quantity"]) for line in data["lines"]],
        seen_returned={line["sku"]: line["returned_quantity"] for line in data["lines"] if "returned_quantity" in line},
        customer=Customer(**customer),
        customer_consent=data["customer_consent"],
        payee=Account(**data["payee"]) if data["payee"] else None,
        cashier=data["cashier"],
        is_another=data["is_another"],
        another_note=data["note"] if data["is_another"] else "",
        evidence=data["evidence"],
        without_evidence=data["without_evidence"].strip(),
        on_behalf_of=data["on_behalf_of"],
        **_of_deposit(data["deposit"] or {}),
    )


def _of_deposit(data: dict[str, Any]) -> dict[str, Any]:
    payee = data.pop("payee", None)
    return {
        "deposit": DepositClaim(**data) if data else None,
        "compensation_to": Account(**payee) if payee else None,
    }


class ConsentSerializer(StrictSerializer):
    """Who agreed, how, and when."""

    agreed_by = Name(max_length=60, help_text="the customer, or who speaks for them")
    means = serializers.ChoiceField(Means.choices)
    agreed_at = Instant()
    words = Text(max_length=500, required=False, allow_blank=True, default="", help_text="what was said")


def consent_of(data: dict[str, Any]) -> Consent:
    """The consent in a validated ``ConsentSerializer`` body."""
    return Consent(**{name: data[name] for name in ("agreed_by", "means", "agreed_at", "words")})


class AgreementSerializer(ConsentSerializer):
    version = WholeNumber(min_value=1, required=False, allow_null=True, default=None)
    amount_fen = Fen()


class ReopenSerializer(StrictSerializer):
    """``evidence`` are ids of files sent ahead; ``note`` says what is new in them."""

    version = WholeNumber(min_value=1)
    evidence = serializers.ListField(child=Id(), min_length=1, max_length=12)
    note = Text(max_length=300)


class ExtensionSerializer(StrictSerializer):
    """A later time for a request in review; a stale ``version`` is refused."""

    version = WholeNumber(min_value=1)
    until = Instant()
    reason = Text(multiline=True, max_length=500)
    consent = Flag(help_text="the customer agreed")
    agreement = ConsentSerializer(
        required=False, allow_null=True, default=None, help_text="who agreed, how, and when: kept with the refund"
    )


class VersionSerializer(StrictSerializer):
    """``version`` is the one the caller saw."""

    version = WholeNumber(min_value=1, required=False, allow_null=True, default=None)
    note = Text(multiline=True, max_length=500, required=False, allow_blank=True, default="")


class ResubmitSerializer(VersionSerializer):
    amount_fen = Fen(required=False)
    reason = serializers.ChoiceField(Reason.choices, required=False)
    description = Text(multiline=True, max_length=1000, required=False, allow_blank=True)
    route = serializers.ChoiceField(Route.choices, required=False, help_text="another one needs the consent anew")
    payee = PayeeSerializer(required=False, allow_null=True, default=None)
    customer_consent = Flag(required=False, allow_null=True, default=None)
    is_another = Flag(
        required=False, help_text="not the same as the one that the verdict names as asked for before; `note` says how"
    )
    on_behalf_of = Text(max_length=80, required=False, allow_blank=True, default="", help_text=_ON_BEHALF_OF)


def correction_of(data: dict[str, Any]) -> Correction:
    """The correction in a validated ``ResubmitSerializer`` body."""
    return Correction(
        amount_fen=data.get("amount_fen"),
        reason=data.get("reason"),
        description=data.get("description"),
        route=data.get("route"),
        payee=Account(**data["payee"]) if data["payee"] else None,
        customer_consent=data["customer_consent"],
        is_another=data.get("is_another"),
        another_note=data["note"],
        on_behalf_of=data["on_behalf_of"],
    )


class EndHoldSerializer(StrictSerializer):
    """What finance found out about a held sale, and how it is known."""

    finding = serializers.ChoiceField(Finding.choices)
    note = Text(max_length=500)


class DecisionSerializer(StrictSerializer):
    """What a reviewer sends; a stale ``version`` is refused."""

    version = WholeNumber(min_value=1)
    amount_fen = Fen(required=False, allow_null=True, default=None)
    note = Text(multiline=True, max_length=500, required=False, allow_blank=True, default="")
    reason_code = serializers.ChoiceField(RejectReason.choices, required=False, allow_null=True, default=None)
    message = Text(multiline=True, max_length=500, required=False, allow_blank=True, default="")
