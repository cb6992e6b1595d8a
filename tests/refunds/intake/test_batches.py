"""Many refunds at once: checked without effect, confirmed by another, run each once whatever happens to the worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Forbidden, Invalid, NotFound
from merchants import api_keys, mandates
from merchants.models import ApiKey, KeyScope, Merchant
from merchants.principals import Principal, of_staff
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.intake.claims import Account, Customer, Draft
from refunds.models import RefundBatch, RefundRequest, RunningSum
from refunds.rules.deposits import DepositClaim
from terminals.models import Transaction
from tests.factories import make_merchant, make_staff
from tests.refunds.limited import at_once, sales, shop

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """As if the process had gone."""


@pytest.fixture
def merchant() -> Merchant:
    return shop()


def _wishes(found: Sequence[Transaction], amount_fen: int = 1_000, **said: Any) -> list[Wish]:
    return [
        Wish(
            label=sale.order_no,
            amount_fen=amount_fen,
            draft=Draft(transaction_id=sale.pk, amount_fen=amount_fen, reason="quality", customer_consent=True, **said),
        )
        for sale in found
    ]


def _file(by: Principal, wishes: Sequence[Wish]) -> RefundBatch:
    return batches.file(name="recall", wishes=wishes, by=by, at=timezone.now())


def _confirm(batch: RefundBatch, by: Principal, *, skip_bad: bool = False) -> None:
    batches.confirm(batch_id=batch.pk, by=by, at=timezone.now(), skip_bad=skip_bad, window=timedelta(0))


def _state(batch: RefundBatch) -> str:
    return RefundBatch.objects.get(pk=batch.pk).state


def _rows(batch: RefundBatch) -> list[tuple[int, str, str, str]]:
    return list(batch.rows.order_by("number").values_list("number", "verdict", "outcome", "code"))


def _work_until_killed(kill: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(batches, "failpoint", kill)
        with pytest.raises(Killed):
            batches.work()


def test_batch_is_checked_without_effect_and_run_once_somebody_else_confirmed(
    merchant: Merchant, finance: Principal, owner: Principal
) -> None:
    found = sales(merchant, 3)
    batch = _file(finance, _wishes(found[:2]) + _wishes(found[2:], 10_001))
    batches.work()
    assert _state(batch) == "ready"
    assert _rows(batch) == [(1, "approve", "", ""), (2, "approve", "", ""), (3, "bad", "", "exceeds_refundable")]
    assert (RefundRequest.objects.count(), RunningSum.objects.count()) == (0, 0)
    with pytest.raises(batches.BatchBadRows):
        _confirm(batch, owner)
    _confirm(batch, owner, skip_bad=True)
    batches.work()
    assert _state(batch) == "done"
    assert [row[2:] for row in _rows(batch)] == [("taken", ""), ("taken", ""), ("skipped", "exceeds_refundable")]
    assert Counter(RefundRequest.objects.values_list("state", flat=True)) == {"approved": 2}
    assert batches.totals(batch)["outcome:taken"] == {"rows": 2, "fen": 2_000}
    assert not batch.rows.exclude(asked="").exists(), "what was asked for stands with its requests"
    submitted = AuditEvent.objects.filter(action="refund.submit").order_by("pk")
    assert [event.data["batch"] for event in submitted] == [f"{batch.pk}/1", f"{batch.pk}/2"]
    acts = AuditEvent.objects.filter(object_type="refund_batch").order_by("pk")
    assert [event.action for event in acts] == [
        *("batch.file", "batch.move", "batch.confirm", "batch.move", "batch.move")
    ]


def test_row_is_kept_sealed_and_read_back_as_it_was(merchant: Merchant, finance: Principal) -> None:
    (sale,) = sales(merchant, 1)
    sku = sale.lines.order_by("pk")[0].sku
    (wish,) = _wishes(
        [sale],
        lines=[(sku, Decimal(1))],
        seen_returned={sku: Decimal("0.5")},
        customer=Customer(name="王敏", phone="13800006021"),
        payee=Account(holder_name="王敏", account_no="6222 0200 1234 5678", bank_name="ICBC"),
        evidence=[uuid4()],
        deposit=DepositClaim(cause="merchant_breach", open_percent=50),
    )
    assert wish.draft is not None
    batch = _file(finance, [wish])
    row = batch.rows.get()
    read = batches._draft(row)
    assert replace(read, batch="") == wish.draft
    assert read.batch == f"{batch.pk}/1"
    with connection.cursor() as cursor:
        cursor.execute("SELECT asked FROM refunds_refundbatchrow")
        (sealed,) = cursor.fetchone()
    assert b"13800006021" not in bytes(sealed), "personal data is sealed"


def test_rows_go_through_the_same_rules_one_after_another(
    merchant: Merchant, finance: Principal, owner: Principal
) -> None:
    """Each is good by itself; together they are more than was paid."""
    (sale,) = sales(merchant, 1)
    batch = _file(finance, _wishes([sale] * 3, 5_000))
    batches.work()
    assert [row[1] for row in _rows(batch)] == ["approve"] * 3
    _confirm(batch, owner)
    batches.work()
    assert [row[2:] for row in _rows(batch)] == [("taken", ""), ("taken", ""), ("refused", "exceeds_refundable")]
    assert sorted(RefundRequest.objects.values_list("state", flat=True)) == ["approved", "in_review"]


def test_worker_that_is_killed_in_the_middle_is_gone_on_after_and_none_is_asked_twice(
    merchant: Merchant, finance: Principal, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sales(merchant, 6)
    batch = _file(finance, _wishes(found))
    batches.work()
    _confirm(batch, owner)
    for kill_at in (1, 2, 3):
        passed = iter(range(1, 100))

        def kill(_name: str, at: int = kill_at, seen: Any = passed) -> None:
            if next(seen) == at:
                raise Killed

        _work_until_killed(kill, monkeypatch)
    assert (RefundRequest.objects.count(), _state(batch)) == (3, "running")
    batches.work()
    batches.work()
    assert (RefundRequest.objects.count(), _state(batch)) == (6, "done")
    assert set(RefundRequest.objects.values_list("transaction_id", flat=True)) == {sale.pk for sale in found}


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_ask_for_each_row_once(merchant: Merchant) -> None:
    finance, owner = (of_staff(make_staff(merchant, role)) for role in ("finance", "owner"))
    batch = _file(finance, _wishes(sales(merchant, 12)))
    at_once([batches.work] * 4)
    assert _state(batch) == "ready"
    _confirm(batch, owner)
    at_once([batches.work] * 4)
    batches.work()
    assert (_state(batch), RefundRequest.objects.count()) == ("done", 12)


def test_window_is_waited_for_and_a_cancelled_batch_asks_for_nothing(
    merchant: Merchant, finance: Principal, owner: Principal
) -> None:
    batch = _file(finance, _wishes(sales(merchant, 2)))
    batches.work()
    batches.confirm(batch_id=batch.pk, by=owner, at=timezone.now())
    batches.work()
    assert (_state(batch), RefundRequest.objects.count()) == ("confirmed", 0)
    batches.cancel(batch_id=batch.pk, by=finance, at=timezone.now())
    RefundBatch.objects.filter(pk=batch.pk).update(starts_at=timezone.now() - timedelta(days=1))
    batches.work()
    assert (_state(batch), RefundRequest.objects.count()) == ("cancelled", 0)
    assert {row[2] for row in _rows(batch)} == {"skipped"}
    for act in (batches.cancel, batches.confirm):
        with pytest.raises(batches.BatchMoved):
            act(batch_id=batch.pk, by=owner, at=timezone.now())


def test_batch_cancelled_while_it_runs_asks_for_no_more(
    merchant: Merchant, finance: Principal, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _file(finance, _wishes(sales(merchant, 4)))
    batches.work()
    _confirm(batch, owner)
    seen = iter([False, True])

    def kill(_name: str) -> None:
        if next(seen):
            raise Killed

    _work_until_killed(kill, monkeypatch)
    batches.cancel(batch_id=batch.pk, by=owner, at=timezone.now())
    batches.work()
    assert RefundRequest.objects.count() == 1
    assert [row[2] for row in _rows(batch)] == ["taken", "skipped", "skipped", "skipped"]


def test_nobody_confirms_their_own_also_not_what_their_key_filed(
    merchant: Merchant, owner: Principal, finance: Principal
) -> None:
    row, key, _ = api_keys.issue(
        merchant=merchant, name="k", scopes=[KeyScope.REFUNDS_WRITE], by=owner, at=timezone.now(), all_stores=True
    )
    client = api_keys.recognise(key)
    assert client is not None
    for by in (owner, client.principal):
        batch = _file(by, _wishes(sales(merchant, 1)))
        batches.work()
        with pytest.raises(Forbidden) as refused:
            _confirm(batch, owner)
        assert (refused.value.code, _state(batch)) == ("own_request", "ready")
        with pytest.raises(IntegrityError), transaction.atomic():
            RefundBatch.objects.filter(pk=batch.pk).update(confirmed_by=owner.staff_id)
        _confirm(batch, finance)
    assert RefundBatch.objects.get(api_key_id=row.pk).state == "confirmed"


def test_key_that_is_stopped_or_limited_meanwhile_asks_for_no_more(
    merchant: Merchant, owner: Principal, finance: Principal
) -> None:
    row, key, _ = api_keys.issue(
        merchant=merchant,
        name="k",
        scopes=[KeyScope.REFUNDS_WRITE],
        by=owner,
        at=timezone.now(),
        all_stores=True,
        mandate=mandates.read({"max_fen_day": 2_500}),
    )
    client = api_keys.recognise(key)
    assert client is not None
    first, second = (_file(client.principal, _wishes(sales(merchant, 3))) for _ in range(2))
    batches.work()
    _confirm(first, finance)
    batches.work()
    assert [line[2:] for line in _rows(first)] == [("taken", ""), ("taken", ""), ("refused", "mandate_exceeded")]
    _confirm(second, finance)
    api_keys.stop(which=ApiKey.objects.get(pk=row.pk), by=owner, at=timezone.now())
    batches.work()
    assert {line[2:] for line in _rows(second)} == {("refused", "key_stopped")}
    assert RefundRequest.objects.count() == 2


def test_batch_that_nobody_confirms_in_a_week_is_called_off_and_forgotten(
    merchant: Merchant, finance: Principal
) -> None:
    kept, old = (_file(finance, _wishes(sales(merchant, 1))) for _ in range(2))
    batches.work()
    RefundBatch.objects.filter(pk=old.pk).update(filed_at=timezone.now() - timedelta(days=7, seconds=1))
    batches.work()
    assert (_state(kept), _state(old)) == ("ready", "cancelled")
    assert not old.rows.exclude(asked="").exists()
    assert AuditEvent.objects.get(action="batch.cancel").data == {"lapsed": True, "state": "cancelled"}


def test_who_works_elsewhere_knows_nothing_of_it(merchant: Merchant, finance: Principal) -> None:
    batch = _file(finance, _wishes(sales(merchant, 1)))
    other = of_staff(make_staff(make_merchant(), "owner"))
    in_one = of_staff(make_staff(merchant, "manager", stores=[merchant.stores.order_by("pk")[0]]))
    for by in (other, in_one):
        with pytest.raises(NotFound):
            batches.cancel(batch_id=batch.pk, by=by, at=timezone.now())
    assert _state(batch) == "checking"


def test_cashier_files_none_and_neither_none_nor_too_many_rows_are_a_batch(
    merchant: Merchant, finance: Principal
) -> None:
    found: list[DomainError] = []
    for by, wishes in (
        (of_staff(make_staff(merchant, "cashier")), _wishes(sales(merchant, 1))),
        (finance, []),
        (finance, [Wish(label="x")] * (batches.MOST_ROWS + 1)),
    ):
        with pytest.raises((Forbidden, Invalid)) as refused:
            _file(by, wishes)
        found.append(refused.value)
    assert [error.code for error in found] == ["role_required", "batch_size", "batch_size"]
    assert not RefundBatch.objects.exists()
