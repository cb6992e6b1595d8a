"""Each statement that a stand-in can make, downloaded and read by the adapter: what it says is what the ledger says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from payment_channels.clock import BEIJING
from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillNotes,
    BillRow,
    BillRowKind,
    BillTotals,
    BillUnavailable,
    RefundOrder,
    Refused,
    Trade,
    TradeQueries,
    TradeReference,
    TradeState,
)
from simulators.kit import common_faults
from simulators.kit.bills import NO_AMOUNT
from tests.contracts.rigs import PAID_FEN, RIGS, Rig
from tests.contracts.test_every_fault import CATALOGUES, RigOf, drive, faults_of
from tests.simulators.wechat_client import Merchant

#: The certificates' rig reads the same files as the other of its channel.
CHANNELS = ("wechat", "alipay", "unionpay")
_WRONG_ROWS = {"row_missing", "row_extra", "amount_off"}
_REFUSED = {"creating", "no_statement", "truncated", "error", "wrong_hash", "expired", "corrupt", "bad_signature"}
_REFUSED |= {"login_page", "empty_file"}


@dataclass(frozen=True, slots=True)
class Read:
    """What the adapter made of a statement."""

    rows: list[BillRow]
    notes: BillNotes
    declared: BillTotals | None


def _bill_day(rig: Rig) -> date:
    """The day whose bill lists what moves now: UnionPay's ends at 23:00."""
    now = rig.now().astimezone(BEIJING)
    return (now + timedelta(hours=1)).date() if rig.name == "unionpay" else now.date()


def _read(rig: Rig, kind: BillKind, *faults: str, order_no: str = "") -> Read:
    """The statement of today as it can be had tomorrow."""
    day = _bill_day(rig)
    rig.let_pass(timedelta(days=1, hours=14))
    try:
        for fault in faults:
            rig.fault("bill", fault, order_no=order_no)
        with rig.channel.download_bill(day=day, kind=kind) as bill:
            rows = list(bill)
            return Read(rows, bill.notes, bill.declared())
    finally:
        rig.let_pass(timedelta())


@pytest.fixture
def refunded(rigs: RigOf) -> Callable[[str], tuple[Rig, RefundOrder]]:
    """A rig of which one more sale is refunded. A sale beside it is: no fault leaves the day without a row."""

    def refund(name: str) -> tuple[Rig, RefundOrder]:
        rig = rigs(name)
        other, order = rig.sale(amount_fen=1100), rig.sale()
        for sale in (other, order):
            drive(rig, sale, rig.channel.refund(sale))
        return rig, order

    return refund


Refunded = Callable[[str], tuple[Rig, RefundOrder]]


def _of(order: RefundOrder, read: Read) -> list[tuple[str, int]]:
    return [
        (row.refund_no, row.amount_fen)
        for row in read.rows
        if order.refund_no in (row.refund_no, row.channel_refund_no)
    ]


def _assert_adds_up(read: Read) -> None:
    """The statement's own totals are those of its rows; UnionPay's has none."""
    if read.declared is None:
        return
    back = [row.amount_fen for row in read.rows if row.kind in (BillRowKind.REFUND, BillRowKind.VOID)]
    assert read.declared.refunds_fen == sum(back)


@pytest.mark.parametrize(("name", "fault"), [*((name, "none") for name in RIGS), *faults_of("bill")])
def test_refunds_of_a_day_are_read_or_the_statement_is_refused(refunded: Refunded, name: str, fault: str) -> None:
    rig, order = refunded(name)

    try:
        read = _read(rig, BillKind.REFUNDS, *([fault] if fault != "none" else []), order_no=order.order_no)
    except (BillUnavailable, BillCorrupt):
        assert fault in _REFUSED
        return

    assert fault not in _REFUSED
    agrees = _of(order, read) == [(order.refund_no, order.amount_fen)]
    assert agrees is (fault not in {"row_missing", "amount_off"})
    if fault not in {*_WRONG_ROWS, "odd_row"} and rig.simulator_name != "alipay":
        assert read.notes.odd_count == 0
    if fault != "odd_row":
        _assert_adds_up(read)


_FORMS = [
    (name, form)
    for name in CHANNELS
    for form in CATALOGUES[name]["bill"]
    if form not in {*common_faults.BILL, *_REFUSED, "net_of_fee"} or form in {"extra_columns", "odd_row"}
]


