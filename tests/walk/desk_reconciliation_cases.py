"""Reconciliation, at the desk."""

from __future__ import annotations

from typing import Any

from merchants.models import Role
from reconciliation.models import Bill, Difference, FundStatement
from refunds.models import RefundRequest
from tests.reconciliation.world import DAY, counts
from tests.walk.cases import case
from tests.walk.stage import Stage

_DAY = "/desk/reconciliation/<str:account>/<day:day>"


@case("GET", "/desk/reconciliation")
def reconciliation(stage: Stage) -> None:
    stage.compared()
    assert DAY.isoformat() in stage.get(Role.FINANCE, "/desk/reconciliation")


@case("POST", "/desk/reconciliation/add")
def add_statement(stage: Stage) -> None:
    stage.moved_on_the_day()
    form: dict[str, Any] = {"account": stage.account.code, "date": DAY.isoformat(), "file": stage.statement()}
    answer = stage.post(Role.FINANCE, "/desk/reconciliation/add", **form)
    assert answer["Location"] == stage.day_path
    assert counts(stage.day) == {"matched": 1}


@case("GET", _DAY)
def day(stage: Stage) -> None:
    stage.compared(portal=True)
    assert "¥32.00" in stage.get(Role.FINANCE, stage.day_path)


@case("GET", f"{_DAY}.csv")
def day_csv(stage: Stage) -> None:
    stage.compared(portal=True)
    assert "PORTAL20260001" in stage.get(Role.FINANCE, f"{stage.day_path}.csv")


@case("POST", f"{_DAY}/upload")
def upload_statement(stage: Stage) -> None:
    stage.moved_on_the_day(portal=True)
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert counts(stage.day) == {"matched": 1, "channel_only": 1}
    # The same file again is no other version, a longer one is.
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert Bill.objects.count() == 1
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert (Bill.objects.count(), counts(stage.day)) == (2, {"matched": 2, "channel_only": 1})


@case("POST", f"{_DAY}/download")
def fetch_statement(stage: Stage) -> None:
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/download")
    assert counts(stage.day) == {"matched": 1}
    # The account's money beside it.
    assert FundStatement.objects.get().out_fen == 1_200
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/download")
    assert counts(stage.day) == {"matched": 2}


@case("POST", f"{_DAY}/close")
def close_day(stage: Stage) -> None:
    stage.compared()
    stage.post(Role.FINANCE, f"{stage.day_path}/close", confirmed="1")
    assert stage.day.state == "closed"


@case("POST", f"{_DAY}/reopen")
def reopen_day(stage: Stage) -> None:
    close_day(stage)
    stage.post(Role.FINANCE, f"{stage.day_path}/reopen", note="渠道补发账单")
    assert stage.day.state == "open"


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/resolve")
def resolve(stage: Stage) -> None:
    found = stage.difference()
    path = f"/desk/reconciliation/differences/{found.pk}/resolve"
    stage.post(Role.FINANCE, path, resolution="channel_error", note="已报渠道")
    assert Difference.objects.get(pk=found.pk).resolution == "channel_error"


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/assign")
def assign(stage: Stage) -> None:
    found = stage.difference()
    path = f"/desk/reconciliation/differences/{found.pk}/assign"
    stage.post(Role.FINANCE, path, owner=stage.person(Role.FINANCE).pk)
    assert Difference.objects.get(pk=found.pk).owner == stage.person(Role.FINANCE)


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/adopt")
def adopt(stage: Stage) -> None:
    found = stage.difference()
    stage.post(
        Role.FINANCE, f"/desk/reconciliation/differences/{found.pk}/adopt", note="店长在商户平台退的", confirmed="1"
    )
    assert RefundRequest.objects.get(reason="operator_error").refunded_fen == 2_000
