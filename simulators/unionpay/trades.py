"""Refunds and voids read into typed orders, and judged by the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from simulators.kit.book import SUCCESS, Row, extra_of
from simulators.kit.clock import china
from simulators.unionpay.codes import Refusal

KINDS = {"04": "refund", "31": "void", "32": "preauth_cancel"}
CUT_OFF = timedelta(hours=1)  # the clearing day ends at 23:00: an hour before midnight
_DAY_S = 86_400
_ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}\Z")
_TIME = re.compile(r"[0-9]{14}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A well-formed refund, void or pre-authorisation cancel."""

    kind: str
    order_id: str
    txn_time: str
    orig_query_id: str
    amount_fen: int
    back_url: str
    biz_type: str

    @property
    def key(self) -> str:
        """merId is always the same: order number and time make it unique."""
        return f"{self.order_id}|{self.txn_time}"


def read_order(parameters: Mapping[str, str]) -> Order:
    """Raises Refusal 10."""
    kind = KINDS.get(parameters["txnType"])
    if kind is None:
        raise Refusal("10", "txnType")
    order_id, txn_time = read_key(parameters)
    amount = parameters.get("txnAmt", "")
    if not re.fullmatch("[1-9][0-9]{0,11}", amount):
        raise Refusal("10", "txnAmt")
    if parameters.get("currencyCode", "156") != "156":
        raise Refusal("10", "currencyCode")
    for name in ("txnSubType", "bizType", "accessType", "channelType", "origQryId"):
        if not parameters.get(name):
            raise Refusal("10", name)
    back_url = parameters.get("backUrl", "")
    if back_url and not back_url.startswith(("http://", "https://")):
        raise Refusal("10", "backUrl")
    return Order(
        kind=kind,
        order_id=order_id,
        txn_time=txn_time,
        orig_query_id=parameters["origQryId"],
        amount_fen=int(amount),
        back_url=back_url,
        biz_type=parameters.get("bizType", ""),
    )


def read_key(parameters: Mapping[str, str]) -> tuple[str, str]:
    """orderId and txnTime. Raises Refusal 10."""
    order_id, txn_time = parameters.get("orderId", ""), parameters.get("txnTime", "")
    if not _ORDER_ID.match(order_id):
        raise Refusal("10", "orderId")
    try:
        if not _TIME.match(txn_time):
            raise Refusal("10", "txnTime")
        datetime.strptime(txn_time, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the form alone is checked
    except ValueError as error:
        raise Refusal("10", "txnTime") from error
    return order_id, txn_time


def check_rules(order: Order, payment: Row, *, now: float, limits: Mapping[str, float]) -> None:
    """The rules, by the simulator's clock. Raises Refusal."""
    hour = china(now).hour
    if not limits["open_from_hour"] <= hour < limits["open_to_hour"]:
        raise Refusal("39")
    pre_authorised = bool(extra_of(payment).get("preauth"))
    if payment["status"] != SUCCESS or pre_authorised != (order.kind == "preauth_cancel"):
        raise Refusal("35")
    left = payment["amount_fen"] - payment["refunded_fen"]
    if left <= 0 or (order.kind != "refund" and payment["refunded_fen"]):
        raise Refusal("45")
    if order.kind == "refund":
        if now - payment["paid_at"] > limits["window_days"] * _DAY_S:
            raise Refusal("35", "超过退货期限")
        if order.amount_fen > left:
            raise Refusal("36", "退货金额超过可退金额")
        return
    if order.amount_fen != payment["amount_fen"]:
        raise Refusal("36", "撤销金额必须等于原交易金额")
    if order.kind == "void" and clearing_date(now) != clearing_date(payment["paid_at"]):
        raise Refusal("35", "原交易已清算，不能撤销")


def clearing_date(timestamp: float) -> date:
    """The clearing day of an instant: from 23:00 to 23:00."""
    return (china(timestamp) + CUT_OFF).date()


def trace_no(row: Row) -> str:
    """Six digits."""
    return f"{row['number'] % 1_000_000:06d}"
