"""A shop with payouts at chosen instants, and statements written down row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from django.utils import timezone

from core.calendar import SHANGHAI
from merchants.models import ChannelAccount, Merchant, Role, Staff
from payment_channels.contract import BillNotes, BillRow, BillRowKind, BillTotals, Done, Outcome, Unknown
from reconciliation import days, importing
from reconciliation.models import ReconciliationDay
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

#: The bill day of these tests, and the morning on which its bill is there.
DAY = timezone.now().astimezone(SHANGHAI).date() - timedelta(days=2)
MORNING = datetime.combine(DAY + timedelta(days=1), time(10, 30), SHANGHAI)


def on_day(hour: int = 12, minute: int = 0, *, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


class Written:
    """A statement of these rows; ``digest`` changes with their content."""

    def __init__(self, rows: Sequence[BillRow], *, declared: BillTotals | None = None) -> None:
        self._rows, self._declared = rows, declared
        self.notes = BillNotes()
        self.digest = f"{hash(tuple(rows)) & (2**256 - 1):064x}"[-64:]
        self.size = 100 * len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[BillRow]:
        return iter(self._rows)

    def declared(self) -> BillTotals | None:
        return self._declared


def numbered(rows: Sequence[BillRow]) -> list[BillRow]:
    return [replace(row, line=number) for number, row in enumerate(rows, start=2)]


@dataclass
class World:
    merchant: Merchant = field(default_factory=make_merchant)
    account: ChannelAccount = field(init=False)
    finance: Staff = field(init=False)
    profile: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = make_account(self.merchant, **self.profile)
        self.finance = make_staff(self.merchant, Role.FINANCE)

    def in_flight(self, amount_fen: int = 1_200, *, at: datetime | None = None) -> Execution:
        """A payout that was sent and of which nothing was heard."""
        at = at or on_day()
        sale = make_sale(self.merchant, 10_000, channel_account=self.account, paid_at=at - timedelta(hours=1))
        request = make_request(sale, amount_fen, at=at)
        assert request.state == "approved"
        claimed = [one for one in payouts.claim(limit=50, at=at) if one.request_id == request.pk]
        assert len(claimed) == 1
        payout = Execution.objects.get(request=request)
        return self.hear(payout, Unknown(code="timeout", message="no answer"), source="answer")

    def paid(self, amount_fen: int = 1_200, *, at: datetime | None = None) -> Execution:
        """A payout sent and proven at this instant."""
        at = at or on_day()
        return self.succeed(self.in_flight(amount_fen, at=at), at=at)

    def succeed(self, payout: Execution, *, at: datetime) -> Execution:
        proof = Done(
            refund_no=payout.refund_no,
            channel_refund_no=f"503{payout.refund_no[-12:]}",
            amount_fen=payout.amount_fen,
            succeeded_at=at,
            raw="{}",
        )
        return self.hear(payout, proof, source="query")

    def hear(self, payout: Execution, outcome: Outcome, *, source: str) -> Execution:
        """What the channel said about a payout, written down now: what follows from it is then not overdue."""
        answer = Answer(
            execution_id=payout.pk,
            request_id=payout.request_id,
            account_id=payout.channel_account_id,
            outcome=outcome,
            source=source,
        )
        payouts.settle([answer], at=timezone.now())
        payout.refresh_from_db()
        return payout

    def row(self, payout: Execution, **changes: Any) -> BillRow:
        """The line that a statement has of a payout."""
        values: dict[str, Any] = {
            "channel": "wechat",
            "kind": BillRowKind.REFUND,
            "order_no": payout.transaction.order_no,
            "channel_transaction_no": payout.transaction.channel_transaction_no,
            "refund_no": payout.refund_no,
            "channel_refund_no": payout.channel_refund_no or f"503{payout.refund_no[-12:]}",
            "amount_fen": payout.amount_fen,
            "fee_fen": -(payout.amount_fen * 60 + 5000) // 10_000,
            "accepted_at": payout.first_sent_at,
            "succeeded_at": payout.succeeded_at or payout.first_sent_at,
            "state": "SUCCESS",
            "line": 1,
        }
        return BillRow(**{**values, **changes})

    def portal(self, sale: Any, amount_fen: int, number: str = "PORTAL-1", **changes: Any) -> BillRow:
        """The line of a refund that somebody made in the channel's own portal."""
        values: dict[str, Any] = {
            "channel": "wechat",
            "kind": BillRowKind.REFUND,
            "order_no": sale.order_no,
            "channel_transaction_no": sale.channel_transaction_no,
            "refund_no": number,
            "channel_refund_no": f"509{number}",
            "amount_fen": amount_fen,
            "fee_fen": 0,
            "accepted_at": on_day(15),
            "succeeded_at": on_day(15, 1),
            "state": "SUCCESS",
            "line": 1,
        }
        return BillRow(**{**values, **changes})

    def sale(self, amount_fen: int = 10_000, **fields: Any) -> Any:
        return make_sale(self.merchant, amount_fen, channel_account=self.account, paid_at=on_day(9), **fields)

    def imported(self, *rows: BillRow, day: date = DAY, at: datetime = MORNING) -> ReconciliationDay:
        """The day after a statement of these rows was taken in."""
        made = days.day_made(account=self.account, day=day)
        importing.store(day_id=made.pk, statement=Written(numbered(rows)), at=at)
        return self.day(day)

    def day(self, day: date = DAY) -> ReconciliationDay:
        return days.day_for(merchant_id=self.merchant.pk, account_code=self.account.code, day=day)

    def request_of(self, payout: Execution) -> RefundRequest:
        return RefundRequest.objects.get(pk=payout.request_id)


def counts(day: ReconciliationDay) -> dict[str, int]:
    """The kinds of which there are any."""
    kinds = ("matched", "amount_differs", "ours_only", "channel_only", "pending")
    return {kind: getattr(day, kind) for kind in kinds if getattr(day, kind)}
