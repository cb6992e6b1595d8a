"""Goods that come back, at the desk."""

from __future__ import annotations

from merchants.models import Role
from tests import pictures
from tests.walk.cases import case
from tests.walk.stage import Stage, in_days

_REFUND = "/desk/refunds/<str:number>"


@case("POST", f"{_REFUND}/ask-goods")
def ask_goods(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "ask-goods", due_at=in_days(3), way="parcel", message="请带包装")
    assert (done.state, done.goods_returns.get().way) == ("waiting_goods", "parcel")


@case("POST", f"{_REFUND}/call-off")
def call_off_goods(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.asked_for_goods(), "call-off")
    assert done.goods_returns.get().state == "called_off"


@case("POST", f"{_REFUND}/send-goods")
def send_goods(stage: Stage) -> None:
    done = stage.act(Role.CASHIER, stage.asked_for_goods(), "send-goods", carrier="顺丰", parcel_no="SF12345")
    assert done.goods_returns.get().parcel_no == "SF12345"


@case("POST", f"{_REFUND}/receive-goods")
def receive_goods(stage: Stage) -> None:
    done = stage.act(Role.CASHIER, stage.asked_for_goods(), "receive-goods", carrier="", parcel_no="")
    assert done.goods_returns.get().state == "received"


@case("GET", f"{_REFUND}/inspect")
def inspect_page(stage: Stage) -> None:
    assert "What becomes of them" in stage.get(Role.REVIEWER, f"/desk/refunds/{stage.goods_here().number}/inspect")


@case("POST", f"{_REFUND}/inspect")
def inspect(stage: Stage) -> None:
    request = stage.goods_here()
    line = request.goods_returns.get().lines.get()
    form = {
        f"quantity-{line.pk}-0": "1",
        f"condition-{line.pk}-0": "used",
        f"disposition-{line.pk}-0": "restock",
        "proposed": "200.00",
        "finding": "有使用痕迹",
        "files": pictures.upload(),
    }
    done = stage.act(Role.REVIEWER, request, "inspect", **form)
    assert (done.state, done.goods_returns.get().proposed_fen, done.evidence.count()) == ("verifying", 20_000, 1)


@case("GET", f"{_REFUND}/return-slip")
def return_slip(stage: Stage) -> None:
    request = stage.goods_here()
    assert request.number in stage.get(Role.CASHIER, f"/desk/refunds/{request.number}/return-slip")


@case("POST", f"{_REFUND}/offer")
def offer(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.in_review(), "offer", kind="exchange", message="换一台")
    assert (done.state, done.offers.get().kind) == ("in_review", "exchange")


@case("POST", f"{_REFUND}/answer-offer")
def answer_offer(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.offered(), "answer-offer", accepted="1", new_order_no="B0001")
    assert (done.state, done.offers.get().new_order_no) == ("cancelled", "B0001")


@case("POST", f"{_REFUND}/name-order")
def name_order(stage: Stage) -> None:
    done = stage.act(Role.REVIEWER, stage.offered(taken=True), "name-order", new_order_no="B0001")
    assert done.offers.get().new_order_no == "B0001"
