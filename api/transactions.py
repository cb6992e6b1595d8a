"""Sales, and the orders they pay: reported, found, looked at."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from api import idempotency, schemas
from api.evidence import EvidenceSerializer, TakesAPicture
from api.fields import ChangedQuery, Fields, FourDigits, Number, QueryFen, QueryInstant, StrictSerializer, Text
from api.pagination import NewestPaidFirst
from api.schemas_refunds import RefundRequestOut, stored_request_json
from api.schemas_sales import (
    DepositOut,
    OrderOut,
    SaleLineOut,
    TradeQueryOut,
    TransactionOut,
    TransactionPageOut,
    TransactionWithRequestsOut,
)
from api.serializers import DepositSerializer, EndHoldSerializer, SaleCorrectionSerializer, TransactionSerializer
from api.views import PAGE_PARAMETERS, Endpoint
from core import clock
from core.numbers import as_kept
from merchants.rights import Act
from reconciliation import portal
from refunds import queries
from refunds.evidence import files, terms
from refunds.models.evidence import EvidenceKind
from refunds.payouts import contradictions, trade_queries
from refunds.rules import explanations, worth
from terminals import correcting, deposits, finding, orders, reporting
from terminals.correcting import SaleCorrection
from terminals.models import Transaction
from terminals.reporting import ReportedSale, SaleLine


class OrderQuery(StrictSerializer):
    store = Number(required=False, help_text="its code; numbers repeat across stores")


class OrderDetail(Endpoint):
    """One order with its payments."""

    acts = {"GET": Act.READ_SALES}

    @schemas.operation("get_order", OrderOut, query=OrderQuery, besides=(422,))
    def get(self, request: Request, order_no: str) -> Response:
        """The payments of an order, and what is left of each.

        Its articles come with the pieces that came back.
        """
        wanted = self.read_query(OrderQuery)
        sales = queries.transactions_of(merchant_id=self.caller.merchant_id, store_ids=self.caller.store_ids)
        payments = orders.find(sales=sales, order_no=as_kept(order_no), store=wanted.get("store", ""))
        return Response(
            {
                "order_no": payments[0].order_no,
                "store": payments[0].store.code,
                "amount_fen": sum(sale.amount_fen for sale in payments),
                "refunded_fen": sum(sale.refunded_fen for sale in payments),
                "refundable_fen": sum(sale.refundable_fen for sale in payments),
                "payments": TransactionOut.all_of(payments),
                "lines": SaleLineOut.all_of(worth.with_worth_of(payments)),
            }
        )


class TransactionQuery(ChangedQuery):
    order_no = Number(required=False)
    channel_transaction_no = Number(required=False)
    store = Number(required=False)
    terminal = Number(required=False)
    cashier = Text(required=False)
    paid_after = QueryInstant(required=False, help_text="from then on")
    paid_before = QueryInstant(required=False, help_text="up to, not including")
    amount_fen = QueryFen(required=False)
    card_last4 = FourDigits(required=False)
    phone_last4 = FourDigits(required=False)
    sku = Number(required=False)
    fields = Fields(TransactionOut)  # type: ignore[assignment]  # the library's own property of that name


class Transactions(Endpoint):
    """Report a sale; list and find sales."""

    acts = {"GET": Act.READ_SALES, "POST": Act.REPORT_SALE}

    @schemas.operation("report_transaction", TransactionOut, takes=TransactionSerializer, once=True, status=(201, 200))
    def post(self, request: Request) -> Response:
        """Report a sale. The same ``channel`` and ``channel_transaction_no`` with the same facts give the existing one (200);
        with other facts it is 409 ``sale_differs``, and ``errors`` names them. What was reported before a correction gives the
        sale as it is now (200), with ``corrected_at``.
        """

        def reported() -> tuple[int, Any]:
            data = self.read(TransactionSerializer)
            sale, is_new = reporting.report_sale(sale=_reported(data), by=self.caller.by, at=clock.now())
            loaded = queries.transaction_for(merchant_id=self.caller.merchant_id, transaction_id=sale.pk)
            return 201 if is_new else 200, TransactionOut.of(loaded)

        return idempotency.answer_once(request, self.caller, reported)

    @schemas.operation("list_transactions", TransactionPageOut, pages=True, query=TransactionQuery, besides=(422,))
    def get(self, request: Request) -> Response:
        """Sales, those paid last first. Without a number, at least two of time window, amount, card, phone and article."""
        wanted = self.read_query(TransactionQuery, besides=PAGE_PARAMETERS)
        found = queries.transactions_of(merchant_id=self.caller.merchant_id, store_ids=self.caller.store_ids)
        since = wanted.pop("updated_after", None)
        changes = since and queries.changed_sales(merchant_id=self.caller.merchant_id, since=since)
        represent = partial(TransactionOut.of, only=wanted.get("fields"))
        rows = finding.narrow(found, wanted=wanted)
        return self.page(request, rows, represent, order=NewestPaidFirst, changes=changes)


class OneSale(Endpoint):
    """What the views of one sale share: it is looked up before anything that was sent is judged."""

    def load(self, transaction_id: UUID) -> Transaction:
        return queries.transaction_for(
            merchant_id=self.caller.merchant_id, transaction_id=transaction_id, store_ids=self.caller.store_ids
        )


class TransactionDetail(OneSale):
    """One sale with its refund requests."""

    acts = {"GET": Act.READ_SALES}

    @schemas.operation("get_transaction", TransactionWithRequestsOut)
    def get(self, request: Request, transaction_id: UUID) -> Response:
        """One sale: what was refunded, what is reserved, what can still be refunded."""
        return Response(TransactionWithRequestsOut.of(self.load(transaction_id)))


class TransactionCorrections(OneSale):
    """Set right what was reported of a sale."""

    acts = {"POST": Act.CORRECT_SALE}

    @schemas.operation("correct_transaction", TransactionOut, takes=SaleCorrectionSerializer, once=True, status=(200,))
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """Change what was reported wrongly, with the reason; what is left out stays. Before and after are kept. The channel's
        number cannot be changed, and refunds that were asked for stay covered (409 ``correction_below_refunds``).
        """
        self.load(transaction_id)

        def corrected() -> tuple[int, Any]:
            data = self.read(SaleCorrectionSerializer)
            sale = correcting.correct_sale(
                transaction_id=transaction_id,
                correction=_correction(data),
                reason=data["reason"],
                by=self.caller.by,
                at=clock.now(),
            )
            loaded = queries.transaction_for(merchant_id=self.caller.merchant_id, transaction_id=sale.pk)
            return 200, TransactionOut.of(loaded)

        return idempotency.answer_once(request, self.caller, corrected)


class TradeQueries(OneSale):
    """Ask the channel about a payment."""

    acts = {"POST": Act.ASK_CHANNEL}

    @schemas.operation("ask_channel_about_transaction", TradeQueryOut)
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """What the sale's channel says of its payment now. ``no_answer`` is unknown, never "not paid". A sale not known as paid
        becomes a success where the channel says so. One sale is not asked about twice within seconds (429). No body.
        """
        self.load(transaction_id)
        self.read(StrictSerializer)
        answer = trade_queries.ask_about_payment(transaction_id=transaction_id, by=self.caller.by, at=clock.now())
        sale = queries.transaction_for(merchant_id=self.caller.merchant_id, transaction_id=transaction_id)
        return Response(
            TradeQueryOut.of(sale, outcome=answer.word.value, explanation=explanations.payment_sentence(answer.word))
        )


class TransactionDeposit(OneSale):
    """The terms of a deposit."""

    acts = {"POST": Act.REPORT_SALE}

    @schemas.operation("record_deposit_terms", DepositOut, takes=DepositSerializer)
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """Record what was agreed of a deposit, before any of it goes back. The same again changes nothing; other terms are 409
        ``deposit_terms_differ``.
        """
        queries.transaction_for(
            merchant_id=self.caller.merchant_id, transaction_id=transaction_id, store_ids=self.caller.store_ids
        )
        data = self.read(DepositSerializer)
        deposit = deposits.record_terms(
            transaction_id=transaction_id,
            kind=data["kind"],
            contract_fen=data["contract_amount_fen"],
            terms=data["terms"],
            by=self.caller.by,
            at=clock.now(),
        )
        return Response(DepositOut.of(deposit))


class DepositDocument(TakesAPicture):
    """The paper with a deposit's terms."""

    acts = {"POST": Act.REPORT_SALE}

    @schemas.operation("add_deposit_document", DepositOut, form=EvidenceSerializer, besides=(413, 415))
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """Keep the paper with the terms beside the words.

        A picture or a PDF, once, and before any of the deposit goes back. The same file again changes nothing.
        """
        queries.transaction_for(
            merchant_id=self.caller.merchant_id, transaction_id=transaction_id, store_ids=self.caller.store_ids
        )
        data = self.read(EvidenceSerializer)
        picture = files.read_upload(upload=data["file"], kind=EvidenceKind.TERMS)
        kept = terms.keep_document(transaction_id=transaction_id, picture=picture, by=self.caller.by, at=clock.now())
        return Response(DepositOut.of(kept))


