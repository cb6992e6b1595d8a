"""Batches and imports, at the desk."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from merchants.models import Role
from refunds.models import RefundBatch
from tests.walk.cases import case
from tests.walk.stage import Stage


@case("GET", "/desk/batches")
def batches(stage: Stage) -> None:
    assert stage.batch().name in stage.get(Role.FINANCE, "/desk/batches")


@case("GET", "/desk/batches/<int:batch_id>")
def batch(stage: Stage) -> None:
    found = stage.batch()
    assert "¥12.00" in stage.get(Role.FINANCE, f"/desk/batches/{found.pk}")


@case("POST", "/desk/batches/<int:batch_id>/confirm")
def confirm_batch(stage: Stage) -> None:
    found = stage.batch()
    stage.post(Role.OWNER, f"/desk/batches/{found.pk}/confirm", window_minutes="0")
    found.refresh_from_db()
    assert found.state == "confirmed"


@case("GET", "/desk/imports")
def imports(stage: Stage) -> None:
    assert stage.import_file().name in stage.get(Role.FINANCE, "/desk/imports")


@case("POST", "/desk/imports/add")
def import_add(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/imports/add", kind="sales", file=SimpleUploadedFile("w.csv", b"a,b\n1,2\n"))
    assert RefundBatch.objects.get().state == "mapping"


@case("GET", "/desk/imports/<int:batch_id>")
def import_columns(stage: Stage) -> None:
    assert "4.2E+27" in stage.get(Role.FINANCE, f"/desk/imports/{stage.import_file().pk}")


@case("POST", "/desk/imports/<int:batch_id>/columns")
def import_name_columns(stage: Stage) -> None:
    found = stage.import_file()
    columns = {"order_no": "order", "channel_transaction_no": "number", "amount": "paid", "paid_at": "at"}
    said: dict[str, Any] = {**columns, "same.channel": "wechat", "same.store": "S001"}
    stage.post(Role.FINANCE, f"/desk/imports/{found.pk}/columns", **said)
    found.refresh_from_db()
    assert found.state == "reading"


@case("GET", "/desk/imports/<int:batch_id>/failed")
def import_failed(stage: Stage) -> None:
    found = stage.import_file(read=True)
    assert "4.2E+27" in stage.get(Role.FINANCE, f"/desk/imports/{found.pk}/failed?as=csv")


@case("POST", "/desk/batches/<int:batch_id>/cancel")
def cancel_batch(stage: Stage) -> None:
    found = stage.batch()
    stage.post(Role.FINANCE, f"/desk/batches/{found.pk}/cancel")
    found.refresh_from_db()
    assert found.state == "cancelled"
