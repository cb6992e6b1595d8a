"""Customers without a receipt: the sale is looked for, confirmed, or a capped refund goes back without it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import ChangedQuery, Fen, Flag, FourDigits, Id, Instant, Number, StrictSerializer, Text, with_fields
from api.pagination import NewestFirst
from api.serializers import CHANNELS, CustomerSerializer, PayeeSerializer
from api.shapes import Shape, read
from api.views import ActOnOne, Creating, Endpoint
from core import clock
from merchants.principals import Principal
from merchants.rights import Act
from refunds.intake import without_receipt
from refunds.intake.claims import Account, Customer, Draft
from refunds.intake.without_receipt import Candidate
from refunds.models import NoReceiptCase
from refunds.models.no_receipt import CaseKind, CaseState, Cause
from refunds.rules.candidates import WEIGHTS, Told
from refunds.states import BY_HAND, Reason, Route

HAND_ROUTES = [(route.value, route.label) for route in Route if route in BY_HAND]


class CaseSerializer(StrictSerializer):
    """What is remembered of the sale: at least two of amount, time, card, phone and article."""

    kind = s.ChoiceField(CaseKind.choices)
    store = Number(max_length=20)
    terminal = Number(max_length=20, required=False, allow_blank=True, default="")
    channel = s.ChoiceField(CHANNELS, required=False, allow_blank=True, default="")
    amount_fen = Fen(required=False, default=None)
    paid_after = Instant(required=False, default=None, help_text="from then on")
    paid_before = Instant(required=False, default=None, help_text="up to, not including")
    card_last4 = FourDigits(required=False, default="")
    phone_last4 = FourDigits(required=False, default="")
    sku = Number(max_length=64, required=False, allow_blank=True, default="")
    note = Text(max_length=500, required=False, allow_blank=True, default="")


class ConfirmSaleSerializer(StrictSerializer):
    transaction = Id(help_text="one of `candidates`")


class WithoutSaleSerializer(StrictSerializer):
    """A refund though the sale was not found: by hand, at most what the policy says."""

    amount_fen = Fen()
    reason = s.ChoiceField(Reason.choices)
    description = Text(multiline=True, max_length=1000, required=False, allow_blank=True, default="")
    route = s.ChoiceField(HAND_ROUTES)
    customer = CustomerSerializer(required=False, allow_null=True, default=None)
    customer_consent = Flag()
    payee = PayeeSerializer(required=False, allow_null=True, default=None)
    cashier = Text(max_length=40, required=False, allow_blank=True, default="")


class CloseSerializer(StrictSerializer):
    cause = s.ChoiceField(Cause.choices)
    prevention = Text(max_length=500, help_text="what keeps it from happening again")
    third_party = Text(
        max_length=500, required=False, allow_blank=True, default="", help_text="what a vendor or provider was asked"
    )


class FitOut(Shape):
    code = s.CharField()
    explanation = s.CharField()


class CandidateOut(Shape):
    transaction = s.UUIDField(source="sale.pk")
    order_no = s.CharField(source="sale.order_no")
    store = s.CharField(source="sale.store.code")
    terminal = s.CharField(allow_null=True, source="sale.terminal.code")
    amount_fen = s.IntegerField(source="sale.amount_fen")
    paid_at = s.DateTimeField(source="sale.paid_at")
    score = s.IntegerField(source="score.points", help_text="0 to 160")
    fits = read(
        FitOut(many=True),
        lambda one: [{"code": name, "explanation": str(WEIGHTS[name][1])} for name in one.score.reasons],
    )


class CaseOut(Shape):
    id = s.IntegerField(source="pk")
    number = read(s.CharField(), str)
    kind = s.ChoiceField(CaseKind.choices)
    state = s.ChoiceField(CaseState.choices)
    store = s.CharField(source="store.code")
    terminal = s.CharField(allow_null=True, source="terminal.code")
    note = s.CharField()
    transaction = s.UUIDField(allow_null=True, source="sale_id", help_text="the sale that it was, once confirmed")
    confirmed_by = s.CharField(allow_null=True)
    confirmed_at = s.DateTimeField(allow_null=True)
    confirmed_facts = s.ListField(child=s.CharField())
    reprinted_at = s.DateTimeField(allow_null=True)
    refund_request = s.UUIDField(allow_null=True, source="request_id", help_text="the refund without its sale")
    owner = s.CharField(allow_null=True, source="owner.name")
    due_at = s.DateTimeField()
    opened_by = s.CharField()
    opened_at = s.DateTimeField()
    cause = s.ChoiceField(Cause.choices, allow_null=True)
    prevention = s.CharField()
    third_party = s.CharField()
    closed_by = s.CharField(allow_null=True)
    closed_at = s.DateTimeField(allow_null=True)


class CaseWithCandidatesOut(CaseOut):
    candidates = CandidateOut(many=True, help_text="the best first; each fits two facts or more")


class ChronicOut(Shape):
    store = s.CharField()
    terminal = s.CharField(allow_null=True)
    channel = s.CharField(allow_null=True)
    cases = s.IntegerField()
    third_party = s.ListField(child=s.CharField())


@extend_schema_serializer(many=False)
class ChronicPageOut(Shape):
    results = ChronicOut(many=True)


def case_json(case: NoReceiptCase, *, by: Principal) -> dict[str, Any]:
    looks = case.state in (CaseState.OPEN, CaseState.FALLBACK) and case.sale_id is None
    found: list[Candidate] = without_receipt.candidates_of(case, by=by) if looks else []
    return CaseWithCandidatesOut.of(case, candidates=CandidateOut.all_of(found))


class NewestCaseFirst(NewestFirst):
    field, numbered = "opened_at", True


class Cases(Creating):
    """Open and list cases."""

    acts = {"GET": Act.FIND_WITHOUT_RECEIPT, "POST": Act.FIND_WITHOUT_RECEIPT}

    @schemas.operation("open_no_receipt_case", CaseWithCandidatesOut, takes=CaseSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Look for a sale by what the customer remembers. The answer has the sales that fit best, with why."""
        data, by = self.read(CaseSerializer), self.caller.by
        kind, note = data.pop("kind"), data.pop("note")
        told = Told(since=data.pop("paid_after"), until=data.pop("paid_before"), **data)

        def opened() -> dict[str, Any]:
            case = without_receipt.open_case(kind=kind, told=told, note=note, by=by, at=clock.now())
            return case_json(without_receipt.find(case_id=case.pk, by=by), by=by)

        return self.answer_once(request, opened)

    query = with_fields(CaseOut, ChangedQuery)

    @schemas.operation("list_no_receipt_cases", schemas.page_of(CaseOut), pages=True, query=query)
    def get(self, request: Request) -> Response:
        """Cases, the newest first."""
        rows = without_receipt.cases_of(by=self.caller.by).order_by()
        return self.rows(request, rows, self.query, CaseOut, order=NewestCaseFirst)


