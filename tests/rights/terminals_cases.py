"""Sales, payments and tills."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from merchants import rights
from merchants.principals import Kind, Principal
from merchants.rights import Act
from refunds import queries
from refunds.payouts import (
    contradictions,
    shifts,
    trade_queries,
)
from terminals import correcting, reporting, tills
from terminals.correcting import SaleCorrection
from terminals.reporting import ReportedSale
from terminals.tills import Heartbeat
from tests.rights.cases import Call, Domain, Page
from tests.rights.world import Who, World, sale_number


def _read_sale(world: World, by: Principal) -> object:
    rights.check_may(Act.READ_SALES, by=by)
    assert by.merchant_id is not None
    return queries.transaction_for(merchant_id=by.merchant_id, transaction_id=world.sale.pk, store_ids=by.stores)


def _report(world: World, by: Principal) -> object:
    sale = ReportedSale(
        order_no=sale_number(world),
        channel="cash",
        channel_transaction_no=sale_number(world),
        kind="sale",
        amount_fen=200_000,
        paid_at=timezone.now(),
        store=world.store.code,
        terminal="",
        cashier="",
        payer_phone="",
        card_last4="",
        funding="cash",
        lines=(),
    )
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.REPORT_SALE, by=by)  # a load writes by itself (terminals.bulk)
        return None
    return reporting.report_sale(sale=sale, by=by, at=timezone.now())


def _correct(world: World, by: Principal) -> object:
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.CORRECT_SALE, by=by)
        return None
    return correcting.correct_sale(
        transaction_id=world.sale.pk, correction=SaleCorrection(cashier="C9"), reason="x", by=by, at=timezone.now()
    )


def _end_hold(world: World, by: Principal) -> object:
    return contradictions.end_hold(
        transaction_id=world.held_sale.pk, finding="not_paid", note="x", by=by, at=timezone.now()
    )


def _sale(world: World, _who: Who) -> dict[str, Any]:
    at = timezone.now().isoformat()
    sent = {"order_no": "N1", "channel": "cash", "channel_transaction_no": "N1", "amount_fen": 9, "paid_at": at}
    return {**sent, "store": world.store.code}


DOMAIN: dict[Act, Domain] = {
    Act.REPORT_SALE: _report,
    Act.CORRECT_SALE: _correct,
    Act.END_HOLD: _end_hold,
    Act.READ_SALES: _read_sale,
    Act.ASK_CHANNEL: lambda world, by: trade_queries.ask_about_payment(
        transaction_id=world.sale.pk, by=by, at=timezone.now()
    ),
    Act.MANAGE_TILLS: lambda world, by: tills.register(
        store_id=world.store.pk, code="N1", name="", by=by, at=timezone.now()
    ),
    Act.REPORT_TILL: lambda world, by: tills.heartbeat(
        code="POS-01",
        store=world.store.code,
        said=Heartbeat(version="9", checks={}),
        by=by,
        at=timezone.now(),
    ),
    Act.RUN_SHIFT: lambda world, by: shifts.begin(
        terminal="POS-09", store=world.store.code, float_fen=0, by=by, at=timezone.now()
    ),
}

REST: list[Call] = [
    (Act.REPORT_SALE, "POST", "transactions", _sale),
    (Act.CORRECT_SALE, "POST", "transactions/{sale}/corrections", {"cashier": "C9", "reason": "x"}),
    (Act.END_HOLD, "POST", "transactions/{held_sale}/end-hold", {"finding": "not_paid", "note": "x"}),
    (Act.READ_SALES, "GET", "transactions/{sale}", None),
    (Act.ASK_CHANNEL, "POST", "transactions/{sale}/trade-queries", {}),
    (Act.REPORT_TILL, "POST", "terminals/POS-01/heartbeat", {"version": "9", "store": "H001"}),
    (Act.RUN_SHIFT, "POST", "shifts", {"terminal": "POS-09", "store": "H001", "float_fen": 0}),
    (Act.RUN_SHIFT, "GET", "shifts/{shift}", None),
]

DESK: list[Page] = [
    (Act.READ_SALES, "GET", "/desk/transactions/{sale}", {}),
    (Act.CORRECT_SALE, "POST", "/desk/transactions/{sale}/correct", {"cashier": "C9", "reason": "x", "seen": ""}),
    (Act.END_HOLD, "POST", "/desk/transactions/{held_sale}/end-hold", {"finding": "not_paid", "note": "x"}),
    (Act.ASK_CHANNEL, "POST", "/desk/transactions/{sale}/ask", {}),
    (Act.MANAGE_TILLS, "POST", "/desk/settings/terminals", {"code": "N1", "store": "{store}"}),
    (Act.RUN_SHIFT, "GET", "/desk/shifts/{shift}", {}),
    (Act.RUN_SHIFT, "POST", "/desk/shifts", {"terminal": "{till}", "float": "0"}),
]
