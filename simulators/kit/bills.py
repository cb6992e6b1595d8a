"""Rows of a bill: read from the book, so that bill and ledger agree, then spoiled where a fault says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from simulators.kit.book import Row, extra_of
from simulators.kit.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """One refund as a bill shows it. Amounts in fen, instants in Unix seconds."""

    refund_no: str
    channel_refund_no: str
    order_no: str
    transaction_no: str
    amount_fen: int
    paid_fen: int
    paid_at: float
    created_at: float
    final_at: float | None
    status: str
    kind: str
    payment: dict[str, object] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)


def refund_line(row: Row) -> RefundLine:
    """From a row of ``Book.refunds_between`` or ``Book.moved_between``."""
    return RefundLine(
        refund_no=row["refund_no"],
        channel_refund_no=row["channel_refund_no"],
        order_no=row["order_no"],
        transaction_no=row["transaction_no"],
        amount_fen=row["amount_fen"],
        paid_fen=row["paid_fen"],
        paid_at=row["paid_at"],
        created_at=row["created_at"],
        final_at=row["final_at"],
        status=row["status"],
        kind=row["kind"],
        payment=extra_of(row, "payment_extra"),
        extra=extra_of(row),
    )


@dataclass(slots=True)
class Spoiled:
    """What faults did to a bill, so that a test can compare it with what reconciliation found."""

    rows: list[dict[str, object]] = field(default_factory=list)


def spoil(
    lines: Iterable[RefundLine], faults: Sequence[Fault], spoiled: Spoiled, *, reversal: str = ""
) -> list[RefundLine]:
    """The lines as the faults leave them. Different faults touch different lines; ``reversal`` is a reversed payment's kind."""
    result = list(lines)
    touched: set[str] = set()
    for fault in faults:
        count = int(fault.number("count", 1))
        if fault.fault == "row_extra":
            models = [line for line in result if line.refund_no not in touched] or result
            extras = [_extra(models, number) for number in range(count)] if models else []
            touched.update(line.refund_no for line in extras)
            for line in extras:
                spoiled.rows.append(_entry(fault, line))
            result += extras
        elif fault.fault == "reversed":
            extras = [_reversed(line, number, reversal) for number, line in enumerate(result[:count])]
            spoiled.rows += [_entry(fault, line) for line in extras]
            result += extras
        elif fault.fault in {"row_missing", "amount_off"}:
            chosen = _choose(result, fault, count, touched)
            touched.update(chosen)
            spoiled.rows += [_entry(fault, line) for line in result if line.refund_no in chosen]
            if fault.fault == "row_missing":
                result = [line for line in result if line.refund_no not in chosen]
            else:
                result = [
                    replace(line, amount_fen=line.amount_fen + 1) if line.refund_no in chosen else line
                    for line in result
                ]
    return result


def _choose(lines: Sequence[RefundLine], fault: Fault, count: int, touched: set[str]) -> set[str]:
    """Lines of the fault's order, or ``count`` lines spread over the bill."""
    free = [line.refund_no for line in lines if line.refund_no not in touched]
    if fault.order_no:
        named = {line.refund_no for line in lines if fault.order_no in (line.order_no, line.refund_no)}
        return {number for number in free if number in named}
    step = max(1, len(free) // max(1, count))
    return set(free[::step][:count])


def _extra(lines: Sequence[RefundLine], number: int) -> RefundLine:
    model = lines[number % len(lines)]
    return replace(
        model,
        refund_no=f"X{number}{model.refund_no}"[:64],
        channel_refund_no=f"9{number}{model.channel_refund_no[2:]}",
    )


def _reversed(model: RefundLine, number: int, kind: str) -> RefundLine:
    """A payment that the till took back at once; the book knows neither."""
    return replace(
        model,
        kind=kind,
        refund_no=f"V{number}{model.refund_no}"[:32],
        channel_refund_no=f"8{number}{model.channel_refund_no[2:]}",
        order_no=f"V{number}{model.order_no}"[:32],
        transaction_no=f"8{number}{model.transaction_no[2:]}",
        amount_fen=1_800,
        paid_fen=1_800,
    )


def _entry(fault: Fault, line: RefundLine) -> dict[str, object]:
    return {"fault": fault.fault, "refund_no": line.refund_no, "order_no": line.order_no, "amount_fen": line.amount_fen}


#: What a merchant may have called its shop or goods.
ODD_NAME, BROKEN_NAME = "老王,`川味`小馆,`一店", "老王川味小馆\n一店"
#: What stands where an amount should.
NO_AMOUNT = "待定"
LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>login</title></head><body>\xe8\xaf\xb7\xe7\x99\xbb\xe5\xbd\x95</body></html>"
)
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def full_width(name: str) -> str:
    """A column's name as an input method in full-width mode writes it."""
    return f"{name.translate(_FULL_WIDTH)}　"


def named(usual: object, forms: Collection[str]) -> object:
    """A shop's or an article's name."""
    return ODD_NAME if "odd_names" in forms else BROKEN_NAME if "line_break" in forms else usual


def discounts(amount_fen: int, forms: Collection[str]) -> tuple[int, int]:
    """What merchant and platform gave of an amount, in fen."""
    return (amount_fen // 10, amount_fen // 20) if "coupons" in forms else (0, 0)


def fee_text(amount_fen: int, forms: Collection[str]) -> str:
    """The fee at 0.60% in yuan with five decimals: rounded to fen, or as it is reckoned."""
    sign, amount_fen = ("-", -amount_fen) if amount_fen < 0 else ("", amount_fen)
    fine = amount_fen * 6 if "fine_fees" in forms else (amount_fen * 60 + 5_000) // 10_000 * 1_000
    return f"{sign}{fine // 100_000}.{fine % 100_000:05d}"


def spoiled_file(content: bytes, forms: Collection[str]) -> bytes:
    """What is downloaded instead."""
    return LOGIN_PAGE if "login_page" in forms else b"" if "empty_file" in forms else content


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals, e.g. ``-12.05``."""
    sign, rest = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{rest // 100}.{rest % 100:02d}"
