"""Which index the long lists read. What a plan costs on a million rows is measured elsewhere; that it has one is held here."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api import pagination
from api.pagination import NewestFirst, NewestPaidFirst
from core import tenant_wall
from desk import keyset
from desk.access import scope_of
from desk.analytics import links
from desk.queue import trouble
from desk.refund.page import find
from merchants.models import Merchant
from refunds import queries
from refunds.models import RefundRequest
from terminals.models import Transaction, TransactionLine
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]

_ROWS = 1_500
_COPY = """
INSERT INTO {table} ({columns}) SELECT {copied}
  FROM {table} one, generate_series(1, %s) n, jsonb_populate_record(one, jsonb_build_object({changed})) made
"""


def _stored_columns(table: str) -> list[str]:
    """Those that are given a value: the database makes the others."""
    model = next(one for one in apps.get_models() if one._meta.db_table == table)
    return [str(field.column) for field in model._meta.concrete_fields if not field.generated]


@pytest.fixture
def merchant() -> Merchant:
    """With thousands of sales and refunds, an hour apart, of 50 stores, 100 cashiers and 100 articles."""
    merchant = make_merchant()
    sale = make_sale(merchant)
    make_request(sale)
    copies = {
        "merchants_store": ("'id', one.id + n, 'code', 'X' || n", 50),
        "terminals_transaction": (
            "'id', gen_random_uuid(), 'channel_transaction_no', 'T' || n, 'order_no', 'O' || n, 'reserved_fen', 0, "
            "'live_refunds', 0, 'store_id', one.store_id + n % 50, 'paid_at', one.paid_at - n * interval '1 hour'",
            _ROWS,
        ),
        "refunds_refundrequest": (
            "'id', gen_random_uuid(), 'number', 'R' || n, 'cashier', 'C' || n % 100, 'store_id', one.store_id + n % 50, "
            "'created_at', one.created_at - n * interval '1 hour', 'succeeded_at', one.created_at - n * interval '1 hour'",
            _ROWS,
        ),
    }
    with connection.cursor() as cursor:
        for table, (changed, count) in copies.items():
            columns = [f'"{name}"' for name in _stored_columns(table)]
            copied = ", ".join(f"made.{name}" for name in columns)
            told = {"table": table, "columns": ", ".join(columns), "copied": copied}
            cursor.execute(_COPY.format(**told, changed=changed.replace("%", "%%")), [count])
        cursor.execute(
            "INSERT INTO terminals_transactionline (transaction_id, position, sku, name, kind, quantity, unit_price_fen, "
            "amount_fen, reserved_quantity, reserved_fen) "
            "SELECT id, 9, 'X' || row_number() OVER () %% 100, 'x', 'article', 1, 1, 1, 0, 0 FROM terminals_transaction",
            [],
        )
    with as_owner() as cursor:
        cursor.execute("ANALYZE " + ", ".join([*copies, "terminals_transactionline"]))
    return merchant


def _plan(rows: QuerySet[Any], merchant: Merchant) -> str:
    """As a page reads it: behind the wall of its merchant."""
    with tenant_wall.within(merchant.pk):
        return rows.explain()


def _of_a_cashier(merchant: Merchant) -> QuerySet[Any]:
    return links.narrow(queries.requests_of(merchant_id=merchant.pk), QueryDict("cashier=C7"), now=timezone.now())


def _of_a_store(merchant: Merchant) -> QuerySet[Any]:
    return queries.requests_of(merchant_id=merchant.pk).filter(store=merchant.stores.order_by("-pk")[0])


def _sales_of_a_store(merchant: Merchant) -> QuerySet[Any]:
    return queries.transactions_of(merchant_id=merchant.pk).filter(store=merchant.stores.order_by("-pk")[0])


@pytest.mark.parametrize(
    ("index", "field", "list_of"),
    [
        ("request_cashier", "created_at", _of_a_cashier),
        ("request_store", "created_at", _of_a_store),
        ("transaction_store", "paid_at", _sales_of_a_store),
    ],
)
def test_list_reads_its_index_in_order_and_is_counted_in_it_alone(
    merchant: Merchant, index: str, field: str, list_of: Callable[[Merchant], QuerySet[Any]]
) -> None:
    rows = list_of(merchant)
    page = _plan(rows.order_by(f"-{field}", "-pk")[:51], merchant)
    assert f"using {index} on" in page
    assert "Sort" not in page
    counted = _plan(rows.order_by().values("pk")[: keyset.CAP + 1], merchant)
    assert f"Index Only Scan using {index}" in counted


def test_article_names_its_sales_in_the_index_alone(merchant: Merchant) -> None:
    with connection.cursor() as cursor:
        # Rows that no VACUUM has seen yet are looked up one by one, which makes other ways cheaper for so few.
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
    sales = TransactionLine.objects.filter(sku="X7", transaction__merchant=merchant)
    assert "Index Only Scan using line_sku" in sales.order_by().values("transaction_id").explain()


def test_sale_is_found_by_its_id_behind_the_wall_of_a_merchant_that_the_statistics_do_not_know(
    merchant: Merchant,
) -> None:
    # The planner knows whose wall it is and expects next to nothing of them: their index would look as good as the id. A plan
    # that is kept then reads all sales of the next merchant.
    sale = Transaction.objects.filter(merchant=merchant).latest("paid_at")
    with tenant_wall.within(merchant.pk + 1_000_000), connection.cursor() as cursor:
        cursor.execute("EXPLAIN UPDATE terminals_transaction SET live_refunds = live_refunds WHERE id = %s", [sale.pk])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "using terminals_transaction_pkey on" in plan
    assert "Index Cond: (id = " in plan


def test_trouble_of_channels_is_found_among_the_payouts_that_wait_and_those_that_a_bank_refused(
    merchant: Merchant,
) -> None:
    # Every open desk asks every few seconds: it must not read all that was ever paid.
    with CaptureQueriesContext(connection) as asked:
        trouble.troubles(merchant_id=merchant.pk, at=timezone.now())
    (sql,) = [one["sql"] for one in asked.captured_queries if 'FROM "refunds_execution"' in one["sql"]]
    with as_owner() as cursor:
        # Where there are few payouts, to read them all by another index costs the same.
        cursor.execute("DROP INDEX one_live_execution")
        cursor.execute("ANALYZE refunds_execution")
    with connection.cursor() as cursor:
        # There are too few payouts here for an index to be cheaper.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "BitmapOr" in plan
    assert {"execution_due", "execution_refused_by_bank"} <= set(re.findall(r"execution_\w+", plan))


def test_end_of_a_receipt_is_found_in_its_index_behind_the_wall(merchant: Merchant) -> None:
    sales = queries.transactions_of(merchant_id=merchant.pk).filter(order_end__gte="99", order_end__lt="99\U0010ffff")
    assert "transaction_order_end" in _plan(sales.order_by("order_end").values("pk")[:200], merchant)


def test_refunds_of_a_sale_are_found_by_their_indexes(merchant: Merchant) -> None:
    sale = Transaction.objects.filter(merchant=merchant).latest("paid_at")
    with connection.cursor() as cursor:
        # All requests here are of one sale.
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = _plan(queries.requests_of_sale(sale), merchant)
    assert "Seq Scan on refunds_refundrequest" not in plan
    assert "request_transaction" in plan


def test_refunds_page_is_planned_for_few_orders_of_its_joins(merchant: Merchant) -> None:
    """Of eleven tables the planner would weigh orders for longer than reading them takes."""
    scope = scope_of(make_staff(merchant, "owner"))
    request = RefundRequest.objects.filter(merchant=merchant).latest("created_at")
    with CaptureQueriesContext(connection) as queries:
        find(scope, request.number)
    sql = queries.captured_queries[-1]["sql"]
    assert len(re.findall(r" JOIN ", sql)) >= 9
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL join_collapse_limit = 4")
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "request_number_once" in plan, plan
    assert not re.search(r"Seq Scan on (refunds|terminals)_", plan), plan


def test_what_happened_since_then_is_found_by_its_indexes(merchant: Merchant) -> None:
    # Whoever keeps a copy asks every minute: that must cost what has changed, not all that there ever was.
    since = timezone.now() + timedelta(days=1)
    with connection.cursor() as cursor:
        # There are too few rows here for an index to be cheaper.
        cursor.execute("SET LOCAL enable_seqscan = off")
    requests = queries.changed_requests(merchant_id=merchant.pk, since=since)
    changed = queries.requests_of(merchant_id=merchant.pk).filter(pk__in=requests.ids)
    assert "request_updated_brin" in _plan(changed.order_by("-created_at", "-pk").values("pk")[:201], merchant)
    acted = queries.changed_sales(merchant_id=merchant.pk, since=since)
    sales = queries.transactions_of(merchant_id=merchant.pk).filter(pk__in=acted.ids)
    plan = _plan(sales.order_by("-paid_at", "-pk").values("pk")[:201], merchant)
    assert "Seq Scan" not in plan
    assert {"request_updated_brin", "terminals_transaction_pkey"} <= set(re.findall(r"\b[a-z_]+\b", plan))


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize(
    ("kind", "field", "index"),
    [("sales", "paid_at", "transaction_paid"), ("requests", "created_at", "request_created")],
)
def test_pages_of_what_has_changed_read_an_index_in_order_however_much_it_is(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, direction: str, kind: str, field: str, index: str
) -> None:
    """Of a long time: a page costs what a page of the list does, and asks a bounded number of rows one by one."""
    since = timezone.now() - timedelta(hours=500)
    monkeypatch.setattr(pagination, "FEW", 100)
    monkeypatch.setattr(pagination, "WALKED", 200)
    rows = (queries.transactions_of if kind == "sales" else queries.requests_of)(merchant_id=merchant.pk)
    changed = (queries.changed_sales if kind == "sales" else queries.changed_requests)(
        merchant_id=merchant.pk, since=since
    )
    pages = (NewestPaidFirst if kind == "sales" else NewestFirst)(changed)
    pages.size = 50
    read: list[str] = []
    with tenant_wall.within(merchant.pk), CaptureQueriesContext(connection) as asked:
        pages.stopped = None
        pages._changed(rows, [f"{direction}{field}", f"{direction}pk"])
    with tenant_wall.within(merchant.pk), connection.cursor() as cursor:
        # There are too few rows here for an index to be cheaper.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for one in asked.captured_queries:
            if " LIMIT 51" in one["sql"] or "OFFSET 199" in one["sql"]:
                cursor.execute(f"EXPLAIN {one['sql']}")
                read.append("\n".join(line for (line,) in cursor.fetchall()))
    assert read
    for plan in read:
        assert index in plan, plan
        assert "Sort" not in plan, plan
