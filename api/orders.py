"""Orders: the payments and articles of what a store calls by one number."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import StrictSerializer, Text
from api.views import Endpoint
from merchants.rights import Act
from refunds import queries
from refunds.rules import worth
from terminals import orders


class OrderQuery(StrictSerializer):
    store = Text(required=False, help_text="its code; numbers repeat across stores")


class OrderDetail(Endpoint):
    """One order with its payments."""

    acts = {"GET": Act.READ_SALES}

    @extend_schema(
        operation_id="get_order",
        parameters=[OrderQuery],
        responses={200: schemas.OrderOut, **schemas.READ_PROBLEMS, 422: schemas.Problem},
    )
    def get(self, request: Request, order_no: str) -> Response:
        """The payments of an order, and what is left of each.

        Its articles come with the pieces that came back.
        """
        wanted = self.read_query(OrderQuery)
        sales = queries.transactions_of(merchant_id=self.caller.merchant_id, store_ids=self.caller.store_ids)
        payments = orders.find(sales=sales, order_no=order_no, store=wanted.get("store", ""))
        return Response(
            {
                "order_no": order_no,
                "store": payments[0].store.code,
                "amount_fen": sum(sale.amount_fen for sale in payments),
                "refunded_fen": sum(sale.refunded_fen for sale in payments),
                "refundable_fen": sum(sale.refundable_fen for sale in payments),
                "payments": schemas.TransactionOut.all_of(payments),
                "lines": schemas.SaleLineOut.all_of(worth.with_worth_of(payments)),
            }
        )
