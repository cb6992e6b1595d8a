"""The settlement file: fixed width, GBK, in a ZIP, deflated, base64. Field numbers as in the vendor's table."""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from simulators.kit.bills import NO_AMOUNT, RefundLine, refund_line, spoil
from simulators.kit.book import Row, extra_of
from simulators.kit.clock import china, day_start
from simulators.kit.faults import Fault
from simulators.unionpay.codes import Refusal
from simulators.unionpay.trades import KINDS

if TYPE_CHECKING:
    from simulators.unionpay.simulator import UnionpaySimulator

WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13,
    8, 32, 13, 13, 12, 2, 1, 131,
)  # fmt: skip
READY_S = (24 + 9) * 3600
KEPT_DAYS = 90
_TYPES = {kind: code for code, kind in KINDS.items()}


def settlement_file(simulator: UnionpaySimulator, parameters: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """fileName and fileContent of a clearing day. Raises Refusal."""
    if parameters.get("fileType") != "00" or parameters.get("txnSubType") != "01":
        raise Refusal("10", "fileType")
    day = _asked_day(parameters.get("settleDate", ""), today=simulator.clock.now().date())
    names = {fault.fault for fault in faults}
    if "creating" in names:
        raise Refusal("06", "对账文件尚未生成")
    now = simulator.clock.timestamp()
    if "no_statement" in names or not 0 <= now - day_start(day) - READY_S < KEPT_DAYS * 86_400:
        raise Refusal("98")
    mer_id = simulator.keys.mer_id
    lines = _lines(simulator, day, faults)
    if not lines:
        raise Refusal("98")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"INN{day:%y%m%d}88ZM_{mer_id}", b"".join(lines))
        archive.writestr(f"INN{day:%y%m%d}88ZME_{mer_id}", b"")  # disputes: none
    content = zlib.compress(packed.getvalue())
    if "corrupt" in names:
        content = content[: len(content) // 2]
    return {"fileName": f"{mer_id}_{day:%Y%m%d}.zip", "fileContent": base64.b64encode(content).decode()}


def _asked_day(text: str, *, today: date) -> date:
    """MMDD: the latest such day that is not after today."""
    if not re.fullmatch("[0-9]{4}", text):
        raise Refusal("10", "settleDate")
    for year in (today.year, today.year - 1):
        try:
            day = date(year, int(text[:2]), int(text[2:]))
        except ValueError:
            continue
        if day <= today:
            return day
    raise Refusal("10", "settleDate")


def _lines(simulator: UnionpaySimulator, day: date, faults: list[Fault]) -> list[bytes]:
    end = day_start(day) + 23 * 3600
    start = end - timedelta(days=1).total_seconds()
    mer_id, book = simulator.keys.mer_id, simulator.book
    moved = (refund_line(row) for row in book.moved_between(start, end) if row["kind"] != "preauth_cancel")
    refunds = spoil(moved, faults, simulator.spoiled, reversal="void")
    payments = [row for row in book.payments_between(start, end) if not extra_of(row).get("preauth")]
    lines = [_payment_line(row, mer_id) for row in payments] + [_refund_line(line, mer_id) for line in refunds]
    forms = {fault.fault for fault in faults}
    if "odd_row" in forms and lines:
        start = sum(WIDTHS[:6]) + 6  # field 7, the amount
        lines.append(lines[-1][:start] + NO_AMOUNT.encode("gbk").ljust(WIDTHS[6]) + lines[-1][start + WIDTHS[6] :])
    return [line[:-2] + b" 00000001 00\r\n" for line in lines] if "extra_columns" in forms else lines


def fee_fen(amount_fen: int) -> int:
    """The fee at 0.60%, commercially rounded to fen; returned with a refund."""
    return (amount_fen * 60 + 5_000) // 10_000


def _payment_line(row: Row, mer_id: str) -> bytes:
    extra, amount_fen = extra_of(row), int(row["amount_fen"])
    fee = fee_fen(amount_fen)
    fields = {
        1: "S22",
        5: f"{china(row['paid_at']):%m%d%H%M%S}",
        6: str(extra.get("card_no") or "622202******0123"),
        7: f"{amount_fen:012d}",
        10: row["transaction_no"],
        12: row["order_no"],
        16: _signed(-fee),
        17: _signed(amount_fen - fee),
        20: "01",
        33: _signed(amount_fen - fee),
        34: str(extra.get("terminal_id") or "")[:8],
    }
    return _line(fields, mer_id)


def _refund_line(line: RefundLine, mer_id: str) -> bytes:
    fee = fee_fen(line.amount_fen)
    fields = {
        1: "S30" if line.kind == "refund" else "S31",
        5: f"{china(line.created_at):%m%d%H%M%S}",
        6: str(line.payment.get("card_no") or "622202******0123"),
        7: f"{line.amount_fen:012d}",
        10: line.channel_refund_no,
        12: line.refund_no,
        15: f"{china(line.paid_at):%m%d%H%M%S}",
        16: _signed(fee),
        17: _signed(fee - line.amount_fen),
        20: _TYPES[line.kind],
        27: line.transaction_no,
        33: _signed(fee - line.amount_fen),
        34: str(line.payment.get("terminal_id") or "")[:8],
    }
    return _line(fields, mer_id)


def _signed(fen: int) -> str:
    """C (to the merchant's credit) or D, and twelve digits."""
    return f"{'C' if fen >= 0 else 'D'}{abs(fen):012d}"


def _line(fields: Mapping[int, str], mer_id: str) -> bytes:
    """Left-aligned fields of fixed width in bytes of GBK, a blank between them."""
    filled = {
        2: "48020000",
        3: "00010000",
        4: "000000",
        8: "5812",
        13: "01",
        21: "00",
        22: "000201",
        28: mer_id,
        **fields,
    }
    cells = []
    for number, width in enumerate(WIDTHS, start=1):
        cells.append(filled.get(number, "").encode("gbk", "replace")[:width].ljust(width))
    return b" ".join(cells) + b"\r\n"