class TransactionEndHold(OneSale):
    """Let go of a sale that finance holds."""

    acts = {"POST": Act.END_HOLD}

    @schemas.operation("end_hold", TransactionOut, takes=EndHoldSerializer)
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """End the hold of a sale whose channel called a payout refused and then paid. ``paid`` books that payout; ``not_paid``
        and ``settled`` leave the books as they are.
        """
        sale = self.load(transaction_id)
        data = self.read(EndHoldSerializer)
        contradictions.end_hold(transaction_id=sale.pk, **data, by=self.caller.by, at=clock.now())
        loaded = queries.transaction_for(merchant_id=self.caller.merchant_id, transaction_id=transaction_id)
        return Response(TransactionOut.of(loaded))


class TransactionAdoption(OneSale):
    """Take what was refunded in the channel's portal into the books."""

    acts = {"POST": Act.ADOPT}

    @schemas.operation("adopt_portal_refund", RefundRequestOut)
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """The channel is asked; what it refunded beyond our own refunds becomes a refund of ours, paid already, and one of ours
        that failed because of it is closed. Nothing beyond: 409 ``nothing_to_adopt``. No body.
        """
        self.load(transaction_id)
        self.read(StrictSerializer)
        adopted = portal.adopt_of_sale(transaction_id=transaction_id, by=self.caller.by, at=clock.now())
        return Response(
            stored_request_json(queries.request_for(merchant_id=self.caller.merchant_id, request_id=adopted.pk))
        )


