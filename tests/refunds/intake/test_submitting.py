"""The one statement that stores a request means the same as the models do, row by row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, models, transaction
from django.db.models import F
from django.utils import timezone

from core import doorbell
from core.audit.models import AuditEvent
from core.errors import Conflict, Invalid
from merchants.principals import of_staff
from refunds import lifecycle
from refunds.intake import submitting
from refunds.intake.building import Submission
from refunds.intake.claims import Customer, Draft
from refunds.intake.judging import PolicyRefused
from refunds.intake.submitting import KeyAlreadyUsed
from refunds.lifecycle import OverRefund
from refunds.models import Execution, IdempotencyRecord, OutboxMessage, RefundLine, RefundRequest, RunningSum
from terminals.correcting import SaleCorrection, correct_sale
from terminals.models import Transaction, TransactionLine
from terminals.reporting import SaleLine
from tests.factories import make_merchant, make_request, make_sale, make_staff, till

pytestmark = pytest.mark.django_db

_TABLES: tuple[type[models.Model], ...] = (
    Transaction,
    TransactionLine,
    RefundRequest,
    RefundLine,
    RunningSum,
    Execution,
    IdempotencyRecord,
    AuditEvent,
    OutboxMessage,
)
#: Given by the database, other each time.
_DIFFERENT = {"txid"}


def _prepared(sale: Transaction, amount_fen: int, *, pieces: int = 0) -> Submission:
    cashier = make_staff(sale.merchant, "cashier")
    draft = Draft(
        amount_fen=amount_fen,
        reason="quality",
        transaction_id=sale.pk,
        description="面板开裂",
        lines=[("SKU-1", pieces)] if pieces else [],
        customer=Customer(name="王敏", phone="13800006021", email="wang@example.com"),
        customer_consent=True,
    )
    prepared = submitting.prepare(draft=draft, by=of_staff(cashier), at=timezone.now())
    prepared.idempotency = IdempotencyRecord(
        principal="staff:1",
        key="k",
        fingerprint=b"f" * 32,
        status=201,
        body=f'{{"verdict":{{}},"id":"{prepared.request.pk}"}}',
        created_at=timezone.now(),
    )
    return prepared


def _by_models(stored: Submission) -> None:
    """What ``submission.store`` does, said with models."""
    request = stored.request
    Transaction.objects.filter(pk=request.transaction_id).update(
        reserved_fen=F("reserved_fen") + request.reserved_fen,
        live_refunds=F("live_refunds") + 1,
        live_refunds_limit=stored.refunds_limit,
    )
    RunningSum.objects.bulk_create(RunningSum(**row._asdict()) for row in stored.sums)
    for line in stored.lines:
        TransactionLine.objects.filter(pk=line.line_id).update(
            reserved_quantity=F("reserved_quantity") + line.held_quantity,
            reserved_fen=F("reserved_fen") + line.held_fen,
        )
    request.save(force_insert=True)
    RefundLine.objects.bulk_create(stored.lines)
    for execution in stored.executions:
        execution.save(force_insert=True)
    if stored.idempotency is not None:
        stored.idempotency.save(force_insert=True)
    AuditEvent.objects.bulk_create(stored.changes)
    OutboxMessage.objects.bulk_create(lifecycle.outbox_row(change) for change in stored.changes)


def _everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables concerned; keys that the database counts out are left aside."""
    found = {}
    for model in _TABLES:
        counted = {field.attname for field in model._meta.concrete_fields if isinstance(field, models.AutoField)}
        order = "version" if model in {AuditEvent, OutboxMessage} else "pk"
        rows = model._default_manager.order_by(order).values()
        found[model.__name__] = [
            {
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in row.items()
                if name not in counted | _DIFFERENT
            }
            for row in rows
        ]
    return found


@pytest.mark.parametrize(("amount_fen", "pieces"), [(1_200, 0), (1_200, 2), (26_800, 1)])
def test_store_writes_what_the_models_would(amount_fen: int, pieces: int) -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=5)
    prepared = _prepared(sale, amount_fen, pieces=pieces)
    seen = []
    for write in (submitting.store, _by_models):
        with transaction.atomic():
            write(prepared)
            seen.append(_everything())
            transaction.set_rollback(True)
    by_statement, by_models = seen
    assert by_statement["RefundRequest"][0]["customer_phone"] == "13800006021"
    assert len(by_statement["AuditEvent"]) >= 3
    assert by_statement == by_models


def test_store_is_one_statement_in_one_transaction() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=5)
    prepared = _prepared(sale, 1_200, pieces=2)
    statements: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        submitting.store(prepared)
    # The first of a connection is prepared before it runs.
    assert len([sql for sql in statements if not sql.startswith(("PREPARE", "SET", "SAVEPOINT", "RELEASE"))]) == 1


def test_key_used_before_stores_nothing_at_all() -> None:
    sale = make_sale(make_merchant(), 50_000)
    submitting.store(_prepared(sale, 1_200))
    before = _everything()
    second = _prepared(sale, 1_300)
    with pytest.raises(KeyAlreadyUsed):
        submitting.store(second)
    assert _everything() == before


@pytest.mark.parametrize("too_much", ["amount", "pieces"])
def test_race_for_the_last_of_a_sale_stores_nothing_at_all(too_much: str) -> None:
    """Both were judged on the same sale before either was stored."""
    sale = make_sale(make_merchant(), 10_000, quantity=2)
    amount, pieces = (6_000, 0) if too_much == "amount" else (100, 2)
    first, second = (_prepared(sale, amount, pieces=pieces) for _ in range(2))
    second.idempotency = None
    submitting.store(first)
    before = _everything()
    with pytest.raises(OverRefund) as refused:
        submitting.store(second)
    assert refused.value.code == ("exceeds_refundable" if too_much == "amount" else "exceeds_quantity")
    assert _everything() == before


@pytest.mark.django_db(transaction=True)
def test_bell_rings_only_for_what_was_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.extend)
    sale = make_sale(make_merchant(), 10_000)
    first, second = (_prepared(sale, 6_000) for _ in range(2))
    second.idempotency = None
    submitting.store(first)
    assert sorted(rung) == ["refunds.execute", "refunds.notify"]
    rung.clear()
    with pytest.raises(OverRefund):
        submitting.store(second)
    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_forty_partials_racing_for_one_sale_never_exceed_it() -> None:
    sale = make_sale(make_merchant(), 10_000)

    def ask(_number: int) -> bool:
        try:
            make_request(sale, 700)
        except (PolicyRefused, Conflict) as refused:
            return refused.code != "exceeds_refundable"
        else:
            return True
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(ask, range(40)))
    sale.refresh_from_db()
    assert (taken.count(True), sale.reserved_fen) == (14, 9_800)


@pytest.mark.django_db(transaction=True)
def test_submit_when_a_correction_takes_its_article_away_meanwhile_is_judged_again() -> None:
    sale = make_sale(make_merchant())
    finance = of_staff(make_staff(sale.merchant, "finance"))
    told = SaleCorrection(lines=[SaleLine("NEW", "x", 1, 10_000, 10_000)])

    def correct(_: Submission) -> None:
        correct_sale(transaction_id=sale.pk, correction=told, reason="x", by=finance, at=timezone.now())

    draft = Draft(amount_fen=1_200, reason="quality", transaction_id=sale.pk, lines=[("SKU-1", 1)])
    with pytest.raises(Invalid) as refused:
        submitting.submit(draft=draft, by=till(sale.merchant), at=timezone.now(), before_commit=correct)
    assert refused.value.code == "unknown_article"
    assert not RefundRequest.objects.exists()