@pytest.mark.parametrize(("name", "form"), _FORMS)
def test_all_trades_of_a_day_are_read_in_every_form_and_only_the_odd_row_is_set_aside(
    refunded: Refunded, name: str, form: str
) -> None:
    rig, order = refunded(name)
    usual = _read(rig, BillKind.TRADES)

    read = _read(rig, BillKind.TRADES, form)

    assert _of(order, read) == [(order.refund_no, order.amount_fen)]
    assert read.notes.odd_count == (form == "odd_row")
    reversals = 1 if form == "reversed" else 0
    assert len(read.rows) == len(usual.rows) + reversals
    amounts = [(row.kind, row.amount_fen) for row in read.rows if row.kind is not BillRowKind.VOID]
    assert amounts == [(row.kind, row.amount_fen) for row in usual.rows if row.kind is not BillRowKind.VOID]
    if read.declared is not None:
        assert read.declared.rows == len(read.rows) + read.notes.odd_count
        _assert_adds_up(read)


@pytest.mark.parametrize("name", CHANNELS)
def test_row_whose_amount_cannot_be_read_is_set_aside_with_line_and_words(refunded: Refunded, name: str) -> None:
    rig, _ = refunded(name)

    (odd,) = _read(rig, BillKind.TRADES, "odd_row").notes.odd

    assert (odd.why, odd.amount_fen) == ("row_amount", None)
    assert odd.line > 1
    assert NO_AMOUNT in odd.text


@pytest.mark.parametrize("name", ["wechat", "unionpay"])
def test_reversal_at_the_channel_is_a_void_and_no_refund_of_ours(refunded: Refunded, name: str) -> None:
    rig, _ = refunded(name)
    before = [row for row in _read(rig, BillKind.REFUNDS).rows if row.kind is BillRowKind.VOID]

    read = _read(rig, BillKind.REFUNDS, "reversed")

    (found,) = [row for row in read.rows if row.kind is BillRowKind.VOID and row not in before]
    assert found.amount_fen == 1_800
    assert found.succeeded_at is not None
    if name == "wechat":
        assert (found.refund_no, found.channel_refund_no, found.state) == ("", "", "REVOKED")
    _assert_adds_up(read)


def test_sale_reversed_at_the_till_is_a_void_in_the_statement_and_reversed_to_a_query(refunded: Refunded) -> None:
    rig, _ = refunded("wechat")
    sale = rig.sale()
    till = Merchant(rig.simulator.account)
    path = f"/v3/pay/transactions/out-trade-no/{sale.order_no}/reverse"

    assert till.send("POST", path, {"mchid": rig.simulator.account["mchid"]}).status == 204

    read = _read(rig, BillKind.REFUNDS)
    (row,) = [row for row in read.rows if row.order_no == sale.order_no]
    assert (row.kind, row.refund_no, row.amount_fen) == (BillRowKind.VOID, "", PAID_FEN)
    assert isinstance(rig.channel, TradeQueries)
    trade = rig.channel.query_trade(
        TradeReference(channel_transaction_no=sale.channel_transaction_no, order_no=sale.order_no)
    )
    assert isinstance(trade, Trade)
    assert (trade.state, trade.amount_fen) == (TradeState.REVERSED, PAID_FEN)
    outcome = drive(rig, sale, rig.channel.refund(sale))
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize("name", ["wechat", "alipay"])
def test_fees_finer_than_a_fen_sum_up_to_the_fen(refunded: Refunded, name: str) -> None:
    rig, _ = refunded(name)

    rows = _read(rig, BillKind.TRADES, "fine_fees").rows

    # What was reversed brings no fee back.
    share = {BillRowKind.PAYMENT: 6, BillRowKind.REFUND: -6}
    millifen = sum(row.amount_fen * share.get(row.kind, 0) for row in rows)
    fees = [row.fee_fen for row in rows]
    assert None not in fees
    # Alipay's refunds and payments are rounded each on its own side of zero.
    assert abs(sum(fee or 0 for fee in fees) * 1_000 - millifen) <= (500 if name == "wechat" else 1_000)


def test_fund_flow_net_of_the_fee_says_what_was_refunded_and_what_came_back(refunded: Refunded) -> None:
    rig, order = refunded("wechat")

    read = _read(rig, BillKind.FUNDS, "net_of_fee")

    (row,) = [row for row in read.rows if row.refund_no == order.refund_no]
    assert (row.kind, row.amount_fen, row.fee_fen) == (BillRowKind.REFUND, order.amount_fen, -7)
    assert read.notes.odd_count == 0
    assert read.declared is not None
    paid_out = [row.amount_fen + (row.fee_fen or 0) for row in read.rows if row.state == "支出"]
    assert read.declared.refunds_fen == sum(paid_out)


@pytest.mark.parametrize("form", ["full_width", "extra_columns"])
def test_fund_flow_is_read_when_its_columns_are_odd(refunded: Refunded, form: str) -> None:
    rig, order = refunded("wechat")

    read = _read(rig, BillKind.FUNDS, form)

    assert _of(order, read) == [(order.refund_no, order.amount_fen)]
    assert read.notes.odd_count == 0
