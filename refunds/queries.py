"""Reads that more than one face needs. Every one takes the merchant first: no query can forget the wall."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Exists, Model, OuterRef, Prefetch, Q, QuerySet

from core.audit.models import AuditEvent
from core.audit.reading import acted_on, has_been_acted_on
from core.errors import existing
from refunds.models import Approval, CustomerReport, ExchangeOffer, Execution, GoodsReturn, Leg, RefundRequest
from refunds.states import ExecutionState
from terminals.models import Transaction

Row = TypeVar("Row", bound=Model)

_OF_LEG = ("transaction__channel_account",)
_SEALED = ("transaction__channel_account__sealed_credentials",)


def requests_of(*, merchant_id: int, store_ids: frozenset[int] | None = None) -> QuerySet[RefundRequest]:
    """The merchant's requests, limited to stores where the reader is."""
    found = RefundRequest.objects.filter(merchant_id=merchant_id)
    return found if store_ids is None else found.filter(store_id__in=store_ids)


def with_parts(found: QuerySet[RefundRequest], *, only: Collection[str] | None = None) -> QuerySet[RefundRequest]:
    """What a representation reads, in a fixed number of statements: the whole, or a row and these fields of REST."""
    parts: dict[str, tuple[str | Prefetch[Any], ...]] = {
        "executions": ("executions",),
        "agreements": ("agreements",),
        "customer_reports": (
            Prefetch("customer_reports", queryset=CustomerReport.objects.select_related("owner").order_by("pk")),
        ),
        "approvals": (Prefetch("approvals", queryset=Approval.objects.select_related("staff", "on_behalf_of")),),
        "goods_return": (
            Prefetch(
                "goods_returns",
                queryset=GoodsReturn.objects.select_related("store").prefetch_related("lines__line").order_by("-pk"),
            ),
        ),
        "exchange_offer": (Prefetch("offers", queryset=ExchangeOffer.objects.order_by("-pk")),),
        "plan": ("executions", Prefetch("legs", queryset=Leg.objects.select_related(*_OF_LEG).defer(*_SEALED))),
    }
    joined = {"payee": "payee", "compensation": "compensation__payout"}
    wanted = {*parts, *joined, "verdict"} if only is None else only
    more = (path for name, path in joined.items() if name in wanted)
    return (
        # In one call: one without a name means every relation there is, and forgets those that were named.
        found.select_related("transaction__channel_account", "store", "terminal", *more)
        .defer("transaction__channel_account__sealed_credentials", *(() if "verdict" in wanted else ("verdict",)))
        .prefetch_related(*(part for name, some in parts.items() if name in wanted for part in some))
    )


def request_for(*, merchant_id: int, request_id: UUID, store_ids: frozenset[int] | None = None) -> RefundRequest:
    """One request. Raises ``NotFound``, also for another merchant's."""
    return existing(
        with_parts(requests_of(merchant_id=merchant_id, store_ids=store_ids)).filter(pk=request_id).first(),
        "refund request",
    )


def beyond(*, field: str, value: datetime | int | None, pk: object, descending: bool) -> Q:
    """The rows that come after this one in a list by ``field`` and then id, or by id alone where there is no field."""
    side = "lt" if descending else "gt"
    if not field or value is None:
        return Q(**{f"pk__{side}": pk})
    # The first condition alone lets the index find the place; the second takes out the rows already seen.
    return Q(**{f"{field}__{side}e": value}) & (Q(**{f"{field}__{side}": value}) | Q(**{f"pk__{side}": pk}))


def first_of(rows: QuerySet[Row], *, order: Sequence[str], size: int) -> list[Row]:
    """The first rows in this order. Their keys are found first, for which an index may do alone; only then are rows read whole
    and joined: of a list that no index has in order all would be, to leave most of them out again. In two steps: of more than
    eight tables PostgreSQL keeps the order in which they are named, and then joined all rows before it looked at the keys.
    """
    whole = rows.order_by(*order)
    keys = list(whole.values_list("pk", flat=True)[:size])
    whole.query.clear_where()
    return list(whole.filter(pk__in=keys))


