"""Goods that come back, and exchanges."""

from __future__ import annotations

from merchants.rights import Act
from refunds.goods import inspection, offers, returns
from refunds.goods.inspection import Found
from tests.rights.cases import Call, Domain, Page, of_link, on

DOMAIN: dict[Act, Domain] = {
    Act.ASK_GOODS: on("waiting", returns.ask),
    Act.SEND_GOODS: of_link("goods_awaited", returns.send, carrier="SF", parcel_no="SF12345"),
    Act.RECEIVE_GOODS: on("goods_awaited", returns.receive),
    Act.INSPECT_GOODS: on(
        "goods_here", inspection.inspect, found=[Found(quantity=1, condition="used", disposition="restock")]
    ),
    Act.OFFER_EXCHANGE: on("waiting", offers.offer, kind="exchange", message="?"),
    Act.ANSWER_OFFER: of_link("offered", offers.answer, accepted=False),
}

REST: list[Call] = [
    (Act.ASK_GOODS, "POST", "refund-requests/{waiting}/goods-return", {"version": 3}),
    (
        Act.SEND_GOODS,
        "POST",
        "refund-requests/{goods_awaited}/goods-return/parcel",
        {"carrier": "SF", "parcel_no": "SF12345"},
    ),
    (Act.RECEIVE_GOODS, "POST", "refund-requests/{goods_awaited}/received", {}),
    (
        Act.INSPECT_GOODS,
        "POST",
        "refund-requests/{goods_here}/inspection",
        {"found": [{"quantity": 1, "condition": "used", "disposition": "restock"}]},
    ),
    (Act.OFFER_EXCHANGE, "POST", "refund-requests/{waiting}/exchange-offer", {"version": 3, "kind": "exchange"}),
    (Act.ANSWER_OFFER, "POST", "refund-requests/{offered}/exchange-answer", {"accepted": False}),
]

DESK: list[Page] = [
    (Act.ASK_GOODS, "POST", "/desk/refunds/{waiting}/ask-goods", {"version": "3"}),
    (
        Act.SEND_GOODS,
        "POST",
        "/desk/refunds/{goods_awaited}/send-goods",
        {"carrier": "SF", "parcel_no": "SF12345"},
    ),
    (Act.RECEIVE_GOODS, "POST", "/desk/refunds/{goods_awaited}/receive-goods", {}),
    (Act.INSPECT_GOODS, "GET", "/desk/refunds/{goods_here}/inspect", {}),
    (Act.OFFER_EXCHANGE, "POST", "/desk/refunds/{waiting}/offer", {"version": "3", "kind": "exchange"}),
    (Act.ANSWER_OFFER, "POST", "/desk/refunds/{offered}/answer-offer", {"accepted": "0"}),
]