class ChronicCases(Endpoint):
    """Where receipts are missing again and again."""

    acts = {"GET": Act.SEE_ANALYTICS}

    @schemas.operation("list_chronic_no_receipt", ChronicPageOut)
    def get(self, request: Request) -> Response:
        """Tills and ways of payment with three cases or more in 90 days.

        With what their vendors or providers were asked.
        """
        found = without_receipt.chronic(by=self.caller.by, at=clock.now())
        return Response({"results": ChronicOut.all_of(found)})


class CaseDetail(Endpoint):
    acts = {"GET": Act.FIND_WITHOUT_RECEIPT}

    @schemas.operation("get_no_receipt_case", CaseWithCandidatesOut)
    def get(self, request: Request, case_id: int) -> Response:
        """One case, with the sales that fit while none is confirmed."""
        return Response(case_json(without_receipt.find(case_id=case_id, by=self.caller.by), by=self.caller.by))


class ActOnCase(ActOnOne):
    gives = CaseWithCandidatesOut

    def load(self, case_id: int) -> NoReceiptCase:
        return without_receipt.find(case_id=case_id, by=self.caller.by)

    def shown(self, found: NoReceiptCase) -> dict[str, Any]:
        return case_json(found, by=self.caller.by)


class Confirm(ActOnCase):
    """Say which sale it is. After a refund without the sale, that counts against it from then on (staff above cashiers only)."""

    acts = {"POST": Act.FIND_WITHOUT_RECEIPT}
    operation, body = "confirm_no_receipt_sale", ConfirmSaleSerializer

    def act(self, case_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        without_receipt.confirm(case_id=case_id, transaction_id=data["transaction"], by=by, at=at)


class Reprint(ActOnCase):
    """The slip was printed again; its channel has confirmed the payment before (`trade-queries` of the sale)."""

    acts = {"POST": Act.FIND_WITHOUT_RECEIPT}
    operation, does = "note_reprint", without_receipt.note_reprint


class RefundWithoutSale(ActOnCase):
    """Ask for a refund though the sale was not found: a person decides it and a person pays it."""

    acts = {"POST": Act.FIND_WITHOUT_RECEIPT}
    operation, body = "refund_without_sale", WithoutSaleSerializer

    def act(self, case_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        customer, payee = data.pop("customer") or {}, data.pop("payee")
        draft = Draft(
            customer=Customer(**{name: value or "" for name, value in customer.items()}),
            payee=Account(**payee) if payee else None,
            **data,
        )
        without_receipt.refund_without_sale(case_id=case_id, draft=draft, by=by, at=at)


class Close(ActOnCase):
    """Close the case, with its cause and what prevents the next."""

    acts = {"POST": Act.SETTLE_WITHOUT_RECEIPT}
    operation, body, does = "close_no_receipt_case", CloseSerializer, without_receipt.close
