"""What a channel knows: payments, refunds, and the ledger of money that actually moved.

The ledger is the oracle against which double and lost refunds are judged: a row is written when the money moves,
never before, and its key is unique.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from simulators.kit.clock import Clock, china, rfc3339
from simulators.kit.reading import MAX_FEN, BadOrder, instant, text, whole
from simulators.kit.store import Store

Row = sqlite3.Row

PROCESSING, SUCCESS, ABNORMAL, CLOSED = "PROCESSING", "SUCCESS", "ABNORMAL", "CLOSED"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS payments (
        order_no TEXT PRIMARY KEY, transaction_no TEXT NOT NULL UNIQUE, amount_fen INTEGER NOT NULL,
        paid_at REAL NOT NULL, status TEXT NOT NULL DEFAULT 'SUCCESS', refunded_fen INTEGER NOT NULL DEFAULT 0,
        refund_count INTEGER NOT NULL DEFAULT 0, last_refund_at REAL, extra TEXT NOT NULL DEFAULT '{}')""",
    "CREATE INDEX IF NOT EXISTS payments_by_day ON payments (paid_at)",
    """CREATE TABLE IF NOT EXISTS refunds (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, refund_no TEXT NOT NULL,
        channel_refund_no TEXT NOT NULL UNIQUE, order_no TEXT NOT NULL, transaction_no TEXT NOT NULL,
        amount_fen INTEGER NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, outcome TEXT NOT NULL,
        created_at REAL NOT NULL, settle_at REAL, final_at REAL, fingerprint TEXT NOT NULL,
        notify_url TEXT NOT NULL, extra TEXT NOT NULL DEFAULT '{}')""",
    "CREATE INDEX IF NOT EXISTS refunds_by_number ON refunds (refund_no)",
    "CREATE INDEX IF NOT EXISTS refunds_by_order ON refunds (order_no)",
    "CREATE INDEX IF NOT EXISTS refunds_by_day ON refunds (created_at)",
    "CREATE INDEX IF NOT EXISTS refunds_unsettled ON refunds (settle_at) WHERE status = 'PROCESSING'",
    """CREATE TABLE IF NOT EXISTS ledger (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, refund_no TEXT NOT NULL, channel_refund_no TEXT NOT NULL,
        order_no TEXT NOT NULL, transaction_no TEXT NOT NULL, amount_fen INTEGER NOT NULL, kind TEXT NOT NULL,
        moved_at REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ledger_by_refund ON ledger (refund_no)",
    "CREATE INDEX IF NOT EXISTS ledger_by_day ON ledger (moved_at)",
)


#: Payments that nobody has made (yet): no bill has them.
UNPAID = ("WAIT_BUYER_PAY", "USERPAYING", "PAYERROR")
#: States of a payment that can be seeded; the last three are Alipay's, USERPAYING and PAYERROR are WeChat Pay's.
PAYMENT_STATES = (SUCCESS, CLOSED, *UNPAID, "REVOKED", "TRADE_SUCCESS", "TRADE_CLOSED", "TRADE_FINISHED")


class BadSeed(BadOrder):
    """A payment that cannot be seeded; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A refund that the channel takes on.

    ``outcome`` is what it will become; ``settle_at`` (Unix seconds by the simulator's clock) is when, None for never.
    """

    key: str
    refund_no: str
    order_no: str
    transaction_no: str
    amount_fen: int
    outcome: str
    settle_at: float | None
    fingerprint: str
    notify_url: str = ""
    kind: str = "refund"
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRefund:
    """A refund that was paid before the book was begun; ``moved_at`` in Unix seconds."""

    key: str
    refund_no: str
    channel_refund_no: str
    order_no: str
    amount_fen: int
    kind: str
    moved_at: float


class Book:
    """Payments, refunds and the ledger in one store. Amounts in fen, instants in Unix seconds."""

    def __init__(self, *, store: Store, clock: Clock, prefix: str, digits: int = 16) -> None:
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._digits = digits
        found = store.row("SELECT coalesce(max(number), 0) AS last FROM refunds")
        self._last = int(found["last"]) if found is not None else 0

    # Payments

    def add_payments(self, payments: Sequence[Mapping[str, object]]) -> int:
        """Seed payments; the same order again replaces amount and day. All or none. Raises BadSeed."""
        rows = [self._payment_row(payment, position) for position, payment in enumerate(payments)]
        try:
            self._store.write_many(
                """INSERT INTO payments (order_no, transaction_no, amount_fen, paid_at, status, extra)
                VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (order_no) DO UPDATE SET transaction_no = excluded.transaction_no,
                amount_fen = excluded.amount_fen, paid_at = excluded.paid_at, status = excluded.status,
                extra = excluded.extra""",
                rows,
            )
        except sqlite3.IntegrityError as error:
            raise BadSeed(f"a transaction_no belongs to another order already ({error})") from error
        return len(rows)

    def add_past(self, refunds: Sequence[PastRefund]) -> int:
        """Enter refunds that were paid before this book was begun, with their money. All or none; known ones stay.

        Raises BadSeed for a number that another refund has.
        """
        rows = []
        for refund in refunds:
            self._last += 1
            rows.append((self._last, refund))
        try:
            self._store.write_many(
                """INSERT INTO refunds (number, key, refund_no, channel_refund_no, order_no, transaction_no, amount_fen,
                    kind, status, outcome, created_at, final_at, fingerprint, notify_url)
                SELECT ?, ?, ?, ?, order_no, transaction_no, ?, ?, 'SUCCESS', 'SUCCESS', ?, ?, 'past', ''
                FROM payments WHERE order_no = ? ON CONFLICT (key) DO NOTHING""",
                [
                    (
                        *(number, past.key, past.refund_no, past.channel_refund_no, past.amount_fen, past.kind),
                        *(past.moved_at, past.moved_at, past.order_no),
                    )
                    for number, past in rows
                ],
            )
        except sqlite3.IntegrityError as error:
            raise BadSeed(f"a number belongs to another refund already ({error})") from error
        self._store.write_many(
            """INSERT INTO ledger (key, refund_no, channel_refund_no, order_no, transaction_no, amount_fen, kind, moved_at)
            SELECT key, refund_no, channel_refund_no, order_no, transaction_no, amount_fen, kind, final_at
            FROM refunds WHERE key = ? ON CONFLICT (key) DO NOTHING""",
            [(past.key,) for past in refunds],
        )
        self._store.write_many(
            """UPDATE payments SET (refunded_fen, refund_count, last_refund_at) =
                (SELECT sum(amount_fen), count(*), max(created_at) FROM refunds
                  WHERE refunds.order_no = payments.order_no AND status <> 'CLOSED')
            WHERE order_no = ? AND EXISTS (SELECT 1 FROM refunds WHERE refunds.order_no = payments.order_no)""",
            [(past.order_no,) for past in refunds],
        )
        return len(refunds)

    def payment(self, *, order_no: str = "", transaction_no: str = "") -> Row | None:
        """The payment by the channel's number, else by the shop's."""
        if transaction_no:
            return self._store.row("SELECT * FROM payments WHERE transaction_no = ?", (transaction_no,))
        return self._store.row("SELECT * FROM payments WHERE order_no = ?", (order_no,))

    def payments_between(self, start: float, end: float) -> Iterable[Row]:
        """Payments of a span, oldest first."""
        return self._store.each(
            """SELECT * FROM payments WHERE paid_at >= ? AND paid_at < ?
            AND status NOT IN ('CLOSED', 'WAIT_BUYER_PAY', 'USERPAYING', 'PAYERROR') ORDER BY paid_at, order_no""",
            (start, end),
        )

    def set_payment_status(self, *, order_no: str, status: str) -> None:
        """Record what became of a payment."""
        self._store.write("UPDATE payments SET status = ? WHERE order_no = ?", (status, order_no))

    # Refunds

    def refund(self, key: str) -> Row | None:
        """The refund under its unique key."""
        return self._store.row("SELECT * FROM refunds WHERE key = ?", (key,))

    def refund_by_channel_no(self, channel_refund_no: str) -> Row | None:
        """The refund under the channel's own number."""
        return self._store.row("SELECT * FROM refunds WHERE channel_refund_no = ?", (channel_refund_no,))

    def refunds_of_order(self, order_no: str) -> list[Row]:
        """Every refund of one payment, oldest first."""
        return self._store.rows("SELECT * FROM refunds WHERE order_no = ? ORDER BY number", (order_no,))

    def refunds_between(self, start: float, end: float) -> Iterable[Row]:
        """Refunds accepted in a span, oldest first, each with its payment (``paid_fen``, ``payment_extra``)."""
        return self._store.each(
            """SELECT refunds.*, payments.amount_fen AS paid_fen, payments.paid_at AS paid_at,
                payments.extra AS payment_extra
            FROM refunds JOIN payments USING (order_no)
            WHERE refunds.created_at >= ? AND refunds.created_at < ? ORDER BY refunds.number""",
            (start, end),
        )

    def closed_between(self, start: float, end: float) -> Iterable[Row]:
        """Refunds that were closed in a span."""
        return self._store.each(
            "SELECT * FROM refunds WHERE status = 'CLOSED' AND final_at >= ? AND final_at < ?", (start, end)
        )

    def moved_between(self, start: float, end: float) -> Iterable[Row]:
        """Refunds whose money moved in a span, in that order, with their payments' figures as ``refunds_between``."""
        return self._store.each(
            """SELECT refunds.*, payments.amount_fen AS paid_fen, payments.paid_at AS paid_at,
                payments.extra AS payment_extra
            FROM ledger JOIN refunds USING (key) JOIN payments ON payments.order_no = refunds.order_no
            WHERE ledger.moved_at >= ? AND ledger.moved_at < ? ORDER BY ledger.number""",
            (start, end),
        )

    def accept(self, refund: Accepted) -> Row:
        """Take a refund on and count it against its payment. The caller has checked the rules."""
        now = self._clock.timestamp()
        self._last += 1
        extra = dict(refund.extra)
        payment = self.payment(order_no=refund.order_no)
        if payment is not None and "payer_fen" in extra_of(payment):
            paid_fen, before_fen = int(str(extra_of(payment)["payer_fen"])), payment["refunded_fen"]
            after_fen = before_fen + refund.amount_fen
            extra["payer_fen"] = (
                after_fen * paid_fen // payment["amount_fen"] - before_fen * paid_fen // payment["amount_fen"]
            )
        channel_refund_no = f"{self._prefix}{china(now):%Y%m%d}{self._last:0{self._digits}d}"
        self._store.write(
            """INSERT INTO refunds (number, key, refund_no, channel_refund_no, order_no, transaction_no, amount_fen,
                kind, status, outcome, created_at, settle_at, fingerprint, notify_url, extra)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?, ?, ?, ?, ?)""",
            (
                self._last,
                refund.key,
                refund.refund_no,
                channel_refund_no,
                refund.order_no,
                refund.transaction_no,
                refund.amount_fen,
                refund.kind,
                refund.outcome,
                now,
                refund.settle_at,
                refund.fingerprint,
                refund.notify_url,
                json.dumps(extra, ensure_ascii=False),
            ),
        )
        self._store.write(
            """UPDATE payments SET refunded_fen = refunded_fen + ?, refund_count = refund_count + 1, last_refund_at = ?
            WHERE order_no = ?""",
            (refund.amount_fen, now, refund.order_no),
        )
        return cast(Row, self.refund(refund.key))

    def change_outcome(self, *, key: str, outcome: str, settle_at: float | None, extra: Mapping[str, object]) -> None:
        """Put a refund back to PROCESSING with another end in sight."""
        self._store.write(
            "UPDATE refunds SET status = 'PROCESSING', outcome = ?, settle_at = ?, extra = ? WHERE key = ?",
            (outcome, settle_at, json.dumps(extra, ensure_ascii=False), key),
        )

    def count_again(self, refund: Row) -> None:
        """Count a refund that had been closed against its payment once more."""
        self._store.write(
            "UPDATE payments SET refunded_fen = refunded_fen + ?, last_refund_at = ? WHERE order_no = ?",
            (refund["amount_fen"], self._clock.timestamp(), refund["order_no"]),
        )

    def settle(self, key: str) -> Row | None:
        """Let a processing refund reach its outcome; a success moves the money, once. None if it is not."""
        refund = self.refund(key)
        if refund is None or refund["status"] != PROCESSING:
            return None
        now = self._clock.timestamp()
        self._store.write(
            "UPDATE refunds SET status = outcome, final_at = ?, settle_at = NULL WHERE key = ?",
            (now, key),
        )
        if refund["outcome"] == SUCCESS:
            self._store.write(
                """INSERT INTO ledger (key, refund_no, channel_refund_no, order_no, transaction_no, amount_fen, kind,
                    moved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    key,
                    refund["refund_no"],
                    refund["channel_refund_no"],
                    refund["order_no"],
                    refund["transaction_no"],
                    refund["amount_fen"],
                    refund["kind"],
                    now,
                ),
            )
        elif refund["outcome"] == CLOSED:
            self._store.write(
                "UPDATE payments SET refunded_fen = refunded_fen - ? WHERE order_no = ?",
                (refund["amount_fen"], refund["order_no"]),
            )
        return self.refund(key)

    def unsettled(self) -> list[Row]:
        """Processing refunds that have a time to settle at."""
        return self._store.rows("SELECT * FROM refunds WHERE status = 'PROCESSING' AND settle_at IS NOT NULL")

    def stuck(self, refund_no: str) -> list[Row]:
        """Processing refunds, all of them or those of one number."""
        if refund_no:
            return self._store.rows("SELECT * FROM refunds WHERE status = 'PROCESSING' AND refund_no = ?", (refund_no,))
        return self._store.rows("SELECT * FROM refunds WHERE status = 'PROCESSING'")

    # Reading for the control API

    def ledger(self, *, order_no: str = "", refund_no: str = "") -> Iterable[dict[str, object]]:
        """Money that moved, oldest first, as the control API shows it."""
        for row in self._store.each(
            """SELECT * FROM ledger WHERE (? = '' OR order_no = ?) AND (? = '' OR refund_no = ?) ORDER BY number""",
            (order_no, order_no, refund_no, refund_no),
        ):
            yield {
                "order_no": row["order_no"],
                "transaction_no": row["transaction_no"],
                "refund_no": row["refund_no"],
                "channel_refund_no": row["channel_refund_no"],
                "amount_fen": row["amount_fen"],
                "kind": row["kind"],
                "moved_at": china(row["moved_at"]).isoformat(timespec="milliseconds"),
            }

    def refunds(self, *, order_no: str = "", refund_no: str = "", limit: int = 500) -> list[dict[str, object]]:
        """Refunds in every state, newest first, as the control API shows them."""
        found = self._store.rows(
            """SELECT * FROM refunds WHERE (? = '' OR order_no = ?) AND (? = '' OR refund_no = ?)
            ORDER BY number DESC LIMIT ?""",
            (order_no, order_no, refund_no, refund_no, limit),
        )
        return [
            {
                "order_no": row["order_no"],
                "transaction_no": row["transaction_no"],
                "refund_no": row["refund_no"],
                "channel_refund_no": row["channel_refund_no"],
                "amount_fen": row["amount_fen"],
                "kind": row["kind"],
                "status": row["status"],
                "outcome": row["outcome"],
                "created_at": rfc3339(row["created_at"]),
                "final_at": rfc3339(row["final_at"]) if row["final_at"] else None,
                "reason": extra_of(row).get("reason", ""),
            }
            for row in found
        ]

    def totals(self) -> dict[str, int]:
        """Counts and the sum moved."""
        found = self._store.row(
            """SELECT (SELECT count(*) FROM payments) AS payments, (SELECT count(*) FROM refunds) AS refunds,
            (SELECT count(*) FROM refunds WHERE status = 'PROCESSING') AS processing,
            (SELECT count(*) FROM ledger) AS moved, (SELECT coalesce(sum(amount_fen), 0) FROM ledger) AS moved_fen"""
        )
        return dict(cast(Row, found))

    def reset(self) -> None:
        """Forget payments, refunds and the ledger. Channel numbers go on counting, so that none is used twice."""
        for table in ("ledger", "refunds", "payments"):
            self._store.write(f"DELETE FROM {table}")  # noqa: S608 - the names are the three above

    def _payment_row(self, payment: Mapping[str, object], position: int) -> tuple[object, ...]:
        place = f"payment {position}"
        order_no = text(payment.get("order_no"), f"{place}: order_no")
        amount_fen = whole(payment.get("amount_fen"), f"{place}: amount_fen", least=1, most=MAX_FEN)
        transaction_no = text(payment.get("transaction_no"), f"{place}: transaction_no", empty=True) or f"T{order_no}"
        paid_at = payment.get("paid_at")
        moment = self._clock.timestamp() if paid_at is None else instant(paid_at, f"{place}: paid_at")
        status = text(payment.get("status"), f"{place}: status", empty=True) or SUCCESS
        if status not in PAYMENT_STATES:
            raise BadSeed(f"{place}: status must be one of {', '.join(PAYMENT_STATES)}")
        known = {"order_no", "transaction_no", "amount_fen", "paid_at", "status"}
        extra = {name: value for name, value in payment.items() if name not in known}
        if "payer_fen" in extra:
            whole(extra["payer_fen"], f"{place}: payer_fen", least=0, most=amount_fen)
        return order_no, transaction_no, amount_fen, moment, status, json.dumps(extra, ensure_ascii=False)


def payer_part_fen(row: Row) -> int:
    """What the payer paid of a payment, or gets of a refund: all of it but for a coupon's part."""
    return int(str(extra_of(row).get("payer_fen", row["amount_fen"])))


def extra_of(row: Row, column: str = "extra") -> dict[str, object]:
    """The row's further facts."""
    return cast("dict[str, object]", json.loads(row[column]))
