"""Transfers by the file: each in one file, results matched by reference, read twice without effect."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid
from core.spreadsheets import workbook
from invariants.inspection import breaches
from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from payment_channels.workbooks import Workbook
from refunds.models import Execution, LedgerEntry, PaymentFile, PaymentFileRow, RefundRequest
from refunds.payouts import payment_files
from refunds.payouts.loop import drain
from refunds.payouts.payment_files import HEADER, NothingToExport
from refunds.states import Route
from tests.factories import make_merchant, make_staff
from tests.refunds import hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return hand.make_shop()


def waits(merchant: Merchant, route: str = Route.BANK_TRANSFER) -> RefundRequest:
    return hand.waiting(route, sale=hand.sale_for(merchant, route))


def reference(request: RefundRequest) -> str:
    return Execution.objects.get(request=request).refund_no


def state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.get(pk=request.pk).state)


def read(by: Principal, *rows: tuple[str, ...], encoding: str = "utf-8") -> list[tuple[str, str]]:
    text = "业务参考号,处理结果,银行流水号,金额\n" + "\n".join(",".join(row) for row in rows)
    found = payment_files.read_result(content=text.encode(encoding), by=by, at=timezone.now())
    return [(one.outcome, one.code) for one in found]


def test_export_when_done_twice_has_each_transfer_in_one_file(merchant: Merchant, finance: Principal) -> None:
    transfer, _cash = waits(merchant), waits(merchant, Route.CASH)
    made = payment_files.export(by=finance, at=timezone.now())
    assert [row.execution.request for row in PaymentFileRow.objects.all()] == [transfer]
    with pytest.raises(NothingToExport):
        payment_files.export(by=finance, at=timezone.now())
    assert PaymentFile.objects.get() == made
    (line,) = payment_files.transfers_of(file_id=made.pk, by=finance, at=timezone.now())
    assert (line.reference, line.account_no, line.amount_fen) == (reference(transfer), hand.ACCOUNT_NO, 1_200)
    assert AuditEvent.objects.filter(action="refund.payment_file").count() == 1


def test_file_when_written_has_texts_only(merchant: Merchant, finance: Principal) -> None:
    waits(merchant)
    made = payment_files.export(by=finance, at=timezone.now())
    transfers = [
        replace(one, holder_name='=HYPERLINK("x")')
        for one in payment_files.transfers_of(file_id=made.pk, by=finance, at=timezone.now())
    ]
    with zipfile.ZipFile(io.BytesIO(payment_files.as_table(transfers, workbook=True))) as archive:
        rows = [cells for _, cells in Workbook(archive).rows("xl/worksheets/sheet1.xml")]
    assert rows[0] == list(HEADER)
    assert rows[1][1:5] == ['=HYPERLINK("x")', hand.ACCOUNT_NO, "工商银行", "12.00"]
    text = payment_files.as_table(transfers, workbook=False).decode("utf-8-sig")
    cells = list(csv.reader(io.StringIO(text)))[1]
    assert cells[1].startswith("'=")
    assert cells[2] == f"{hand.ACCOUNT_NO}\t"


def test_export_when_one_approved_it_or_may_not_pay_marks_nothing(merchant: Merchant) -> None:
    approver = make_staff(merchant, "owner")
    asked = hand.asked(Route.BANK_TRANSFER, sale=hand.sale_for(merchant, Route.BANK_TRANSFER))
    hand.approved(asked, by=approver)
    drain()
    with pytest.raises(NothingToExport):
        payment_files.export(by=of_staff(approver), at=timezone.now())
    with pytest.raises(Forbidden):
        payment_files.export(by=of_staff(make_staff(merchant, "cashier")), at=timezone.now())
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    with pytest.raises(NothingToExport):
        payment_files.export(by=stranger, at=timezone.now())
    assert not PaymentFileRow.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_result_when_read_twice_pays_once_and_names_odd_rows(
    merchant: Merchant, finance: Principal, encoding: str
) -> None:
    paid, failed = waits(merchant), waits(merchant)
    outside = waits(merchant)
    PaymentFileRow.objects.all().delete()
    payment_files.export(by=finance, at=timezone.now())
    PaymentFileRow.objects.filter(execution__request=outside).delete()
    rows = [
        (reference(paid), "成功", "B-1", "12.00"),
        (reference(failed), "失败", "", "12.00"),
        (reference(outside), "成功", "B-2", "12.00"),
        ("R-none", "成功", "B-3", "12.00"),
    ]
    unknown = ("odd", "unknown_reference")
    assert read(finance, *rows, encoding=encoding) == [("paid", ""), ("not_paid", ""), unknown, unknown]
    assert (state(paid), state(failed)) == ("refunded", "failed")
    assert read(finance, *rows, encoding=encoding) == [("known", ""), ("known", ""), unknown, unknown]
    assert read(finance, (reference(paid), "成功", "B-9", "12.00")) == [("odd", "paid_with_another_number")]
    assert LedgerEntry.objects.filter(kind="payout").count() == 2
    assert not list(breaches())


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("成功", "B-1", "11.99"), "amount_differs"),
        (("成功", "B-1", "x"), "amount_invalid"),
        (("处理中", "B-1", "12.00"), "unknown_result"),
        (("成功", "", "12.00"), "payment_incomplete"),
    ],
)
def test_result_when_a_row_does_not_fit_leaves_the_transfer_waiting(
    merchant: Merchant, finance: Principal, row: tuple[str, str, str], code: str
) -> None:
    request = waits(merchant)
    payment_files.export(by=finance, at=timezone.now())
    assert read(finance, (reference(request), *row)) == [("odd", code)]
    assert state(request) == "manual_pending"


def test_result_when_two_rows_carry_one_number_pays_the_first_only(merchant: Merchant, finance: Principal) -> None:
    one, other = waits(merchant), waits(merchant)
    payment_files.export(by=finance, at=timezone.now())
    rows = [(reference(one), "成功", "B-1", ""), (reference(other), "成功", "B-1", "")]
    assert read(finance, *rows) == [("paid", ""), ("odd", "reference_used")]
    assert state(other) == "manual_pending"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"a,b\n1,2", b"\xff\xfe\x00", b"\x81"])
def test_result_when_it_is_no_table_is_refused(finance: Principal, content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        payment_files.read_result(content=content, by=finance, at=timezone.now())
    assert refused.value.code == "result_unreadable"


def test_result_when_it_is_a_workbook_is_read_the_same(merchant: Merchant, finance: Principal) -> None:
    request = waits(merchant)
    payment_files.export(by=finance, at=timezone.now())
    content = workbook([["业务参考号", "处理结果", "银行流水号"], [reference(request), "成功", "B-1"]])
    (one,) = payment_files.read_result(content=content, by=finance, at=timezone.now())
    assert one.outcome == "paid"
