"""The pages of imports: from the file in hand to what failed of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core import table_files
from merchants.models import Staff
from refunds.intake import batches, importing
from refunds.models import ImportFile, RefundBatch
from terminals.models import Transaction
from tests.desk.conftest import Shop
from tests.factories import make_staff

SignIn = Callable[[Staff], Client]
_FILE = (
    "微信订单号,商户订单号,金额（元）,支付时间\n42001,N-1,268.00,2026-11-20 10:00\n1.23E+17,<b>N-2</b>,1,2026-11-20\n"
)


def _offer(client: Client, content: bytes) -> tuple[int, str]:
    answer = client.post(
        "/desk/imports/add", {"kind": "sales", "file": SimpleUploadedFile("十一月.csv", content)}, follow=True
    )
    return answer.status_code, answer.content.decode()


def test_file_is_brought_its_columns_are_guessed_and_what_failed_comes_back(shop: Shop, as_staff: SignIn) -> None:
    finance = as_staff(make_staff(shop.merchant, "finance"))
    _, page = _offer(finance, _FILE.encode("gb18030"))
    assert '<option value="微信订单号" selected>' in page
    assert "&lt;b&gt;N-2" in page
    batch = RefundBatch.objects.get()
    said = {
        "channel_transaction_no": "微信订单号",
        "order_no": "商户订单号",
        "amount": "金额（元）",
    }
    refused = finance.post(f"/desk/imports/{batch.pk}/columns", said)
    assert refused.status_code == 422
    assert "aria-invalid" in refused.content.decode()
    said |= {"paid_at": "支付时间", "same.channel": "微信", "same.store": shop.merchant.stores.get().code}
    finance.post(f"/desk/imports/{batch.pk}/columns", said)
    importing.work(at=batch.filed_at)
    batches.work()
    # Its batch is still an import, also for whoever reads where they are.
    page = finance.get(f"/desk/batches/{batch.pk}").content.decode()
    assert set(re.findall(r'<a href="([^"]+)"[^>]*aria-current="page"', page)) == {"/desk/imports"}
    owner = as_staff(make_staff(shop.merchant, "owner"))
    before = Transaction.objects.count()
    owner.post(f"/desk/batches/{batch.pk}/confirm", {"window_minutes": "0", "skip_bad": "1"})
    batches.work()
    assert Transaction.objects.count() == before + 1
    assert f"/desk/imports/{batch.pk}/failed" in owner.get(f"/desk/batches/{batch.pk}").content.decode()
    back = table_files.read(owner.get(f"/desk/imports/{batch.pk}/failed").content)
    assert [list(cells)[1:] for _, cells in back.rows] == [["1.23E+17", "<b>N-2</b>", "1", "2026-11-20"]]
    assert table_files.read(owner.get(f"/desk/imports/{batch.pk}/failed?as=csv").getvalue()) == back


def test_file_that_is_no_table_is_refused_in_words_and_nothing_of_it_stays(shop: Shop, as_staff: SignIn) -> None:
    status, page = _offer(as_staff(make_staff(shop.merchant, "finance")), b"1,2\n3,4\n")
    assert status == 422
    assert 'role="alert"' in page
    assert not ImportFile.objects.exists()