def place_of(rows: QuerySet[Any], *, field: str, pk: object) -> datetime | None:
    """Where a row stands in such a list: for cursors that were given out while it was sorted by id alone."""
    found: datetime | None = rows.model._base_manager.filter(pk=pk).values_list(field, flat=True).first()
    return found


def events_of(request_id: UUID) -> QuerySet[AuditEvent]:
    """The timeline, oldest first."""
    return AuditEvent.objects.filter(object_id=str(request_id)).order_by("id")


def transactions_of(*, merchant_id: int, store_ids: frozenset[int] | None = None) -> QuerySet[Transaction]:
    """The merchant's sales with lines."""
    found = Transaction.objects.filter(merchant_id=merchant_id).select_related("store", "terminal", "deposit")
    found = found.prefetch_related("lines")
    return found if store_ids is None else found.filter(store_id__in=store_ids)


@dataclass(frozen=True, slots=True)
class Changes:
    """To which rows of a list something happened since: their ``ids``, and the same asked of a row.

    Rows that are as new as that have all changed. ``ids`` may name one twice.
    """

    since: datetime
    ids: QuerySet[Any, Any]
    of_row: Q | Exists


def changed_sales(*, merchant_id: int, since: datetime) -> Changes:
    """Refunds of theirs included."""
    asked = RefundRequest.objects.filter(merchant_id=merchant_id, updated_at__gte=since)
    legs = Leg.objects.filter(request__in=asked)
    ids = acted_on(Transaction, merchant_id=merchant_id, since=since).union(
        asked.values_list("transaction_id", flat=True), legs.values_list("transaction_id", flat=True), all=True
    )
    of_row = (
        Q(has_been_acted_on(Transaction, merchant_id=merchant_id, since=since))
        | Q(Exists(RefundRequest.objects.filter(transaction=OuterRef("pk"), updated_at__gte=since)))
        | Q(Exists(Leg.objects.filter(transaction=OuterRef("pk"), request__updated_at__gte=since)))
    )
    return Changes(since, ids, of_row)


def changed_requests(*, merchant_id: int, since: datetime) -> Changes:
    asked = RefundRequest.objects.filter(merchant_id=merchant_id, updated_at__gte=since)
    return Changes(since, asked.values_list("pk", flat=True), Q(updated_at__gte=since))


def transaction_for(*, merchant_id: int, transaction_id: UUID, store_ids: frozenset[int] | None = None) -> Transaction:
    """One sale. Raises ``NotFound``, also for another merchant's."""
    return existing(
        transactions_of(merchant_id=merchant_id, store_ids=store_ids).filter(pk=transaction_id).first(), "transaction"
    )


def failures_by_till(*, terminal_ids: Sequence[int], since: datetime) -> dict[int, tuple[int, int]]:
    """Of each till: the requests since then, and those of them of which a payout failed, whatever came of it later."""
    asked = RefundRequest.objects.filter(terminal_id__in=terminal_ids, created_at__gte=since)
    lost = asked.filter(Exists(Execution.objects.filter(request=OuterRef("pk"), state=ExecutionState.FAILED)))
    all_of, failed = (
        dict(rows.order_by().values_list("terminal_id").annotate(n=Count("pk"))) for rows in (asked, lost)
    )
    return {till: (n, failed.get(till, 0)) for till, n in all_of.items()}


def requests_of_sale(sale: Transaction) -> QuerySet[RefundRequest]:
    """The requests that go back through this payment, alone or by one of their legs, newest first."""
    # Not one or the other: for that no index is read, and all requests would be.
    by_leg = Leg.objects.filter(transaction_id=sale.pk).values("request_id")
    alone = RefundRequest.objects.filter(transaction_id=sale.pk).values("pk")
    return RefundRequest.objects.filter(pk__in=alone.union(by_leg)).order_by("-pk")
