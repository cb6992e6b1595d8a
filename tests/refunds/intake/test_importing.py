"""Files of sales and refunds: read, checked, confirmed by another, run once however often, given back where they fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import table_files
from core.errors import Forbidden, NotFound
from core.table_files import NotATable
from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from refunds.intake import batches, importing
from refunds.intake.importing import Columns, ColumnsUnclear
from refunds.models import ImportFile, RefundBatch, RefundRequest
from terminals.models import Transaction
from tests.factories import make_merchant, make_staff
from tests.refunds.limited import sales, shop

pytestmark = pytest.mark.django_db
_SALES = Columns(
    columns={"order_no": "单号", "channel_transaction_no": "流水", "amount": "金额", "paid_at": "时间"},
    same={"channel": "微信", "store": "S001"},
)
_HEADER = "单号,流水,金额,时间\n"


@pytest.fixture
def merchant() -> Merchant:
    return shop()


def _bring(text: str, columns: Columns, *, kind: str, by: Principal) -> RefundBatch:
    batch = importing.offer(kind=kind, name="a.csv", content=text.encode("gb18030"), by=by, at=timezone.now())
    importing.name_columns(batch_id=batch.pk, columns=columns, by=by, at=timezone.now())
    importing.work(at=timezone.now())
    batches.work()
    batch.refresh_from_db()
    return batch


def _run(batch: RefundBatch, by: Principal) -> list[tuple[str, str, str]]:
    batches.confirm(batch_id=batch.pk, by=by, at=timezone.now(), skip_bad=True, window=timedelta(0))
    batches.work()
    return list(batch.rows.order_by("number").values_list("verdict", "outcome", "code"))


def _errors(batch: RefundBatch) -> list[list[str]]:
    return [[one["code"] for one in row.errors] for row in batch.rows.order_by("number")]


def test_sales_of_a_file_are_taken_in_once_by_two_people(
    merchant: Merchant, finance: Principal, owner: Principal
) -> None:
    store = merchant.stores.get().code
    columns = Columns(columns=_SALES.columns, same={"channel": "微信", "store": store})
    day = "2026-11-20 10:00"
    text = f"{_HEADER}I-1,420001,268.00,{day}\nI-2,4.2E+05,5,{day}\nI-3,420003,5,2036-11-20 10:00\n合计,,273,\n"
    batch = _bring(text, columns, kind="sales", by=finance)
    assert (batch.state, Transaction.objects.count()) == ("ready", 0), "the dry run has no effect"
    with pytest.raises(Forbidden):
        batches.confirm(batch_id=batch.pk, by=finance, at=timezone.now(), skip_bad=True)
    assert _run(batch, owner) == [
        ("new", "taken", ""),
        ("bad", "skipped", "invalid_input"),
        ("bad", "skipped", "paid_in_the_future"),
        ("bad", "skipped", "invalid_input"),
    ]
    sale = Transaction.objects.get()
    assert (sale.order_no, sale.amount_fen, sale.channel_transaction_no) == ("I-1", 26_800, "420001")
    assert _errors(batch)[1] == ["digits_lost"]

    back = importing.failed(batch_id=batch.pk, by=owner, at=timezone.now())
    assert [row[1] for row in back[1:]] == ["I-2", "I-3", "合计"]
    assert "1.23E+17" in back[1][0]

    again = _bring(text, columns, kind="sales", by=finance)
    assert _run(again, owner)[0] == ("known", "skipped", "imported_before")
    assert Transaction.objects.count() == 1


def test_refunds_of_a_file_are_asked_for_once_and_equal_ones_in_it_as_often_as_they_stand_there(
    merchant: Merchant, finance: Principal, owner: Principal
) -> None:
    first, second = sales(merchant, 2)
    lines = [
        f"{first.order_no},,10.00",
        f",{second.channel_transaction_no},11.00",
        f"{first.order_no},,10.00",
        ",999,1",
    ]
    columns = Columns(
        columns={"order_no": "单号", "channel_transaction_no": "流水", "amount": "退款"},
        same={"reason": "质量问题", "consent": "是"},
    )
    text = "\n".join(["单号,流水,退款", *lines])
    batch = _bring(text, columns, kind="refunds", by=finance)
    assert [row[1:] for row in _run(batch, owner)] == [("taken", "")] * 3 + [("skipped", "invalid_input")]
    assert RefundRequest.objects.count() == 3

    # The same rows in another file, in another order, with a column more, and one refund that is new.
    text = "\n".join(
        [
            "流水,备注,退款,单号",
            f"{second.channel_transaction_no},碎了,11,",
            f",,10,{first.order_no}",
            f",,3,{first.order_no}",
        ]
    )
    again = _bring(text, columns, kind="refunds", by=finance)
    assert _run(again, owner) == [
        ("known", "skipped", "imported_before"),
        ("known", "skipped", "imported_before"),
        ("approve", "taken", ""),
    ]
    assert RefundRequest.objects.count() == 4


def test_refund_whose_number_lost_its_zeros_says_so(merchant: Merchant, finance: Principal) -> None:
    sales(merchant, 1, order_no="0000123456")
    columns = Columns(columns={"order_no": "单号", "amount": "退款"}, same={"reason": "quality"})
    batch = _bring("单号,退款\n123456,1\n99,1\n", columns, kind="refunds", by=finance)
    assert _errors(batch)[0] == ["zeros_lost"]
    assert [row.code for row in batch.rows.order_by("number")] == ["invalid_input", "transaction_not_found"]


def test_file_of_orders_lines_becomes_a_sale_an_order(merchant: Merchant, finance: Principal, owner: Principal) -> None:
    text = (
        "invoice,stock_code,description,quantity,invoiced_at,unit_price\n"
        "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55\n536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39\n"
        "C536379,D,Discount,-1,2010-12-01 09:41:00,27.50\n"
    )
    columns = Columns(
        columns={
            "order_no": "invoice", "sku": "stock_code", "item": "description", "quantity": "quantity",
            "paid_at": "invoiced_at", "unit_price": "unit_price",
        },
        same={"channel": "cash", "store": merchant.stores.get().code},
    )  # fmt: skip
    batch = _bring(text, columns, kind="sales", by=finance)
    _run(batch, owner)
    sale = Transaction.objects.get()
    assert (sale.amount_fen, sale.lines.count()) == (3_564, 2)
    assert _errors(batch)[1] == ["not_a_sale"]


def test_what_cannot_be_a_file_or_a_mapping_leaves_nothing(merchant: Merchant, finance: Principal) -> None:
    with pytest.raises(NotATable):
        importing.offer(kind="sales", name="x", content=b"1,2\n", by=finance, at=timezone.now())
    cashier = of_staff(make_staff(merchant, "cashier"))
    with pytest.raises(Forbidden):
        importing.offer(kind="sales", name="x", content=_HEADER.encode() + b"1,2,3,4\n", by=cashier, at=timezone.now())
    assert not ImportFile.objects.exists()
    batch = importing.offer(
        kind="sales", name="x", content=_HEADER.encode() + b"1,2,3,4\n", by=finance, at=timezone.now()
    )
    wrong = Columns(columns={**_SALES.columns, "amount": "no"}, same={"store": "S001"})
    with pytest.raises(ColumnsUnclear) as refused:
        importing.name_columns(batch_id=batch.pk, columns=wrong, by=finance, at=timezone.now())
    assert [(one.field, one.code) for one in refused.value.errors] == [
        ("amount", "unknown_column"), ("channel", "required"),
    ]  # fmt: skip
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    with pytest.raises(NotFound):
        importing.file_of(batch_id=batch.pk, by=stranger)
    assert RefundBatch.objects.get().state == "mapping"
    assert table_files.read(_HEADER.encode() + b"1,2,3,4\n") == importing.table_of(batch.file)


def test_files_are_forgotten_a_week_after_their_end_and_those_that_nobody_maps_too(finance: Principal) -> None:
    batch = importing.offer(
        kind="sales", name="x", content=_HEADER.encode() + b"1,2,3,4\n", by=finance, at=timezone.now()
    )
    RefundBatch.objects.filter(pk=batch.pk).update(filed_at=timezone.now() - timedelta(days=8))
    batches.work()
    assert RefundBatch.objects.get().state == "cancelled"
    importing.work(at=timezone.now())
    assert ImportFile.objects.exists(), "for a week what failed can be taken back"
    importing.work(at=timezone.now() + timedelta(days=8))
    assert not ImportFile.objects.exists()