def _correction(data: dict[str, Any]) -> SaleCorrection:
    payer, deposit = data.get("payer") or {}, data.get("deposit") or {}
    named = {name: data[name] for name in _CORRECTABLE if name in data}
    if "lines" in data:
        named["lines"] = [SaleLine(**line) for line in data["lines"]]
    return SaleCorrection(
        **named,
        payer_phone=payer.get("phone"),
        card_last4=payer.get("card_last4"),
        funding=payer.get("funding"),
        payer_paid_fen=payer.get("paid_fen"),
        deposit_kind=deposit.get("kind"),
        contract_fen=deposit.get("contract_amount_fen"),
        terms=deposit.get("terms"),
    )


_CORRECTABLE = ("order_no", "kind", "amount_fen", "paid_at", "store", "terminal", "cashier")


def _reported(data: dict[str, Any]) -> ReportedSale:
    payer = data["payer"] or {}
    return ReportedSale(
        order_no=data["order_no"],
        channel=data["channel"],
        channel_transaction_no=data["channel_transaction_no"] or "",
        payment_no=data["payment_no"] or "",
        kind=str(data["kind"]),
        status=str(data["status"]),
        amount_fen=data["amount_fen"],
        paid_at=data["paid_at"],
        store=data["store"],
        terminal=data["terminal"] or "",
        cashier=data["cashier"] or "",
        payer_phone=payer.get("phone") or "",
        card_last4=payer.get("card_last4") or "",
        funding=str(payer.get("funding") or "unknown"),
        payer_paid_fen=payer.get("paid_fen"),
        lines=[SaleLine(**line) for line in data["lines"]],
        order_amount_fen=data["order_amount_fen"],
        remote=data["remote"],
    )
